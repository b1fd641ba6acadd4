"""The files of schemas/, by name."""

import json
from pathlib import Path
from typing import Any

from bonefhir.contract import columns, inputs, written


def contents() -> dict[str, dict[str, Any]]:
    schemas = {
        "run": written.run(),
        "summary": written.summary(),
        "reject": written.reject(),
        "findings": written.findings(),
        "decisions": written.decisions(),
        "comparison": written.comparison(),
        "history": written.history(),
        "label": inputs.label(),
        "guideline": inputs.guideline(),
        "measurement": inputs.measurement(),
        "overrides": inputs.override(),
        "baseline": inputs.baseline(),
        "expected": inputs.expected(),
        "configuration": inputs.configuration(),
    }
    return {f"{name}.schema.json": schema for name, schema in schemas.items()} | {"datapackage.json": columns.package()}


def text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def write(folder: str) -> int:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, content in contents().items():
        (Path(folder) / name).write_text(text(content), encoding="utf-8", newline="\n")
    return 0
