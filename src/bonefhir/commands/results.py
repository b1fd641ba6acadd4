"""The folder of a run, opened again: the tables of phi/ and run.json."""

import json
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bonefhir.errors import InputError
from bonefhir.settings import Settings

if TYPE_CHECKING:
    from bonefhir.knowledge.model import Knowledge
    from bonefhir.report.adjudication import Decisions


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


def settings_of(run: Path) -> Settings:
    """The settings of a finished run. Where its sources were is not in run.json's settings, and nobody asks."""
    stored = facts(run).get("settings", {})
    known = {field.name for field in fields(Settings)} - {"sources", "out"}
    return Settings.from_json({name: value for name, value in stored.items() if name in known}, sources=(), out=run)


def knowledge_of(settings: Settings) -> "Knowledge":
    """The catalogue as it is now: shipped, and the site's own folders where they still exist."""
    from bonefhir.knowledge.load import load

    return load([folder for folder in (*settings.rules, *settings.terminology) if folder.exists()])


def decisions_beside(run: Path) -> "Decisions":
    """What people have decided, as of the day of the run: as its reports show it, and what has been recorded since."""
    from bonefhir.report import decision_store
    from bonefhir.report.adjudication import Decisions

    started = facts(run).get("run", {}).get("started", "")
    try:
        day = date.fromisoformat(started[:10])
    except (TypeError, ValueError):
        raise InputError(f"{run / 'run.json'} does not say when the run started") from None
    return Decisions(decision_store.load(decision_store.beside(run)), day)


def rows_where(found: Any, column: str, value: str) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    values = found.column(column)
    if pa.types.is_dictionary(values.type):
        values = values.cast(pa.string())
    rows: list[dict[str, Any]] = found.filter(pc.equal(values, value)).to_pylist()
    return rows
