"""Rows of an Observation's components, for many Observations at once: each follows the Observation's own row."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.read.columns import Encoded

COLUMN = "components"
"""No column of the table: of each Observation, the values of COLUMNS for each component."""
TYPE = pa.list_(pa.list_(pa.string()))
COLUMNS = (
    "code",
    *(f"quantity_{name}" for name in ("value", "comparator", "unit", "system", "code")),
    "value_kind",
    "reference_lows",
)

Columns = dict[str, Encoded | pa.Array]


def with_rows(columns: Mapping[str, Encoded | pa.Array], components: Encoded) -> Columns:
    """The columns of the Observations' own rows, with those of their components."""
    lists = components.values.take(pa.array(components.entry))
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy()
    total = int(counts.sum())
    if not total:
        return dict(columns)
    row_of = np.repeat(np.arange(len(counts)), counts + 1)
    number = np.arange(len(row_of)) - np.repeat(np.cumsum(counts + 1) - counts, counts + 1)  # -1: the Observation's own row
    found = {name: _repeated(column, row_of) for name, column in columns.items()}
    values = lists.flatten().flatten()
    for place, name in enumerate(COLUMNS):
        own = found[name]
        if isinstance(own, Encoded):
            parts = values.take(pa.array(np.arange(place, total * len(COLUMNS), len(COLUMNS))))
            own.entry[number >= 0] = len(own.values) + np.arange(total)
            found[name] = Encoded(pa.concat_arrays([own.values, parts]), own.entry)
    found["component"] = pa.array(number.astype(np.int32))
    return found


def _repeated(column: Encoded | pa.Array, row_of: np.ndarray) -> Encoded | pa.Array:
    if isinstance(column, Encoded):
        return Encoded(column.values, column.entry[row_of])
    return column.take(pa.array(row_of))
