"""The folder of a run, opened again: the tables of phi/ and run.json."""

import json
from pathlib import Path
from typing import Any

from bonefhir.errors import InputError


def table(run: Path, name: str) -> Any:
    """phi/<name>.parquet as a pyarrow table."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = run / "phi" / f"{name}.parquet"
    try:
        return pq.read_table(path)
    except FileNotFoundError:
        raise InputError(f"{run} is no folder of a run: {path} is missing") from None
    except (OSError, pa.ArrowInvalid):
        raise InputError(f"{path} cannot be read as Parquet") from None


def facts(run: Path) -> dict[str, Any]:
    """run.json."""
    path = run / "run.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{run} is no folder of a run: {path} is missing") from None
    except (OSError, ValueError):
        raise InputError(f"{path} cannot be read as JSON") from None
    if not isinstance(content, dict):
        raise InputError(f"{path} does not hold an object")
    return content


def rows_where(found: Any, column: str, value: str) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = found.column(column)
    if pa.types.is_dictionary(values.type):
        values = values.cast(pa.string())
    rows: list[dict[str, Any]] = found.filter(pc.equal(values, value)).to_pylist()
    return rows
