"""Small runs made by hand: the tables of phi/ in a folder, and the facts that go with them."""

from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bonefhir import tables
from bonefhir.coded import coded
from bonefhir.knowledge.model import Knowledge, Rule, Source
from bonefhir.report.facts import WORK, Facts
from bonefhir.report.findings import Findings, cut_out
from bonefhir.settings import Settings
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '=HYPERLINK("http://evil.example";"x")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "\uff1d1+1",
    "\u00a0=1+1",
    "a;=1+1",
    "left\u202eright",
    "zero\u200bwidth",
    "{{ 7 * 7 }}{% raw %}",
    "]]>&amp;\x1b[31m\u2028",
)
"""Texts that a data source may hold and a report must survive."""

MARKS = ("\u202e", "\u200b", "\x1b", "\u2028")


def rule(name: str, severity: str = "error", products: Sequence[str] = ("zoledronic_acid_4mg",), **changes: Any) -> Rule:
    fields: dict[str, Any] = {
        "id": name,
        "version": "1",
        "products": tuple(products),
        "indications": (),
        "profiles": ("us",),
        "severity": severity,
        "kind": "dose_max",
        "doses": "all",
        "parameters": MappingProxyType({"max": 4.0}),
        "statement": f"What {name} asks for.",
        "source": Source("Zometa US PI", "2.1", "to be confirmed"),
        "guidance": f"How {name} may be wrong.",
        "examples": (),
        "file": "labels/x.toml",
        "line": 1,
    }
    return Rule(**{**fields, **changes})


def knowledge(rules: Iterable[Rule], overrides: tuple[str, ...] = ()) -> Knowledge:
    empty: Any = MappingProxyType({})
    named = ("drugs", "products", "measurements", "value_sets", "systems", "units", "ucum", "rejected_units", "routes")
    more = ("other_codes",)
    sets: Any = {name: frozenset() for name in ("excluded_codes", "known_lab_codes")}
    return Knowledge(**dict.fromkeys((*named, *more), empty), **sets, rules=tuple(rules), digest="d1g35t", overrides=overrides)


def verdict(of: Rule, number: int, outcome: str = PASS, **changes: Any) -> dict[str, Any]:
    """Dose `number`, of a patient of its own unless `patient_id` says otherwise."""
    fields: dict[str, Any] = {
        "rule_id": of.id,
        "rule_version": of.version,
        "dose_id": f"MedicationAdministration/d{number:06}",
        "patient_id": f"Patient/p{number:06}",
        "product": of.products[0],
        "indication": "bone_metastases",
        "dose_start": "2024-03-01T08:00:00Z",
        "verdict": outcome,
        "severity": of.severity,
        "reasons": ["no-creatinine"] if outcome == INDETERMINATE else [],
        "observed_low": 4.0 if outcome != INDETERMINATE else float("nan"),
        "observed_high": 4.0 if outcome != INDETERMINATE else float("nan"),
        "limit": 3.3 if outcome == FAIL else None,
        "unit": "mg",
        "message": f"4 mg given; the label's dose is 3.3 mg ({of.citation}).",
        "assumptions": ["indication-assumed"],
        "evidence": [evidence("amount", of, number)],
    }
    return {**fields, **changes}


def evidence(role: str, of: Rule, number: int) -> dict[str, Any]:
    return {
        "role": role,
        "resource": f"MedicationAdministration/d{number:06}",
        "time": "2024-03-01T08:00:00Z",
        "reported": "4000 ug",
        "value_low": 4.0,
        "value_high": 4.0,
        "unit": "mg",
    }


def outcomes(of: Rule, passed: int = 0, failed: int = 0, indeterminate: int = 0, start: int = 0) -> list[dict[str, Any]]:
    """That many doses of each verdict, numbered from `start`."""
    words = [PASS] * passed + [FAIL] * failed + [INDETERMINATE] * indeterminate
    return [verdict(of, start + number, word) for number, word in enumerate(words)]


def quality(kind: str, severity: str = "warning", **changes: Any) -> dict[str, Any]:
    fields = {"kind": kind, "severity": severity, "resource": "Observation/o1", "patient_id": "Patient/p000001"}
    return {**fields, "file": "a.ndjson", "line": 7, "detail": "met and set aside", **changes}


def file_row(name: str, **changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {"file": name, "format": "ndjson", "compression": None, "bytes": 1000, "sha256": "ab" * 32}
    ledger = {"read": 100, "used": 60, "irrelevant": 20, "superseded": 10, "excluded": 5, "rejected": 5, "empty_entries": 0}
    return {**fields, **ledger, **changes}


def reject(file: int, reason: str = "not-json", **changes: Any) -> dict[str, Any]:
    fields = dict.fromkeys(tables.REJECTS.names)
    return {**fields, "file": file, "line": 1, "stage": "read", "reason": reason, "detail": "what is wrong", **changes}


def suite(success: bool = True) -> dict[str, Any]:
    one = {"id": "dose-id-present", "type": "expect_column_values_to_not_be_null", "statement": "Every dose has an id."}
    counts = {"elements": 100, "missing": 0, "unexpected": 0 if success else 7}
    return {
        "suite": "doses",
        "title": "Doses",
        "rows": 100,
        "success": success,
        "expectations": [{**one, "severity": "critical", "success": success, **counts}],
    }


def make(
    folder: Path,
    rules: Sequence[Rule],
    verdicts: Sequence[dict[str, Any]],
    qualities: Sequence[dict[str, Any]] = (),
    files: Sequence[dict[str, Any]] = (file_row("a.ndjson"),),
    rejects: Sequence[dict[str, Any]] = (),
    labs: Sequence[dict[str, Any]] = (),
    **settings: Any,
) -> Facts:
    """Writes phi/*.parquet into `folder`; every dose of a verdict is a dose."""
    phi = folder / "phi"
    phi.mkdir(parents=True)
    doses = _doses(verdicts)
    ordered = sorted(verdicts, key=lambda row: (row["dose_id"], row["rule_id"]))
    rows = {tables.VERDICTS: ordered, tables.DOSES: doses, tables.DATA_QUALITY: list(qualities), tables.LABS: list(labs)}
    for table in (*rows, tables.PATIENTS, tables.CONDITIONS, tables.PROCEDURES):
        pq.write_table(table_of(table, rows.get(table, [])), phi / f"{table.name}.parquet")
    findings = findings_of(folder)
    with cut_out(findings) as see:
        see(coded(table_of(tables.VERDICTS, ordered)))
    return Facts(
        findings=findings,
        settings=Settings(sources=("in",), out=folder, **settings),
        knowledge=knowledge(rules),
        files=table_of(tables.FILES, files),
        unused={"Encounter": 30, "Claim": 4},
        rejects=table_of(tables.REJECTS, rejects),
        rule_counts=_counts(rules, verdicts, len(doses)),
        suites=[suite()],
        seconds={"scan": 1.25, "report": 0.5},
        peak_memory_bytes=123,
        work=dict.fromkeys(WORK, 1),
        started="2026-01-01T00:00:00Z",
    )


def findings_of(folder: Path) -> Findings:
    """Beside what is published, as in a run."""
    return Findings(folder.with_name(f".{folder.name}.findings"))


def table_of(table: tables.Table, rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist([{name: row.get(name) for name in table.names} for row in rows], schema=table.schema)


def _doses(verdicts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """A verdict may say the `date` of its dose (None: unknown), its `instant` and its `source_file`."""
    doses = {row["dose_id"]: row for row in verdicts}
    return [
        {
            "dose_id": dose,
            "patient_id": row["patient_id"],
            "product": row["product"],
            "date_first": row.get("date", date(2024, 3, 1)),
            "date_last": row.get("date", date(2024, 3, 1)),
            "instant": row.get("instant"),
            "source_file": row.get("source_file", "a.ndjson"),
        }
        for dose, row in sorted(doses.items())
    ]


def _counts(rules: Sequence[Rule], verdicts: Sequence[dict[str, Any]], doses: int) -> pa.Table:
    rows = []
    for one in rules:
        mine = [row["verdict"] for row in verdicts if row["rule_id"] == one.id]
        counts = {word: mine.count(word) for word in (PASS, FAIL, INDETERMINATE)}
        rows.append({"rule_id": one.id, **counts, "not_applicable": doses - len(mine)})
    schema = pa.schema([("rule_id", pa.string()), *((n, pa.int64()) for n in (PASS, FAIL, INDETERMINATE, "not_applicable"))])
    return pa.Table.from_pylist(rows, schema=schema)
