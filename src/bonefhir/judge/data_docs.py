"""Data Docs of Great Expectations, made safe to keep: they load styles, scripts and a logo that counts readers from other hosts.

What is left is plain HTML with its style inside, no script and no foreign address, and the same bytes for the same run.
"""

import io
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

WITHOUT_COUNTS = "BOOLEAN_ONLY"
"""Data Docs lie in share/: their counts could not be suppressed for small groups."""

# They name their pages by the time of the run and by the paths of the tables; the same input must give the same bytes.
FOLDER = "bonefhir-suites"
ONE_AT_A_TIME = Lock()
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)

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


def write(gx: Any, folder: Path, suites: Mapping[str, Any], frames: Mapping[str, pa.Table]) -> None:
    """The pages of a checkpoint. suites: Great Expectations' own, by table."""
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    with _in_memory(frames) as paths:
        source = context.data_sources.add_pandas("bonefhir")
        definitions = [_definition(gx, context, source, suite, paths[table]) for table, suite in suites.items()]
        checkpoint = gx.Checkpoint(name="bonefhir", validation_definitions=definitions, actions=[], result_format=WITHOUT_COUNTS)
        context.checkpoints.add(checkpoint).run(run_id=gx.RunIdentifier(run_name="bonefhir", run_time=NO_TIME))
    _write(context, folder)


def _definition(gx: Any, context: Any, source: Any, suite: Any, path: str) -> Any:
    batch = source.add_parquet_asset(suite.name, path=path).add_batch_definition("whole")
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=suite.name, data=batch, suite=context.suites.add(suite))
    )


@contextmanager
def _in_memory(frames: Mapping[str, pa.Table]) -> Iterator[dict[str, str]]:
    """Table -> a path that only this process can read.

    A checkpoint takes one data frame for all its suites, but a path for each; files on disk would be another copy of
    patient data.
    """
    import fsspec

    memory = fsspec.filesystem("memory")
    with ONE_AT_A_TIME:
        try:
            for name, table in frames.items():
                buffer = io.BytesIO()
                pq.write_table(table, buffer)
                memory.pipe_file(f"/{FOLDER}/{name}.parquet", buffer.getvalue())
            yield {name: f"memory://{FOLDER}/{name}.parquet" for name in frames}
        finally:
            memory.rm(f"/{FOLDER}", recursive=True)


def _write(context: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site(site_name="bonefhir", site_config=site)
    context.build_data_docs(site_names=["bonefhir"])
    without_foreign_hosts(folder)


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
