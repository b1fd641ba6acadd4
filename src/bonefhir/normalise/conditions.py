"""Conditions and Procedures → one row per value set they belong to, with the dates of their possible beginning and end."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import times
from bonefhir.normalise.concepts import decode, files_of, per_distinct
from bonefhir.normalise.value_sets import Membership, ValueSetMatcher

_ENDED = ("inactive", "remission", "resolved")
"""clinicalStatus: over, so an end on an unknown date if no abatement says when."""


def identify(resources: pa.Table, resource_type: str, knowledge: Knowledge) -> list[Membership]:
    """Value sets of each Condition or Procedure; empty: nobody asks for it."""
    matcher = ValueSetMatcher(knowledge, resource_type)
    values, codes = per_distinct(resources["code"], lambda text: matcher.match(decode(text, knowledge.systems)))
    return [values[code] for code in codes]


def normalise_conditions(conditions: pa.Table, memberships: list[Membership], file_names: pa.Array) -> pa.Table:
    rows, sets, by_text = _explode(memberships)
    source = conditions.take(rows)
    dated = pc.coalesce(source["onset"], source["recorded"])
    begin, end = times.parse(dated), times.parse(source["abatement"])
    clinical = np.asarray(source["clinical_status"].to_pylist(), dtype=object)
    undated = np.asarray(source["abatement_undated"].fill_null(False))
    columns = {
        "resource": pc.binary_join_element_wise("Condition", source["id"], "/"),
        "patient_id": source["subject"],
        "value_set": sets,
        "by_text": by_text,
        "date_first": pa.array(begin.first),
        "date_last": pa.array(begin.last),
        "end_first": pa.array(end.first),
        "end_last": pa.array(end.last),
        "ended_undated": ~end.known & (undated | np.isin(clinical, _ENDED)),
        "time": dated,
        "source_file": files_of(source, file_names),
        "source_line": source["line"],
    }
    return tables.build(tables.CONDITIONS, columns)


def normalise_procedures(procedures: pa.Table, memberships: list[Membership], file_names: pa.Array) -> pa.Table:
    rows, sets, _ = _explode(memberships)
    source = procedures.take(rows)
    when = times.parse(source["performed"])
    columns = {
        "resource": pc.binary_join_element_wise("Procedure", source["id"], "/"),
        "patient_id": source["subject"],
        "value_set": sets,
        "instant": pa.array(when.instant).cast(pa.timestamp("us", tz="UTC")),
        "date_first": pa.array(when.first),
        "date_last": pa.array(when.last),
        "time": source["performed"],
        "source_file": files_of(source, file_names),
        "source_line": source["line"],
    }
    return tables.build(tables.PROCEDURES, columns)


def _explode(memberships: list[Membership]) -> tuple[npt.NDArray[np.int64], pa.Array, Flags]:
    """Row, value set and by_text of each membership, in order."""
    triples = [(row, name, found[name]) for row, found in enumerate(memberships) for name in sorted(found)]
    return (
        np.array([row for row, _, _ in triples], dtype=np.int64),
        pa.array([name for _, name, _ in triples], pa.string()),
        np.array([by_text for _, _, by_text in triples], dtype=bool),
    )
