"""Lines of sheets that people have filled in → decisions, or what is wrong with them, every fault with its sheet and row.

What a person wrote is never repeated in a fault: it may have got into the wrong column, and name a patient.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from bonefhir.report.adjudication import DECISIONS, WORDS, Decision, Decisions, day_of
from bonefhir.report.decision_sheets import Line, Unreadable
from bonefhir.report.identity import FINGERPRINT
from bonefhir.report.visible import visible
from bonefhir.report.wording import all_languages
from bonefhir.report.workbook import DECISION

IDENTITY = ("rule_id", "dose_id", "patient_id")
"""Columns by which a row is checked: if they name another finding, columns were sorted apart from each other."""

LONGEST = 2_000
"""Characters of a reason or a name."""

Row = Mapping[str, Any]
Said = tuple[str, ...]
"""As Decision.said."""


@dataclass(frozen=True)
class Known:
    """What a file is compared with.

    findings    fingerprint → the run's finding
    history     decisions that are recorded already, in their order
    now         this moment, with its time zone
    replace     take a decision also if another was recorded since the workbook was written
    """

    findings: Mapping[str, Row]
    history: Sequence[Decision]
    now: datetime
    replace: bool = False


@dataclass
class Taken:
    """What a file says.

    new         decisions to record, in the order of the rows
    replaced    … of them those that follow another decision about the same finding
    unchanged   rows whose decision is recorded already, or was shown by the workbook
    blank       rows of findings without a decision
    kept        … of them those whose finding has a decision, which stays
    undated     decisions without `when`, which got the day of today
    """

    new: list[Decision] = field(default_factory=list)
    replaced: int = 0
    unchanged: int = 0
    blank: int = 0
    kept: int = 0
    undated: int = 0
    faults: list[str] = field(default_factory=list)


def taken(lines: Sequence[Line], known: Known) -> Taken:
    result = Taken()
    last = Decisions(known.history, known.now.date()).last
    shown_before = {(one.finding, one.id): one for one in known.history}
    first: dict[str, tuple[Line, Said]] = {}
    for line in lines:
        mark, said = text_of(line, "finding"), _said(line)
        if not any(said):
            result.blank += 1
            result.kept += mark in last
            continue
        before = first.setdefault(mark, (line, said))
        recorded = (last.get(mark), shown_before.get((mark, text_of(line, "earlier"))))
        if before[0] is not line:
            if not _same(said, before[1]):
                result.faults.append(f"{line.place}: decides otherwise than {before[0].place} about the same finding")
        elif any(one is not None and _same(said, one.said) for one in recorded):
            result.unchanged += 1
        elif wrong := list(_wrong(line, known, last.get(mark))):
            result.faults += [f"{line.place}: {what}" for what in wrong]
        else:
            _add(mark, said, known, result)
            result.replaced += mark in last
    return result


def _add(mark: str, said: Said, known: Known, result: Taken) -> None:
    decision, reason, who, when, until = said
    result.undated += not when
    finding = known.findings[mark]
    result.new.append(
        Decision(
            finding=mark,
            **{name: finding[name] for name in ("rule_id", "rule_version", "verdict")},
            decision=decision,
            reason=reason,
            who=who,
            when=when or known.now.date().isoformat(),
            until=until,
            recorded=_utc(known.now),
        )
    )


def _utc(moment: datetime) -> str:
    return datetime.fromtimestamp(moment.timestamp(), UTC).isoformat(timespec="seconds")


# -------------------------------------------------------------------------------------------------------------- a line


def text_of(line: Line, name: str) -> str:
    """A cell as one line of text, whatever a spreadsheet program has made of it; '' if it is blank."""
    value = line.cells.get(name)
    if value is None:
        return ""
    if isinstance(value, Unreadable):
        return value.what
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return visible(" ".join((value.isoformat() if isinstance(value, date) else str(value)).split()))


def _said(line: Line) -> Said:
    """As Decision.said: a decision in any language and case is its own word."""
    texts = [text_of(line, name) for name in DECISION]
    return (_words().get(texts[0].casefold(), texts[0]), *texts[1:])


@cache
def _words() -> Mapping[str, str]:
    shown = {wording.word("decisions", word).casefold(): word for wording in all_languages() for word in WORDS}
    return {word: word for word in WORDS} | shown


def _same(said: Said, other: Said) -> bool:
    """A blank `when` was filled in when it was recorded."""
    return said[:3] == other[:3] and said[4] == other[4] and (not said[3] or said[3] == other[3])


def _wrong(line: Line, known: Known, last: Decision | None) -> Iterator[str]:
    mark = text_of(line, "finding")
    yield from (f"{name} is {what}; write what it shows" for name, what in _unreadable(line))
    yield from _wrong_finding(line, mark, known)
    yield from _wrong_words(line)
    yield from _wrong_days(line, known.now.date())
    if last is not None and last.id != text_of(line, "earlier") and not known.replace:
        yield "has been decided otherwise since this workbook was written; look at it, and use --replace if yours is to follow"


def _unreadable(line: Line) -> Iterator[tuple[str, str]]:
    for name, value in line.cells.items():
        if isinstance(value, Unreadable) and name in (*DECISION, "finding"):
            yield name, value.what


def _wrong_finding(line: Line, mark: str, known: Known) -> Iterator[str]:
    if not FINGERPRINT.fullmatch(mark):
        yield "has a decision, but no finding: the column “Finding” is blank or was changed"
    elif mark not in known.findings:
        yield "is no finding of this run: the run is another one, or what the finding rests on has changed"
    else:
        finding = known.findings[mark]
        other = [name for name in IDENTITY if text_of(line, name) not in ("", shown(finding[name]))]
        if other:
            yield f"{', '.join(other)} and “Finding” are of different findings: were columns sorted apart?"


def shown(text: str) -> str:
    """A text as a cell returns it."""
    return " ".join(visible(text).split())


def _wrong_words(line: Line) -> Iterator[str]:
    decision, reason, who, _, _ = _said(line)
    if not decision:
        yield "has a reason, a name or a day, but no decision"
    elif decision not in WORDS:
        yield f"the decision is none of {', '.join(DECISIONS)}, {WORDS[-1]}"
    for name, text in (("reason", reason), ("who", who)):
        if not text:
            yield f"{name} is missing"
        elif len(text) > LONGEST:
            yield f"{name} is longer than {LONGEST} characters"


def _wrong_days(line: Line, today: date) -> Iterator[str]:
    """`when` may be tomorrow: people and machines live in different time zones."""
    when, until = (day_of(text_of(line, name)) for name in ("when", "until"))
    for name, day in (("when", when), ("until", until)):
        if day is None and text_of(line, name):
            yield f"{name} is no date; write YYYY-MM-DD"
    if when is not None and when > today + timedelta(days=1):
        yield "when lies in the future"
    if until is not None and until < today:
        yield "until lies in the past: the decision would not hold any more"
