"""Decisions come back from a workbook as they were made, or not at all; and they are kept."""

import csv
import datetime as dt
import json
import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

import pytest
from fhir.resources.R4B.detectedissue import DetectedIssue
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from bonefhir.errors import InputError, OutputError
from bonefhir.report import decision_sheets, decision_store
from bonefhir.report.adjudication import Decided, Decision, by_rule
from bonefhir.report.rates import wilson
from tests.report.decided import ACCEPTED, adjudicate, changed_evidence, edited, filled, get, place, put, recorded, rows, run

CANARY = "CANARY-4711"
TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return run(tmp_path / "out")


def decide_all(book: Workbook) -> dict[str, str]:
    """Fingerprint → reason: each finding gets one of its own."""
    reasons = {}
    for sheet in book.worksheets[:2]:
        for number in range(2, sheet.max_row + 1):
            mark = get(sheet, number, "Finding")
            for heading, value in {**ACCEPTED, "Reason": f"about {mark}"}.items():
                put(sheet, number, heading, value)
            reasons[mark] = f"about {mark}"
    return reasons


# ---------------------------------------------------------------------------------------------- what people do to a workbook


def as_it_is(_: Workbook) -> None:
    pass


def rows_sorted(book: Workbook) -> None:
    for sheet in book.worksheets[:2]:
        found = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        rewrite(sheet, [[cell.value for cell in sheet[1]], *Random(1).sample(found, len(found))])


def columns_moved(book: Workbook) -> None:
    for number, sheet in enumerate(book.worksheets[:2]):
        order = Random(number).sample(range(sheet.max_column), sheet.max_column)
        rewrite(sheet, [[row[place].value for place in order] for row in list(sheet.iter_rows())])


def columns_and_rows_inserted(book: Workbook) -> None:
    for sheet in book.worksheets[:2]:
        sheet.insert_cols(3, 2)
        sheet.cell(1, 3).value = "Ward"
        sheet.insert_rows(1, 3)
        sheet.cell(1, 1).value = "For the committee"
        sheet.insert_rows(6)


def sheets_renamed_and_moved(book: Workbook) -> None:
    for sheet in book.worksheets:
        sheet.title = f"Q4 {sheet.title}"
    book.move_sheet(book.worksheets[0], offset=2)
    book.create_sheet("Notes", 0).cell(1, 1).value = "talk to the ward"


def rows_hidden_by_a_filter(book: Workbook) -> None:
    for sheet in book.worksheets[:2]:
        for number in range(2, sheet.max_row + 1, 2):
            sheet.row_dimensions[number].hidden = True


def rows_of_one_sheet_moved_to_another(book: Workbook) -> None:
    errors, warnings = book.worksheets[:2]
    for row in list(errors.iter_rows(min_row=3)):
        warnings.append([cell.value for cell in row])
    errors.delete_rows(3, errors.max_row)


def rows_copied(book: Workbook) -> None:
    sheet = book.worksheets[0]
    sheet.append([cell.value for cell in sheet[2]])


def headings_in_other_letters(book: Workbook) -> None:
    for cell in book.worksheets[0][1]:
        cell.value = f" {cell.value.upper()} "


def rewrite(sheet: Worksheet, values: list[list[Any]]) -> None:
    sheet.delete_rows(1, sheet.max_row)
    for row in values:
        sheet.append(row)


@pytest.mark.parametrize(
    "change",
    [
        as_it_is,
        rows_sorted,
        columns_moved,
        columns_and_rows_inserted,
        sheets_renamed_and_moved,
        rows_hidden_by_a_filter,
        rows_of_one_sheet_moved_to_another,
        rows_copied,
        headings_in_other_letters,
    ],
)
def test_nothing_is_lost_or_misplaced(change: Callable[[Workbook], None], out: Path) -> None:
    book = load_workbook(out / "phi" / "findings.xlsx")
    reasons = decide_all(book)
    change(book)
    book.save(out.parent / "edited.xlsx")
    assert adjudicate(out, out.parent / "edited.xlsx") == 0
    history = decision_store.load(decision_store.beside(out))
    assert len(history) == 6
    assert {one.finding: one.reason for one in history} == reasons


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"Decision": " Disputed", "Reason": "a\nb  c"}, ("disputed", "a b c", "A. Smith", "2026-01-02", "")),
        ({"Who": 4711, "Reason": 4711.0}, ("accepted", "4711", "4711", "2026-01-02", "")),
        ({"When": dt.datetime(2026, 1, 3, 9, 30), "Until": dt.date(2099, 1, 31)}, (*3 * ("",), "2026-01-03", "2099-01-31")),  # noqa: DTZ001
        ({"When": 46023, "Until": 73050.5}, (*3 * ("",), "2026-01-01", "2099-12-31")),
        ({"When": None}, (*3 * ("",), TODAY.isoformat(), "")),
        ({"Reason": dt.date(2026, 1, 3), "Who": True}, ("", "2026-01-03", "True", "2026-01-02", "")),
        ({"Until": TODAY.isoformat()}, (*4 * ("",), TODAY.isoformat())),
    ],
    ids=str,
)
def test_a_cell_is_read_whatever_its_type(cells: dict[str, Any], said: tuple[str, ...], out: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): {**ACCEPTED, **cells}})) == 0
    (one,) = decision_store.load(decision_store.beside(out))
    assert all(wanted in ("", found) for wanted, found in zip(said, one.said, strict=True))


def test_a_sheet_saved_as_csv_is_read_too(out: Path, tmp_path: Path) -> None:
    book = load_workbook(filled(out, {("error", 2): ACCEPTED, ("error", 4): ACCEPTED}))
    for number, (mark, encoding) in enumerate([(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-8")]):
        path = tmp_path / f"{number}.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            csv.writer(file, delimiter=mark).writerows([["" if c.value is None else c.value for c in r] for r in book["error"]])
        assert adjudicate(out, path) == 0
        assert len(recorded(out)) == 2


@pytest.mark.parametrize("name", ["by_libreoffice.xlsx", "by_libreoffice.csv"])
def test_what_libreoffice_has_saved(name: str, out: Path) -> None:
    """Made of the workbook of this run: filled in, sorted by patient downwards, saved."""
    assert adjudicate(out, Path(__file__).parent / "workbooks" / name) == 0
    history = decision_store.load(decision_store.beside(out))
    sheet = load_workbook(out / "phi" / "findings.xlsx")["error"]
    accepted, disputed = (get(sheet, number, "Finding") for number in (2, 3))
    assert [(one.decision, one.finding) for one in history] == [("disputed", disputed), ("accepted", accepted)]
    assert all(one.reason == f"about {one.finding}" for one in history)
    assert {(one.when, one.until, one.who) for one in history} == {("2026-01-02", "2099-12-31", "4711")}


def test_a_german_workbook_comes_back_in_german_words(tmp_path: Path) -> None:
    out = run(tmp_path / "out", language="de")
    said = {"Entscheidung": "Bestritten", "Grund": "geprüft", "Wer": "A. Schmidt", "Wann": "2026-01-02"}
    book = load_workbook(out / "phi" / "findings.xlsx")
    for heading, value in said.items():
        put(book.worksheets[0], 2, heading, value)
    book.save(tmp_path / "edited.xlsx")
    assert adjudicate(out, tmp_path / "edited.xlsx") == 0
    assert list(recorded(out).values()) == ["disputed"]
    again = run(tmp_path / "again", language="de")
    assert adjudicate(again, again / "phi" / "findings.xlsx") == 0
    assert len(decision_store.load(decision_store.beside(out))) == 1


def test_macros_and_links_to_other_files_are_not_looked_at(out: Path) -> None:
    path = filled(out, {("error", 2): ACCEPTED})
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"not read")
        archive.writestr("xl/externalLinks/externalLink1.xml", "<broken")
    assert adjudicate(out, path) == 0
    assert list(recorded(out).values()) == ["accepted"]


# ------------------------------------------------------------------------------------------------- all or nothing, and said so

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"Decision": CANARY}, "the decision is none of accepted, disputed, justified, withdrawn"),
    ({"Decision": None}, "no decision"),
    ({"Reason": None}, "reason is missing"),
    ({"Who": "  "}, "who is missing"),
    ({"Reason": "x" * 3000}, "reason is longer"),
    ({"When": CANARY}, "when is no date"),
    ({"When": "02.01.2026"}, "when is no date"),
    ({"When": 2026}, "when is no date"),
    ({"When": TODAY + 2 * DAY}, "when lies in the future"),
    ({"Until": TODAY - DAY}, "until lies in the past"),
    ({"Until": "2027-02-30"}, "until is no date"),
    ({"Decision": '="accepted"'}, "decision is a formula"),
    ({"Finding": "f0123456789abcdef"}, "no finding of this run"),
    ({"Finding": None}, "Finding” is blank"),
    ({"Finding": 4711}, "Finding” is blank or was changed"),
    ({"dose_id": CANARY}, "dose_id and “Finding” are of different findings"),
    ({"patient_id": CANARY, "rule_id": CANARY}, "rule_id, patient_id and “Finding”"),
]


@pytest.mark.parametrize(("cells", "said"), WRONG, ids=lambda value: str(value)[:60])
def test_a_fault_is_told_with_its_place_and_nothing_is_recorded(
    cells: dict[str, Any], said: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = filled(out, {("error", 2): ACCEPTED, ("error", 3): {**ACCEPTED, **cells}})
    assert adjudicate(out, file) == InputError.exit_code
    shown = capsys.readouterr()
    assert "nothing was recorded" in shown.err
    assert said in next(line for line in shown.err.splitlines() if line.startswith("sheet error, row 3: "))
    assert CANARY not in shown.err + shown.out
    assert recorded(out) == {}


def test_every_fault_is_told_at_once(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = filled(out, {("error", 3): {"Decision": "maybe"}, ("warning", 2): {**ACCEPTED, "Until": "soon"}})
    assert adjudicate(out, file) == InputError.exit_code
    assert capsys.readouterr().err.splitlines()[1:] == [
        "sheet error, row 3: the decision is none of accepted, disputed, justified, withdrawn",
        "sheet error, row 3: reason is missing",
        "sheet error, row 3: who is missing",
        "sheet warning, row 2: until is no date; write YYYY-MM-DD",
    ]


def test_rows_that_contradict_each_other(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def twice(book: Workbook) -> None:
        decide_all(book)
        rows_copied(book)
        put(book["error"], 6, "Decision", "disputed")

    assert adjudicate(out, edited(out, twice)) == InputError.exit_code
    assert "sheet error, row 6: decides otherwise than sheet error, row 2" in capsys.readouterr().err
    assert recorded(out) == {}


def test_columns_that_were_sorted_apart(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def sort(book: Workbook) -> None:
        decide_all(book)
        sheet = book["error"]
        marks = [get(sheet, number, "Finding") for number in range(2, 6)]
        for number, mark in enumerate(reversed(marks), start=2):
            put(sheet, number, "Finding", mark)

    assert adjudicate(out, edited(out, sort)) == InputError.exit_code
    assert capsys.readouterr().err.count("were columns sorted apart?") == 4


def without_a_column(book: Workbook) -> None:
    decide_all(book)
    book["error"].delete_cols(place(book["error"], "Until"))


def a_column_twice(book: Workbook) -> None:
    decide_all(book)
    book["error"].cell(1, 30).value = "decision"


def without_headings(book: Workbook) -> None:
    decide_all(book)
    book["error"].delete_rows(1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without_a_column, "“Until” is missing"),
        (a_column_twice, "“Decision” stands 2 times"),
        (without_headings, "no row of headings"),
    ],
)
def test_columns_that_cannot_be_told(
    change: Callable[[Workbook], None], said: str, out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adjudicate(out, edited(out, change)) == InputError.exit_code
    assert said in capsys.readouterr().err
    assert recorded(out) == {}


# ------------------------------------------------------------------------------------------------------- files that are none


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        for number in range(3):
            with archive.open(f"xl/{number}.xml", "w") as part:
                for _ in range(100):
                    part.write(b"0" * (1 << 20))


def many_parts(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(3000):
            archive.writestr(f"{number}.xml", "<a/>")


def another_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", CANARY)


def broken_inside(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", f"<Types><{CANARY}")


def cut_off(path: Path) -> None:
    another_zip(path)
    path.write_bytes(path.read_bytes()[:40])


def with_entities(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", '<!DOCTYPE a [<!ENTITY b "CANARY">]><Types>&b;</Types>'.encode("utf-16"))


def under_a_password(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512))


def text(path: Path) -> None:
    path.write_text(f"{CANARY}\nno table at all\nf0123456789abcdef\n")


@pytest.mark.parametrize("make", [bomb, many_parts, another_zip, broken_inside, cut_off, with_entities, under_a_password, text])
def test_what_is_no_workbook_is_refused(
    make: Callable[[Path], None], out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "file.xlsx"
    make(path)
    assert adjudicate(out, path) == InputError.exit_code
    shown = capsys.readouterr().err
    assert str(path) in shown
    assert CANARY not in shown


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bomb(tmp_path / "file.xlsx")
    monkeypatch.setattr(zipfile.ZipFile, "open", None)
    with pytest.raises(InputError, match="larger than"):
        decision_sheets.read(tmp_path / "file.xlsx")


def test_no_file_and_no_run(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert adjudicate(out, tmp_path / "nothing.xlsx") == InputError.exit_code
    assert adjudicate(tmp_path, out / "phi" / "findings.xlsx") == InputError.exit_code
    assert capsys.readouterr().err.count("\n") == 2


def test_merged_cells_hide_rows(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def merge(book: Workbook) -> None:
        decide_all(book)
        column = place(book["error"], "Decision")
        book["error"].merge_cells(start_row=2, end_row=4, start_column=column, end_column=column)

    assert adjudicate(out, edited(out, merge)) == InputError.exit_code
    assert "J2:J4 are merged" in capsys.readouterr().err


# ---------------------------------------------------------------------------------------------------------------- the store


def test_the_store_is_for_its_owner_or_for_whom_that_one_says(out: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == 0
    store = decision_store.beside(out)
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    store.chmod(0o660)
    assert adjudicate(out, filled(out, {("error", 3): ACCEPTED})) == 0
    assert stat.S_IMODE(store.stat().st_mode) == 0o660
    assert len(recorded(out)) == 2


def test_a_store_that_cannot_be_written_stays_as_it_was(
    out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == 0
    before = decision_store.beside(out).read_bytes()
    names = sorted(path.name for path in out.parent.iterdir())

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert adjudicate(out, filled(out, {("error", 3): ACCEPTED})) == OutputError.exit_code
    assert "nothing was recorded" in capsys.readouterr().err
    assert decision_store.beside(out).read_bytes() == before
    assert sorted(path.name for path in out.parent.iterdir()) == names


def test_a_store_may_be_a_link_to_one_that_is_shared(out: Path, tmp_path: Path) -> None:
    (tmp_path / "team").mkdir()
    link = tmp_path / decision_store.STORE
    link.symlink_to(tmp_path / "team" / "decisions.json")
    (tmp_path / "team" / ".decisions.json.new").write_text("of a process that was killed")
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == 0
    assert link.is_symlink()
    assert len(decision_store.load(tmp_path / "team" / "decisions.json")) == 1
    assert sorted(path.name for path in (tmp_path / "team").iterdir()) == [".bonefhir-decisions.lock", "decisions.json"]


def decide_in_a_process(out: Path, file: Path, ready: Any) -> None:
    ready.wait(60)
    raise SystemExit(adjudicate(out, file))


def test_two_people_at_once_lose_nothing(out: Path) -> None:
    spawn = get_context("forkserver")
    ready = spawn.Barrier(4)
    files = [filled(out, {("error", number): ACCEPTED}, f"{number}.xlsx") for number in range(2, 6)]
    people = [spawn.Process(target=decide_in_a_process, args=(out, file, ready)) for file in files]
    for one in people:
        one.start()
    for one in people:
        one.join(60)
    assert [one.exitcode for one in people] == [0] * 4
    assert len(recorded(out)) == 4


def test_who_waits_too_long_is_refused(out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(decision_store, "_PATIENCE_SECONDS", 0.1)
    with decision_store.held(decision_store.beside(out)):
        assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == OutputError.exit_code
    assert "somebody else is writing it" in capsys.readouterr().err
    assert recorded(out) == {}


def entry(**changes: Any) -> dict[str, Any]:
    one = Decision("f0123456789abcdef", "R", "1", "fail", "accepted", "r", "w", "2026-01-01", "", "2026-01-01T00:00:00+00:00")
    return {name: getattr(one, name) for name in decision_store.NAMES} | changes


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 2, "decisions": []}',
        '{"format": 1}',
        json.dumps({"format": 1, "decisions": [CANARY]}),
        json.dumps({"format": 1, "decisions": [entry(decision=CANARY)]}),
        json.dumps({"format": 1, "decisions": [entry(until="soon")]}),
        json.dumps({"format": 1, "decisions": [entry(recorded="then")]}),
        json.dumps({"format": 1, "decisions": [entry(extra="x")]}),
        "[" * 100_000,
    ],
    ids=lambda text: text[-60:],
)
def test_a_broken_store_is_told_and_left_alone(content: str, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = decision_store.beside(out)
    store.write_text(content)
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == InputError.exit_code
    shown = capsys.readouterr().err
    assert str(store) in shown
    assert CANARY not in shown
    assert store.read_text() == content


# -------------------------------------------------------------------------------------------------------------- over time


def test_the_next_workbook_holds_what_was_decided_and_comes_back_as_known(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert adjudicate(out, edited(out, decide_all)) == 0
    again = run(tmp_path / "again")
    assert get(load_workbook(again / "phi" / "findings.xlsx")["error"], 2, "Who") == "A. Smith"
    assert adjudicate(again, again / "phi" / "findings.xlsx") == 0
    assert "0 decisions recorded, 6 known already" in capsys.readouterr().out
    assert len(decision_store.load(decision_store.beside(out))) == 6


def test_a_change_of_mind_follows_and_the_history_stays(out: Path, tmp_path: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == 0
    again = run(tmp_path / "again")
    assert adjudicate(again, filled(again, {("error", 2): {"Decision": "disputed", "Reason": "the pump says 16 min"}})) == 0
    third = run(tmp_path / "third")
    assert adjudicate(third, filled(third, {("error", 2): {"Decision": "withdrawn"}})) == 0
    assert [one.decision for one in decision_store.load(decision_store.beside(out))] == ["accepted", "disputed", "withdrawn"]
    last = load_workbook(run(tmp_path / "last") / "phi" / "findings.xlsx")["error"]
    assert get(last, 2, "Decision") is None


def test_a_later_decision_of_somebody_else_is_not_replaced_unseen(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = filled(out, {("error", 2): ACCEPTED, ("error", 3): ACCEPTED}, "mine.xlsx")
    theirs = filled(out, {("error", 2): {**ACCEPTED, "Decision": "disputed", "Who": "B"}}, "theirs.xlsx")
    assert adjudicate(out, theirs) == 0
    assert adjudicate(out, mine) == InputError.exit_code
    assert "sheet error, row 2: has been decided otherwise since this workbook was written" in capsys.readouterr().err
    assert list(recorded(out).values()) == ["disputed"]
    assert adjudicate(out, mine, "--replace") == 0
    assert sorted(recorded(out).values()) == ["accepted", "accepted"]
    assert len(decision_store.load(decision_store.beside(out))) == 3


def test_a_row_that_was_left_as_it_came_takes_nothing_back(out: Path, tmp_path: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == 0
    again = run(tmp_path / "again")
    mine = filled(again, {("error", 3): ACCEPTED}, "mine.xlsx")
    theirs = filled(again, {("error", 2): {"Decision": "disputed"}}, "theirs.xlsx")
    assert adjudicate(again, theirs) == 0
    assert adjudicate(again, mine) == 0
    assert sorted(recorded(out).values()) == ["accepted", "disputed"]


def test_a_decision_falls_away_with_what_it_rests_on(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert adjudicate(out, filled(out, {("warning", 3): ACCEPTED})) == 0
    corrected = run(tmp_path / "corrected", rows(**changed_evidence(1)))
    assert get(load_workbook(corrected / "phi" / "findings.xlsx")["warning"], 3, "Decision") is None
    stale = filled(out, {("warning", 3): {**ACCEPTED, "Decision": "disputed"}})
    assert adjudicate(corrected, stale) == InputError.exit_code
    assert "sheet warning, row 3: is no finding of this run" in capsys.readouterr().err


def test_an_expired_decision_is_shown_as_such_and_held_no_more(out: Path, tmp_path: Path) -> None:
    until = (TODAY + 10 * DAY).isoformat()
    assert adjudicate(out, filled(out, {("error", 2): {**ACCEPTED, "Until": until}})) == 0
    for days, word, mitigations in ((10, "accepted", 1), (11, None, 0)):
        started = f"{TODAY + days * DAY}T00:00:00+00:00"
        later = run(tmp_path / f"{days}", started=started, html=True)
        assert get(load_workbook(later / "phi" / "findings.xlsx")["error"], 2, "Decision") == word
        assert (later / "phi" / "fhir" / "detected-issues.ndjson").read_text().count("mitigation") == mitigations
        page = (later / "phi" / "report.html").read_text()
        assert ("Decision: accepted (expired)</strong>" in page) is (word is None)
        assert "Decision: accepted" in page


def test_only_an_end_that_has_come_makes_the_day_of_a_run_matter(out: Path, tmp_path: Path) -> None:
    """The same input, rules, settings and decisions give the same bytes, on whatever day."""
    assert adjudicate(out, filled(out, {("error", 2): {**ACCEPTED, "Until": "2099-12-31"}, ("error", 3): ACCEPTED})) == 0
    runs = [run(tmp_path / day, started=f"{day}T00:00:00+00:00", html=True) for day in ("2026-01-01", "2099-12-31", "2100-01-01")]
    first, second, third = ({p.name: p.read_bytes() for p in (one / "phi").rglob("*") if p.is_file()} for one in runs)
    assert first == second
    assert {name for name in first if first[name] != third[name]} == {"findings.xlsx", "report.html", "detected-issues.ndjson"}


# ------------------------------------------------------------------------------------------------------- what reports make of it


def test_precision_is_the_share_of_decided_findings_that_people_confirmed(out: Path, tmp_path: Path) -> None:
    """Of the three errors that fail; the indeterminate one claims nothing, and what was withdrawn is not decided."""
    words = {2: "accepted", 3: "justified", 4: "disputed", 5: "disputed"}
    decided = {("error", number): {**ACCEPTED, "Decision": word} for number, word in words.items()}
    assert adjudicate(out, filled(out, decided | {("warning", 2): ACCEPTED})) == 0
    history = decision_store.load(decision_store.beside(out))
    found = by_rule(history)
    assert found["ZA4-A", "1"] == Decided(accepted=1, disputed=1, justified=1)
    assert found["ZA4-A", "1"].precision == wilson(2, 3)
    assert found["ZA4-W", "1"].precision == wilson(1, 1)
    withdrawn = [replace(one, decision="withdrawn") for one in history]
    assert by_rule([*history, *withdrawn]) == {}
    again = run(tmp_path / "again", html=True)
    of_run = json.loads((again / "run.json").read_text())["decisions"]
    assert of_run["recorded"] == 5
    assert of_run["rules"]["ZA4-A"] == {"accepted": 1, "disputed": 1, "justified": 1}
    page = (again / "phi" / "report.html").read_text()
    assert page.count("2 / 3 = 66.7\u00a0% (20.8\u00a0% – 93.9\u00a0%)") == 2


def test_a_rule_in_another_version_begins_anew(out: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): ACCEPTED})) == 0
    (one,) = decision_store.load(decision_store.beside(out))
    assert set(by_rule([one, replace(one, finding="f", rule_version="2")])) == {("ZA4-A", "1"), ("ZA4-A", "2")}


def test_mitigations_are_valid_fhir(out: Path, tmp_path: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): {**ACCEPTED, "Reason": "a < b & \u202ec"}})) == 0
    lines = (run(tmp_path / "again") / "phi" / "fhir" / "detected-issues.ndjson").read_text().splitlines()
    issues = [DetectedIssue.model_validate(json.loads(line)) for line in lines]
    (mitigation,) = [one for issue in issues for one in issue.mitigation or []]
    assert mitigation.action.text == "accepted: a < b & ⟨U+202E⟩c"
    assert (mitigation.author.display, mitigation.date) == ("A. Smith", dt.date(2026, 1, 2))


def test_reasons_and_names_stay_in_phi(out: Path, tmp_path: Path) -> None:
    assert adjudicate(out, filled(out, {("error", 2): {**ACCEPTED, "Reason": CANARY, "Who": CANARY}})) == 0
    again = run(tmp_path / "again", html=True)
    files = [path for path in again.rglob("*") if path.is_file()]
    holding = {path.relative_to(again).parts[0] for path in files if CANARY in path.read_text(errors="replace")}
    assert holding == {"phi"}
