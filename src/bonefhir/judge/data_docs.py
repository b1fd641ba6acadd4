"""Data Docs of Great Expectations, made safe to keep: they load styles, scripts and a logo that counts readers from other hosts.

What is left is plain HTML with its style inside, no script and no foreign address, and the same bytes for the same run.
"""

import re
import shutil
from pathlib import Path

FOREIGN = r"(?:https?:)?//"
ACTIVE = re.compile(r"<(script|style|footer|button|label)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
LOADED = re.compile(r"<(?:link|img|iframe|source|embed|input|meta)\b[^>]*>", re.IGNORECASE)
HANDLER = re.compile(r"\son\w+\s*=\s*(?:\"[^\"]*\"|'[^']*')", re.IGNORECASE)
ADDRESS = re.compile(rf"\s(?:href|src|action)\s*=\s*(?:\"{FOREIGN}[^\"]*\"|'{FOREIGN}[^']*')", re.IGNORECASE)
LOAD_TIME = re.compile(r"\b(?!19700101T)\d{8}T\d{6}\.\d+Z\b")
FINGERPRINT = re.compile(r"\b[0-9a-f]{32}\b")
IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)

OUR_HEAD = """<head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0 1rem; }
td, th { border: 1px solid #ccc; padding: .25rem .6rem; text-align: left; vertical-align: top; }
i.text-success::after { content: "holds"; }
i.text-danger::after { content: "does not hold"; color: #a00; font-weight: bold; }
i.text-warning::after { content: "could not be evaluated"; }
</style>"""


def without_foreign_hosts(folder: Path) -> None:
    """Rewrites every page of the folder in place; the styles, fonts and images beside them, which need a network, go.

    The index is written anew: its table is made by a script.
    """
    for page in folder.rglob("*.html"):
        page.write_text(_cleaned(page.read_text(encoding="utf-8")), encoding="utf-8")
    shutil.rmtree(folder / "static", ignore_errors=True)
    (folder / "index.html").write_text(_index(folder), encoding="utf-8")


def _cleaned(html: str) -> str:
    for pattern in (ACTIVE, LOADED, HANDLER, ADDRESS, LOAD_TIME, FINGERPRINT):
        html = pattern.sub("", html)
    return _renumbered(HEAD.sub(lambda _: OUR_HEAD, html, count=1))


def _renumbered(html: str) -> str:
    """Great Expectations gives its parts random identifiers; here they become their order on the page."""
    numbers: dict[str, str] = {}
    return IDENTIFIER.sub(lambda found: numbers.setdefault(found[0], f"part-{len(numbers) + 1}"), html)


def _index(folder: Path) -> str:
    sections = [_links(folder, "validations", "Results"), _links(folder, "expectations", "Suites")]
    title = "Data Docs of bonefhir"
    body = f"<body><h1>{title}</h1>{''.join(sections)}</body>"
    return f"<!DOCTYPE html>\n<html>{OUR_HEAD}<title>{title}</title></head>{body}</html>\n"


def _links(folder: Path, part: str, title: str) -> str:
    pages = sorted(page.relative_to(folder) for page in (folder / part).rglob("*.html"))
    # validations/<suite>/<run>/<time>/<page>, expectations/<suite>.html
    links = "".join(f'<li><a href="{page.as_posix()}">{Path(page.parts[1]).stem}</a></li>' for page in pages)
    return f"<h2>{title}</h2><ul>{links}</ul>"
