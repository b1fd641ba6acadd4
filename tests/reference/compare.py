"""The engine against the reference, on every dose and rule of a folder.

python -m tests.reference.compare FOLDER [--profile us]         compares a folder of FHIR files
python -m tests.reference.compare --patients 300 --seed 1       compares generated patients

A hospital's own codes (tests/generate/site.csv) are known to both.
"""

import argparse
import tempfile
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from bonefhir import tables
from bonefhir.pipeline import judged, result
from bonefhir.settings import WEIGHTS, Settings
from tests.generate.folders import read_folder, write_bundles, write_ndjson
from tests.generate.patients import documents
from tests.reference.audit import ASSUMED, Dose, Judgement, audited
from tests.reference.catalogue import catalogue
from tests.reference.evidence import Calcium, Policy, Quantity

SHOWN = 20
SITE = Path(__file__).parents[1] / "generate" / "site.csv"
AS_SPECIFIED = Policy()

RANGE_REASONS = {"partial-date", "albumin-unknown", "bounds", "no-sex"}
"""Which of them stand beside each other when a range has several causes is a matter of reading."""


@dataclass(frozen=True)
class Difference:
    """One dose and rule of which the two say different things; None: says nothing, the rule is not applicable."""

    dose_id: str
    rule_id: str
    engine: Judgement | None
    reference: Judgement | None
    dose: Dose | None

    def __str__(self) -> str:
        lines = [f"{self.dose_id} {self.rule_id}"]
        lines += [f"  {name:9} {_said(said)}" for name, said in (("engine", self.engine), ("reference", self.reference))]
        return "\n".join([*lines, *([f"  {line}" for line in shown(self.dose)] if self.dose else ["  no such dose"])])


def compare(folder: Path, profile: str = "us", policy: Policy = AS_SPECIFIED) -> list[Difference]:
    """Every difference in product, indication, verdict, reasons and the assumptions that are read here."""
    with tempfile.TemporaryDirectory() as scratch, judged(_settings(folder, Path(scratch) / "out", profile, policy)) as run:
        rows = result(run, tables.VERDICTS).to_pylist()
    theirs = {(row["dose_id"], row["rule_id"]): _judgement(row) for row in rows}
    found = audited(read_folder(folder), catalogue(site=SITE), profile, policy)
    ours = {(one.dose_id, one.rule_id): one for one in found.judgements}
    doses = {dose.id: dose for dose in found.doses}
    keys = sorted(key for key in theirs.keys() | ours.keys() if theirs.get(key) != ours.get(key))
    return [Difference(key[0], key[1], theirs.get(key), ours.get(key), doses.get(key[0])) for key in keys]


def _settings(folder: Path, out: Path, profile: str, policy: Policy) -> Settings:
    return Settings(sources=(str(folder),), out=out, profile=profile, jobs=1, terminology=(SITE,), **asdict(policy))


def known(one: Difference) -> bool:
    """Which of several causes of a range is named: README.md, "Where the two may differ". Never a verdict."""
    mine, theirs = one.reference, one.engine
    if mine is None or theirs is None:
        return False
    same = replace(mine, reasons=()) == replace(theirs, reasons=())
    return same and set(mine.reasons) ^ set(theirs.reasons) <= RANGE_REASONS


def _judgement(row: dict[str, Any]) -> Judgement:
    product, indication, verdict = row["product"], row["indication"], row["verdict"]
    assumed = frozenset(row["assumptions"]) & ASSUMED
    return Judgement(row["dose_id"], row["rule_id"], product, indication, verdict, tuple(row["reasons"]), assumed)


def _said(said: Judgement | None) -> str:
    if said is None:
        return "not applicable"
    return f"{said.verdict} {list(said.reasons)} of {said.product} for {said.indication}, {sorted(said.assumptions)}"


def shown(dose: Dose) -> list[str]:
    """A dose's intermediate values, one a line."""
    plain = {field.name: getattr(dose, field.name) for field in fields(dose) if field.name not in ("id", "values")}
    return [f"{name} = {_value(value)}" for name, value in {**plain, **dict(dose.values)}.items()]


def _value(value: Any) -> str:
    if isinstance(value, Quantity):
        labs = ", ".join(f"{lab.resource} {lab.time.written if lab.time else '?'}" for lab in value.labs)
        read = f"{value.interval.low:g}..{value.interval.high:g}" if value.interval else f"missing {list(value.missing)}"
        return f"{read}{' SI' if value.si and value.interval and labs else ''}{f' from {labs}' if labs else ''}"
    if isinstance(value, Calcium):
        return "; ".join(map(str, value.values)) or f"missing {list(value.missing)}"
    return str(getattr(value, "written", value))


def summary(differences: list[Difference]) -> str:
    """How many of each kind, then the first of them in full."""
    counts: dict[str, int] = {}
    for one in differences:
        verdicts = [said.verdict if said else "not applicable" for said in (one.engine, one.reference)]
        counts_as = f"{one.rule_id}: engine {verdicts[0]}, reference {verdicts[1]}"
        counts[counts_as] = counts.get(counts_as, 0) + 1
    lines = [f"{len(differences)} differences"]
    lines += [f"{number:5} {name}" for name, number in sorted(counts.items(), key=lambda item: -item[1])]
    return "\n".join([*lines, "", *(f"{one}\n" for one in differences[:SHOWN])])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--patients", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile", default="us")
    parser.add_argument("--weight", choices=WEIGHTS, default="actual")
    parser.add_argument("--form", choices=("ndjson", "by-type", "bundles"), default="ndjson")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "fhir"
        if not given.folder:
            some = documents(given.seed, given.patients)
            write_bundles(some, folder) if given.form == "bundles" else write_ndjson(some, folder, given.form == "by-type")
        differences = [one for one in compare(folder, given.profile, Policy(given.weight)) if not known(one)]
    print(summary(differences))
    return 1 if differences else 0


if __name__ == "__main__":
    raise SystemExit(main())
