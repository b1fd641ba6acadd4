"""A resource with holes → text, thousands at a time: JSON is written once per template, not once per resource.

A hole is a string '<<name>>' (the value stands inside of a JSON string) or '<<#name>>' (it replaces the whole string: a
number). Styles are those of servers: 'compact' (HAPI), 'sorted' (keys in alphabetical order, as Google's store exports
them), 'spaced' (a blank after each comma and colon), 'pretty' (indented by two, as Synthea writes Bundles).
"""

import json
import re
from collections.abc import Iterable, Mapping
from itertools import repeat
from typing import Any

STYLES: dict[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":")},
    "sorted": {"separators": (",", ":"), "sort_keys": True},
    "spaced": {},
    "pretty": {"indent": 2},
}
_HOLE = re.compile(r'"<<#(\w+)>>"|<<(\w+)>>')

Values = Mapping[str, Iterable[Any]]


class Template:
    def __init__(self, resource: dict[str, Any], style: str = "compact") -> None:
        text = json.dumps(resource, ensure_ascii=False, **STYLES[style])
        self.holes = [number or name for number, name in _HOLE.findall(text)]
        self.text = _HOLE.sub("%s", text.replace("%", "%%"))

    def fill(self, values: Values, rows: int) -> list[str]:
        """One text per row. values: by hole, an iterable of `rows` values, or a single text that is the same in all rows."""
        columns = [values[hole] for hole in self.holes]
        return list(map(self.text.__mod__, zip(*(repeat(c, rows) if isinstance(c, str) else c for c in columns), strict=True)))
