"""The one way to HTML: every value is escaped, hidden characters are spelled out, and nothing may be fetched or run.

The page's own policy (CSP) allows its one style sheet, by digest, and nothing else: no script, image, font or connection.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bonefhir import __version__
from bonefhir.report.facts import Facts
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording


def write(path: Path, template: str, facts: Facts, wording: Wording, values: Mapping[str, Any]) -> None:
    """Streams the page to the file: a long list of findings never stands in memory as one text."""
    style = (files("bonefhir.report") / "templates" / "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    shared = {"t": wording, "style": style, "digest": f"sha256-{digest}", "knowledge": facts.knowledge, "version": __version__}
    stream = _environment().get_template(template).stream(**shared, **values)
    stream.enable_buffering(200)
    with path.open("wb") as file:
        stream.dump(file, encoding="utf-8")


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("bonefhir.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["anchor"] = anchor
    return environment


def _finalize(value: object) -> object:
    """Every {{ expression }} passes here before it is escaped; what a macro or `safe` gave is ours already."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def anchor(name: str) -> str:
    """A rule's id as part of an id of HTML."""
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)
