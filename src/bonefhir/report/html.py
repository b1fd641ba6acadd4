"""The one way to HTML: every value is escaped, hidden characters are spelled out, and nothing may be fetched.

The page's own policy (CSP) allows its one style sheet and, on the page that has one, its one script, each by its digest, and
nothing else: no image, font or connection.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from bonefhir import __version__
from bonefhir.report.facts import Facts
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording


def write(
    path: Path, template: str, facts: Facts, wording: Wording, values: Mapping[str, Any], run_id: str, scripts: Sequence[str] = ()
) -> None:
    """Streams the page to the file: a long list of findings never stands in memory as one text. scripts: names of their files."""
    style = _text("style.css") + _margins(facts, wording, run_id)
    shared = _shared(wording, style, "\n".join(map(_text, scripts)) or None) | {"knowledge": facts.knowledge, "run_id": run_id}
    stream = environment().get_template(template).stream(**shared, **values)
    stream.enable_buffering(200)
    with path.open("wb") as file:
        stream.dump(file, encoding="utf-8")


def rendered(template: str, wording: Wording, rules_digest: str, values: Mapping[str, Any]) -> str:
    """A page about several runs, without a script. rules_digest: of the latest of them."""
    shared = _shared(wording, _text("style.css"), None) | {"knowledge": {"digest": rules_digest}}
    return environment().get_template(template).render(**shared, **values)


def fragment(template: str, wording: Wording, values: Mapping[str, Any]) -> str:
    """A part of a page, which is to be put into it as it is."""
    return environment().get_template(template).render(t=wording, **values)


def _shared(wording: Wording, style: str, script: str | None) -> dict[str, Any]:
    return {"t": wording, "style": style, "script": script, "policy": _policy(style, script), "version": __version__}


def _text(name: str) -> str:
    return (files("bonefhir.report") / "templates" / name).read_text("utf-8")


def _policy(style: str, script: str | None) -> str:
    scripts = f" script-src '{_digest(script)}';" if script else ""
    return f"default-src 'none';{scripts} style-src '{_digest(style)}'; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _margins(facts: Facts, wording: Wording, run_id: str) -> str:
    """What every printed sheet of paper says of itself. Letters and digits only: it stands in a style sheet."""
    run, rules = (re.sub(r"[^0-9A-Za-z]", "", text) for text in (run_id, facts.knowledge.digest))
    said = wording.text("print.margin", run=run, rules=rules[:16])
    return f'@media print {{ @page {{ @bottom-left {{ content: "{said}"; font-size: 8pt; }} }} }}\n'


@cache
def environment() -> Environment:
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
