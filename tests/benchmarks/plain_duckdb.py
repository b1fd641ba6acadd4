"""(b) DuckDB: read_json with a schema for each type, the same extraction, joins and eight rules as plain_fhir.py, in SQL.

NDJSON only: of Bundles it would need each as one value in memory. It checks nothing: a string in a number's place is cast,
a single object where a list should be becomes null.
"""

import sys
from pathlib import Path

import duckdb

from tests.benchmarks import plain_fhir

_CONCEPT = "STRUCT(coding STRUCT(system VARCHAR, code VARCHAR)[])"
_QUANTITY = "STRUCT(value DOUBLE, unit VARCHAR, code VARCHAR)"
_SUBJECT = "STRUCT(reference VARCHAR)"
_COLUMNS = {
    "Patient": {"id": "VARCHAR", "gender": "VARCHAR", "birthDate": "DATE"},
    "Observation": {
        "id": "VARCHAR",
        "status": "VARCHAR",
        "code": _CONCEPT,
        "subject": _SUBJECT,
        "effectiveDateTime": "TIMESTAMPTZ",
        "valueQuantity": _QUANTITY,
    },
    "MedicationAdministration": {
        "id": "VARCHAR",
        "status": "VARCHAR",
        "medicationCodeableConcept": _CONCEPT,
        "subject": _SUBJECT,
        "effectiveDateTime": "TIMESTAMPTZ",
        "effectivePeriod": 'STRUCT("start" TIMESTAMPTZ, "end" TIMESTAMPTZ)',
        "dosage": f"STRUCT(dose {_QUANTITY})",
    },
}
_COUNTED = {"id": "VARCHAR"}
"""Of the other types only the lines are counted."""


def _map(values: dict[str, str] | dict[str, float]) -> str:
    return f"MAP {{{', '.join(f'{key!r}: {value!r}' for key, value in values.items())}}}"


_TABLES = f"""
CREATE TABLE patients AS SELECT 'Patient/' || id AS patient, gender = 'female' AS female, birthDate AS born FROM patient_lines;
CREATE TABLE doses AS
    SELECT id, subject.reference AS patient, {_map(plain_fhir.AGENTS)}[medicationCodeableConcept.coding[1].code] AS product,
           coalesce(effectiveDateTime, effectivePeriod.start) AS time, effectivePeriod.end AS ended, dosage.dose.value AS amount
    FROM administration_lines WHERE status = 'completed' AND product IS NOT NULL;
CREATE TABLE labs AS
    SELECT subject.reference AS patient, {_map(plain_fhir.LABS)}[code.coding[1].code] AS name,
           effectiveDateTime AS time, valueQuantity.value AS value
    FROM observation_lines WHERE status = 'final' AND name IS NOT NULL AND valueQuantity IS NOT NULL;
"""
_LATEST = """
CREATE TABLE with_{name} AS
    SELECT doses.*, CASE WHEN doses.time - lab.time <= INTERVAL {days} DAY THEN lab.value END AS {name}
    FROM {before} AS doses ASOF LEFT JOIN (SELECT * FROM labs WHERE name = '{name}') AS lab
    ON doses.patient = lab.patient AND doses.time >= lab.time;
"""
_FAILED = f"""
CREATE TABLE judged AS
WITH derived AS (
    SELECT d.*, (140 - date_diff('day', born, d.time::DATE) / 365.25) * weight * CASE WHEN female THEN 0.85 ELSE 1 END
               / (72 * creatinine) AS clearance,
           calcium + 0.8 * greatest(4 - albumin, 0) AS corrected, product = 'zoledronic acid' AS zoledronic,
           d.time - lag(d.time) OVER (PARTITION BY d.patient, product ORDER BY d.time, id) AS since
    FROM with_weight AS d LEFT JOIN patients USING (patient)
), failed AS (
    SELECT id, unnest([
        CASE WHEN amount > {_map(plain_fhir.LIMITS)}[product] THEN 'too-much' END,
        CASE WHEN zoledronic AND ended - time < INTERVAL 15 MINUTE THEN 'too-fast' END,
        CASE WHEN product <> 'denosumab' AND creatinine IS NULL THEN 'no-creatinine' END,
        CASE WHEN calcium IS NULL THEN 'no-calcium' END,
        CASE WHEN corrected < 8.5 AND albumin IS NOT NULL THEN 'hypocalcaemia' END,
        CASE WHEN zoledronic AND clearance < 30 THEN 'clearance-30' END,
        CASE WHEN zoledronic AND clearance <= 60 AND amount > 3.5 THEN 'clearance-dose' END,
        CASE WHEN since < INTERVAL 18 DAY THEN 'too-soon' END]) AS rule
    FROM derived
)
SELECT id, rule FROM failed WHERE rule IS NOT NULL ORDER BY id, rule;
"""


def _lines(folder: Path, name: str, columns: dict[str, str]) -> str:
    listed = ", ".join(f"{column}: '{kind}'" for column, kind in columns.items())
    return f"read_json('{folder}/{name}.*', format = 'newline_delimited', columns = {{{listed}}})"


def run(folder: Path, out: Path) -> int:
    """Lines of the types that were not needed."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    for name, columns in _COLUMNS.items():
        view = {"MedicationAdministration": "administration"}.get(name, name.lower())
        db.execute(f"CREATE VIEW {view}_lines AS SELECT * FROM {_lines(folder, name, columns)}")
    db.execute(_TABLES)
    before = "doses"
    for name, days in plain_fhir.WINDOWS.items():
        db.execute(_LATEST.format(name=name, days=days, before=before))
        before = f"with_{name}"
    db.execute(_FAILED)
    db.execute(f"COPY judged TO '{out}' (HEADER)")
    return _count_others(db, folder)


def _count_others(db: duckdb.DuckDBPyConnection, folder: Path) -> int:
    others = sorted({path.name.partition(".")[0] for path in folder.iterdir()} - set(_COLUMNS))
    return sum(db.execute(f"SELECT count(*) FROM {_lines(folder, name, _COUNTED)}").fetchall()[0][0] for name in others)


if __name__ == "__main__":
    print(run(Path(sys.argv[1]), Path(sys.argv[2])))
