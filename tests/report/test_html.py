"""Both reports: one file that fetches and runs nothing, says what is true, and can be read by everybody."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bonefhir.report import finding_pages, phi_page
from bonefhir.report.write import write_all
from bonefhir.tables import DOSES
from tests.report.fixtures import HOSTILE, MARKS, evidence, file_row, make, outcomes, quality, reject, rule, verdict
from tests.report.pages import Page

A = rule("ZA4-A", override="severity warning -> error (committee of May)")
W, SILENT = rule("ZA4-W", "warning"), rule("ZOL/5 X", "info")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with every kind of content, each text of the data hostile."""
    out = tmp_path_factory.mktemp("run")
    rows = outcomes(A, 40, 30, 12) + outcomes(W, 0, 0, 20)
    for n, text in enumerate(HOSTILE):
        hostile = dict.fromkeys(("message", "dose_start", "patient_id", "dose_id", "product", "indication", "unit"), text)
        item = evidence("amount", A, n) | dict.fromkeys(("role", "resource", "time", "reported", "unit"), text)
        rows.append(verdict(A, 0, "fail", **hostile, reasons=["bounds"], evidence=[item], source_file=f"{text}/a"))
    qualities = [quality("unit-suspect", detail=text, resource=text, patient_id=text, file=text) for text in HOSTILE]
    files = [file_row("a.ndjson"), *(file_row(text) for text in HOSTILE)]
    rejects = [reject(n, "not-fhir", id=text, detail=text, path=text) for n, text in enumerate(HOSTILE, 1)]
    write_all(out, make(out, [A, W, SILENT], rows, qualities, files, rejects))
    return out


@pytest.fixture(params=["phi", "share"])
def page(request: pytest.FixtureRequest, folder: Path) -> Page:
    return Page((folder / request.param / "report.html").read_text("utf-8"))


def test_it_is_well_formed(page: Page) -> None:
    assert page.faults == []
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_it_fetches_nothing_and_runs_at_most_its_own_script(page: Page) -> None:
    assert {tag for tag, _ in page.elements} & {"iframe", "object", "embed", "img", "link", "base"} == set()
    running = [script for script in page.all("script") if script.get("type") != "application/json"]
    assert running == ([{}] if "script-src" in page.html else [])
    attributes = [pair for _, listed in page.elements for pair in listed.items()]
    assert all(value.startswith("#") for name, value in attributes if name in ("src", "href", "action"))
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("style", "srcset")]


def digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_its_policy_allows_its_own_style_and_script_and_nothing_else(page: Page) -> None:
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    style, script = (page.html.partition(f"<{tag}>")[2].partition(f"</{tag}>")[0] for tag in ("style", "script"))
    allowed, code = digest(style), f" script-src '{digest(script)}';" if script else ""
    assert policy == f"default-src 'none';{code} style-src '{allowed}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_of_the_page_leads_somewhere(page: Page) -> None:
    ids = {attributes.get("id") for _, attributes in page.elements}
    assert [link["href"] for link in page.all("a") if link["href"][1:] not in ids] == []


def test_it_can_be_read_by_everybody(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("h1")
    assert {"main", "header", "footer", "nav"} <= {tag for tag, _ in page.elements}
    assert [header for header in page.all("th") if header.get("scope") not in ("col", "row")] == []
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch(r"h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_texts_of_the_data_are_escaped_and_hide_nothing(folder: Path) -> None:
    page = Page((folder / "phi" / "report.html").read_text("utf-8"))
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}{% raw %}" in page.text
    assert "left⟨U+202E⟩right" in page.text
    assert not [mark for mark in MARKS if mark in page.html]
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", page.html)


def test_it_shows_what_was_counted(folder: Path) -> None:
    text = " ".join(Page((folder / "phi" / "report.html").read_text("utf-8")).text.split())
    failed = 30 + len(HOSTILE)
    assert f"{failed} / {failed + 40} = " in text
    assert "section 2.1; revision: to be confirmed" in text
    assert "How ZA4-A may be wrong." in text
    assert "committee of May" in text
    assert "no usable serum creatinine in the window" in text
    assert "Rules that applied to no dose (1)" in text
    assert "not a medical device" in text


def test_findings_are_bounded_and_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding_pages, "SHOWN_OF_RULE", (1, 10))
    monkeypatch.setattr(phi_page, "QUALITY_SHOWN", 2)
    monkeypatch.setattr(phi_page, "FILES_SHOWN", 2)
    files, rejects = [file_row(f"{n}.json") for n in range(4)], [reject(n) for n in range(4)]
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 1, 12, 9), [quality("no-unit")] * 5, files, rejects))
    page = Page((tmp_path / "phi" / "report.html").read_text("utf-8"))
    assert len(page.all("article")) == 12
    assert "12 of 21 are shown here" in page.text
    assert "2 of 5 are shown" in page.text
    assert "2 of 4 files are shown" in page.text
    assert "2 of 4 pairs" in page.text


def test_it_is_the_same_page_however_the_tables_are_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are read a row group at a time."""
    monkeypatch.setattr(phi_page, "QUALITY_SHOWN", 2)
    qualities = [quality(kind, file=f"{n % 4}.ndjson", line=n) for n, kind in enumerate(["no-unit", "negative"] * 5)]
    labs = [{"analyte": "creatinine", "unusable_reason": reason} for reason in ["no-unit", None, "negative"] * 4]
    facts = make(tmp_path, [A], outcomes(A, 5, 8, 3), qualities, labs=labs)
    write_all(tmp_path, facts)
    page = tmp_path / "phi" / "report.html"
    whole = page.read_bytes()
    for name in ("data_quality", "labs", "doses"):
        path = tmp_path / "phi" / f"{name}.parquet"
        pq.write_table(pq.read_table(path), path, row_group_size=3)
        assert pq.ParquetFile(path).num_row_groups > 3
    write_all(tmp_path, facts)
    assert page.read_bytes() == whole


def unpacked(text: str) -> Any:
    return json.loads(gzip.decompress(base64.b64decode(text)))


def test_the_script_has_every_finding_up_to_a_number_and_the_page_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding_pages, "MOST_ROWS", 250)
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 5, 280, 9)))
    html = (tmp_path / "phi" / "report.html").read_text("utf-8")
    assert "The first 250 of 289 findings can be opened here" in html
    data = unpacked(re.search(r'id="findings-data">([^<]*)<', html)[1])  # type: ignore[index]
    packs = [unpacked(text) for text in re.findall(r'class="sheets">([^<]*)<', html)]
    assert [len(pack["findings"]) for pack in packs] == [100, 100, 50]
    dose = data["columns"].index("dose")
    for row, (pack, place) in zip(data["rows"], data["pages"], strict=True):
        assert packs[pack]["texts"][packs[pack]["findings"][place]["view"]["dose"]] == row[dose]
    assert [row[5:] for row in data["cube"]] == [[5, 280, 9]]


def test_hostile_texts_hide_nothing_in_what_the_script_opens(folder: Path) -> None:
    html = (folder / "phi" / "report.html").read_text("utf-8")
    contents = [unpacked(text) for text in re.findall(r'(?:id="findings-data"|class="sheets")>([^<]*)<', html)]
    texts = {text for content in contents for text in strings(content)}
    assert {"<script>alert(1)</script>", "left⟨U+202E⟩right"} <= texts
    assert not [mark for mark in MARKS for text in texts if mark in text]


def strings(content: Any) -> Iterator[str]:
    """Every text in what JSON holds."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict | list):
        for part in content.values() if isinstance(content, dict) else content:
            yield from strings(part)


def test_the_script_makes_elements_and_texts_and_never_markup(folder: Path) -> None:
    """What the data hold can then be nothing but text; tests/browser opens hostile findings."""
    script = (folder / "phi" / "report.html").read_text("utf-8").partition("<script>")[2].partition("</script>")[0]
    assert "createElement" in script
    markup = r"(inner|outer|insertAdjacent|set)HTML|DOMParser|createContextualFragment|document\.write|srcdoc"
    code = r"\beval\b|Function\(|setTimeout\(['\"`]|javascript:|\.(href|src) ="
    assert re.search(f"{markup}|{code}", script) is None


@pytest.mark.parametrize("part", ["phi", "share"])
def test_no_dose_does_not_read_as_no_problem(tmp_path: Path, part: str) -> None:
    write_all(tmp_path, make(tmp_path, [A], []))
    text = Page((tmp_path / part / "report.html").read_text("utf-8")).text
    assert "Nothing was audited" in text
    assert "This is not a result without findings" in text
    assert "pass." not in text


def test_a_run_in_which_nothing_could_be_judged_says_so(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 0, 0, 30)))
    assert "every verdict is indeterminate" in Page((tmp_path / "phi" / "report.html").read_text("utf-8")).text


@pytest.mark.parametrize("part", ["phi", "share"])
def test_an_input_that_is_not_whole_is_said_first(tmp_path: Path, part: str) -> None:
    rejects = [reject(0, "truncated"), reject(0, line=None)]
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 30), [quality("more-pages")], rejects=rejects))
    text = Page((tmp_path / part / "report.html").read_text("utf-8")).text
    assert "The input may be incomplete: a page of a longer answer is there without the rest; a file or line ends" in text
    assert "a file could not be read at all. What is missing was not audited" in text


def test_a_file_that_is_no_data_leaves_nothing_missing(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 30), files=[file_row("README.md")], rejects=[reject(0, line=None)]))
    assert "may be incomplete" not in Page((tmp_path / "phi" / "report.html").read_text("utf-8")).text


def test_it_says_at_the_top_what_could_not_be_judged_where_and_what_would_be_needed(tmp_path: Path) -> None:
    """A dose of two rules counts once; a reason that is no dose's only one counts too."""
    rows = [verdict(A, n, "indeterminate", source_file=f"{'north' if n % 10 else 'south'}/a.ndjson") for n in range(40)]
    rows += [{**row, "rule_id": "ZA4-W", "severity": "warning", "reasons": ["no-creatinine", "no-weight"]} for row in rows[:5]]
    write_all(tmp_path, make(tmp_path, [A, W], rows))
    html = (tmp_path / "phi" / "report.html").read_text("utf-8")
    top = html[: html.index('id="outcomes"')]
    assert "no usable serum creatinine in the window: 40 doses, 36 of them at north. Needed: serum creatinine results" in top
    assert "no usable body weight in the window: 5 doses, 4 of them at north. Needed: body weights." in top


def test_values_that_cannot_be_used_are_counted_by_measurement_and_reason(tmp_path: Path) -> None:
    reasons = [None] * 7 + ["implausible"] * 2 + ["no-unit"] * 3
    labs = [{"analyte": "creatinine", "unusable_reason": reason} for reason in reasons] + [{"analyte": "albumin"}]
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 3), labs=labs))
    html = (tmp_path / "phi" / "report.html").read_text("utf-8")
    number = r'<td class="n">(.*?)</td>'
    rows = re.findall(rf'<tr><th scope="row">(creatinine|albumin)</th><td[^>]*>(.*?)</td>{number}{number}', html)
    assert rows == [
        ("creatinine", "a value without unit", "3", "12"),
        ("creatinine", "a value outside the plausible range", "2", "12"),
    ]


def test_one_site_is_not_named(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], outcomes(A, 3, 0, 4)))
    top = (tmp_path / "phi" / "report.html").read_text("utf-8").split('id="outcomes"')[0]
    assert "no usable serum creatinine in the window: 4 doses. Needed" in top


def test_no_file_and_no_suite(tmp_path: Path) -> None:
    facts = make(tmp_path, [], [], files=())
    facts.suites.clear()
    write_all(tmp_path, facts)
    assert "No suite was run." in Page((tmp_path / "phi" / "report.html").read_text("utf-8")).text


def test_columns_that_the_fixture_writes_are_those_of_the_tables() -> None:
    needed: Callable[[str], bool] = DOSES.names.__contains__
    assert all(map(needed, ("dose_id", "patient_id", "product", "date_first", "date_last")))
