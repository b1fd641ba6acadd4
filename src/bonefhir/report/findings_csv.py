"""phi/findings.csv: one line per finding, for people with a spreadsheet.

UTF-8 with a byte order mark: without it Excel reads the file in the code page of the machine, and µmol/L becomes Âµmol/L.
Readers in Python take encoding "utf-8-sig"; pandas, R and Arrow skip the mark by themselves. Programs should read
verdicts.parquet. Texts cannot become formulas (`spreadsheet`), numbers are plain numbers.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from bonefhir.knowledge.model import Rule
from bonefhir.report.findings import Findings
from bonefhir.report.spreadsheet import harmless

TEXTS = ("rule_id", "severity", "verdict", "reasons", "patient_id", "dose_id", "dose_start", "product", "indication")
NUMBERS = ("observed_low", "observed_high", "limit")
COLUMNS = (*TEXTS, *NUMBERS, "unit", "message", "assumptions", "evidence", "source")
_SCHEMA = pa.schema([(name, pa.float64() if name in NUMBERS else pa.string()) for name in COLUMNS])
_DECIMALS = 6
"""Comparisons know no more digits (interval.TOLERANCE), and 1.3999999999999999 helps nobody."""


def write(path: Path, findings: Findings, rules: Sequence[Rule]) -> None:
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf" + (",".join(COLUMNS) + "\n").encode())
        options = pcsv.WriteOptions(include_header=False, quoting_style="needed")
        with pcsv.CSVWriter(file, _SCHEMA, write_options=options) as writer:
            for part in findings:
                writer.write_table(as_text(part, rules))


def as_text(findings: pa.Table, rules: Sequence[Rule]) -> pa.Table:
    """Findings with every list and struct as one readable text, safe for a spreadsheet; numbers rounded."""
    columns = {name: findings[name].combine_chunks() for name in findings.column_names}
    texts = {
        **columns,
        "reasons": pc.binary_join(columns["reasons"], " "),
        "assumptions": pc.binary_join(columns["assumptions"], " "),
        "evidence": evidence_text(columns["evidence"]),
        "source": _sources(columns["rule_id"], rules),
    }
    cells = {name: _number(texts[name]) if name in NUMBERS else harmless(texts[name]) for name in COLUMNS}
    return pa.table(cells, schema=_SCHEMA)


def evidence_text(evidence: pa.ListArray) -> pa.Array:
    """'creatinine: 124 umol/L = 1.402 mg/dL, 2024-03-01, Observation/c1 | …', one text per row; what is missing is left out."""
    flat = evidence.flatten()
    role, reported, time, resource = (pc.fill_null(flat.field(name), "") for name in ("role", "reported", "time", "resource"))
    converted = _converted(flat)
    again = pc.or_(pc.equal(reported, converted), pc.equal(reported, ""))
    value = pc.if_else(again, converted, pc.binary_join_element_wise(reported, _led(" = ", converted), ""))
    pieces = pc.binary_join_element_wise(role, _led(": ", value), _led(", ", time), _led(", ", resource), "")
    lengths = pc.fill_null(pc.list_value_length(evidence), 0).to_numpy()
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), pieces), " | ")


def _converted(flat: pa.StructArray) -> pa.Array:
    """'1.402 mg/dL' or '1.2 to 1.4 mg/dL'; '' where nothing was converted."""
    low, high = (_digits(flat.field(name)) for name in ("value_low", "value_high"))
    span = pc.if_else(pc.equal(low, high), low, pc.binary_join_element_wise(low, " to ", high, ""))
    return pc.fill_null(pc.binary_join_element_wise(span, _led(" ", pc.fill_null(flat.field("unit"), "")), ""), "")


def _led(mark: str, texts: pa.Array) -> pa.Array:
    """`mark` before every text that is not empty."""
    return pc.if_else(pc.equal(texts, ""), "", pc.binary_join_element_wise(mark, texts, ""))


def _digits(values: pa.Array) -> pa.Array:
    return _number(values).cast(pa.string())


def _number(values: pa.Array) -> pa.Array:
    """Rounded; NaN is null, an empty cell."""
    return pc.if_else(pc.is_nan(values), pa.scalar(None, pa.float64()), pc.round(values, _DECIMALS))


def _sources(rule_ids: pa.Array, rules: Sequence[Rule]) -> pa.Array:
    place = pc.index_in(rule_ids, pa.array([rule.id for rule in rules], pa.string()))
    return pc.take(pa.array([rule.citation for rule in rules], pa.string()), place)
