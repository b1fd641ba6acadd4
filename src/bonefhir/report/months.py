"""Months of doses, as 'YYYY-MM'."""

import pyarrow as pa
import pyarrow.compute as pc


def month_column(first: pa.Array, last: pa.Array) -> pa.Array:
    """The month of each range of days; null where it is not known to the month."""
    months = [pc.strftime(day.cast(pa.date32()), format="%Y-%m") for day in (first, last)]
    return pc.if_else(pc.equal(*months), months[0], pa.scalar(None, pa.string()))
