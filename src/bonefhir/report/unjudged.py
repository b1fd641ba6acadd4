"""Where the doses are that could not be judged, reason by reason."""

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.slices import Sliced
from bonefhir.vocabulary import INDETERMINATE


class AtSite(NamedTuple):
    """The site that has most of the doses of a reason, and how many."""

    site: str
    doses: int


def most_at(sliced: Sliced) -> dict[str, AtSite]:
    """Reason → its site, ties by name; empty where all doses are of one site, of which there is nothing to say."""
    site = sliced.doses["site"].combine_chunks()
    if pc.count_distinct(site).as_py() < 2:
        return {}
    rows = sliced.verdicts.filter(pc.equal(sliced.verdicts["verdict"], INDETERMINATE)).combine_chunks()
    reasons = rows["reasons"].combine_chunks()
    doses = rows["dose"].combine_chunks().take(pc.list_parent_indices(reasons))
    each = pa.table({"reason": pc.list_flatten(reasons), "dose": doses}).group_by(["reason", "dose"]).aggregate([])
    placed = each.append_column("site", site.take(each["dose"].combine_chunks()))
    found: dict[str, AtSite] = {}
    counted = placed.group_by(["reason", "site"]).aggregate([([], "count_all")]).to_pylist()
    for row in sorted(counted, key=lambda row: (-row["count_all"], row["site"] or "")):
        found.setdefault(row["reason"], AtSite(row["site"] or "", row["count_all"]))
    return found
