"""What verdicts can be broken down by: product, indication, site and month of their doses.

Site is the folder that a dose's record came in, as it was given to the run; where it came in none, the file. FHIR has better
places for it (performer, location of the encounter), which are not read.
"""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.report.counts import JUDGED
from bonefhir.report.months import month_column

SLICES = ("product", "indication", "site", "month")


class Sliced:
    """Doses and verdicts of the run.

    doses       in the order of doses.parquet: dose_id, patient_id, date_first, date_last, instant, and SLICES
    verdicts    rule_id, verdict, severity, reasons, and `dose`, the row in `doses`
    """

    def __init__(self, phi: Path) -> None:
        self.doses = _doses(phi / "doses.parquet")
        names = ["rule_id", "verdict", "severity", "reasons"]
        # An id stands in many verdicts: as codes of a dictionary each is looked up once.
        table = pq.read_table(phi / "verdicts.parquet", columns=[*names, "dose_id"], read_dictionary=["dose_id"])
        ids = table["dose_id"].unify_dictionaries().combine_chunks()
        self.verdicts = table.select(names).append_column("dose", self._places(ids.dictionary).take(ids.indices))

    def of(self, dose_ids: pa.Array) -> pa.Table:
        """The doses of these ids, in order."""
        return self.doses.take(self._places(dose_ids))

    def _places(self, dose_ids: pa.Array) -> pa.Array:
        return pc.index_in(dose_ids, self.doses["dose_id"].combine_chunks())


def _doses(path: Path) -> pa.Table:
    kept = ["dose_id", "patient_id", "date_first", "date_last", "instant"]
    table = pq.read_table(path, columns=[*kept, "product", "rule_indication", "source_file"])
    columns = {
        "product": table["product"].cast(pa.string()),
        "indication": table["rule_indication"].cast(pa.string()),
        "site": sites(table["source_file"].cast(pa.string()).combine_chunks()),
        "month": month_column(table["date_first"].combine_chunks(), table["date_last"].combine_chunks()),
    }
    return pa.table({**{name: table[name] for name in kept}, **columns})


def sites(files: pa.Array) -> pa.Array:
    """The folder that a file came in, as the name of its site; the file's own name where it came in none."""
    folder = pc.replace_substring_regex(files, r"/[^/]*$", "")
    return pc.if_else(pc.match_substring(files, "/"), folder, files)


def slices(sliced: Sliced) -> list[dict[str, Any]]:
    """Doses by slice."""
    grouped = sliced.doses.group_by(list(SLICES), use_threads=False).aggregate([([], "count_all")])
    return list(grouped.to_pylist())


def cube(sliced: Sliced, by: tuple[str, ...] = SLICES) -> list[dict[str, Any]]:
    """Numbers of pass, fail and indeterminate by rule and slice, in the order in which they are met."""
    keys = [*by, "rule_id"]
    found = sliced.doses.select(list(by)).take(sliced.verdicts["dose"].combine_chunks())
    for name in ("rule_id", "verdict"):
        found = found.append_column(name, sliced.verdicts[name].combine_chunks())
    cells: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in found.group_by([*keys, "verdict"], use_threads=False).aggregate([([], "count_all")]).to_pylist():
        key = tuple(row[name] for name in keys)
        one = cells.setdefault(key, {**{name: row[name] for name in keys}, **dict.fromkeys(JUDGED, 0)})
        one[row["verdict"]] = row["count_all"]
    return list(cells.values())
