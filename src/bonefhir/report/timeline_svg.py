"""A timeline as inline SVG: lanes on one axis of days, nothing told by colour or shape alone; and as a table.

Every mark carries what it stands for (`data-…`, `<title>`), so that it can be read out and checked against the tables.
"""

from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from markupsafe import Markup, escape

from bonefhir.report.timeline import Lane, Mark, Timeline
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording

WIDTH = 720
LEFT = 110
RIGHT = 14
HEIGHT = 62
TOP = 20
_PAD = 9
_LEAST_SPREAD = 0.25
"""Of the greatest value: a change of one hundredth must not look like a cliff."""
_MARKS = 8_192
"""Whose texts are kept: the timelines of a patient's findings, one after the other, show the same ones."""


def x_of(day: date, line: Timeline) -> float:
    """Pixels from the left."""
    days = max(1, (line.last - line.first).days)
    return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - line.first).days / days, 2)


def drawn(line: Timeline, wording: Wording) -> Markup:
    """The picture, scalable; its label says in one sentence what a table beside it says in full."""
    height = TOP + HEIGHT * len(line.lanes) + 22
    label = wording.text("timeline.label", first=line.first, last=line.last, dose=line.dose)
    ends = f'data-first="{line.first}" data-last="{line.last}"'
    parts = [f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}" {ends}>']
    for number, lane in enumerate(line.lanes):
        parts += _lane(lane, line, TOP + HEIGHT * number, wording)
    parts += _axis(line, height, wording)
    parts.append("</svg>")
    return Markup("".join(parts))  # noqa: S704 every text of the data was escaped above


def listed(line: Timeline, wording: Wording) -> Markup:
    """The same as rows of a table."""
    return Markup("".join(_row(mark, lane.name, lane.unit, wording) for lane in line.lanes for mark in lane.marks))  # noqa: S704


@lru_cache(_MARKS)
def _row(mark: Mark, lane: str, unit: str, wording: Wording) -> str:
    texts = (str(mark.day), wording.measured(mark.low, mark.high, unit), mark.said, mark.resource)
    day, value, said, resource = (escape(visible(text)) for text in texts)
    head = f'<tr><th scope="row">{escape(wording.word("lanes", lane))}</th>'
    return f'{head}<td>{day}</td><td>{value}</td><td>{said}</td><td class="mono">{resource}</td></tr>\n'


def _axis(line: Timeline, height: int, wording: Wording) -> Iterator[str]:
    x, bottom = x_of(line.dose, line), height - 22
    yield f'<line class="now" x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{bottom}"/>'
    anchor = "end" if x > WIDTH - 150 else "start" if x < LEFT + 60 else "middle"
    yield f'<text class="now" x="{x}" y="11" text-anchor="{anchor}">{escape(wording.text("timeline.this", day=line.dose))}</text>'
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    months = _months(line)
    step = max(1, -(-len(months) // 7))
    for month in months[::step]:
        x = x_of(month, line)
        yield f'<line class="axis" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 4}"/>'
        yield f'<text x="{x}" y="{bottom + 16}" text-anchor="middle">{month:%Y-%m}</text>'


def _months(line: Timeline) -> list[date]:
    """First days of the months on the axis."""
    count = (line.last.year - line.first.year) * 12 + line.last.month - line.first.month
    starts = [
        date(line.first.year + (line.first.month - 1 + n) // 12, (line.first.month - 1 + n) % 12 + 1, 1) for n in range(count + 1)
    ]
    return [day for day in starts if line.first <= day <= line.last]


def _lane(lane: Lane, line: Timeline, top: int, wording: Wording) -> Iterator[str]:
    name = wording.word("lanes", lane.name)
    yield f'<text class="name" x="0" y="{top + 26}">{escape(name)}</text>'
    yield f'<text x="0" y="{top + 40}">{escape(wording.word("units", lane.unit))}</text>'
    if lane.window:
        first, last = (x_of(max(day, line.first), line) for day in lane.window)
        title = wording.text("timeline.window", lane=name, first=lane.window[0], last=lane.window[1])
        yield (
            f'<rect class="window" x="{first}" y="{top + 2}" width="{round(max(1.0, last - first), 2)}" height="{HEIGHT - 6}">'
            f"<title>{escape(title)}</title></rect>"
        )
    yield f'<line class="rail" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{top + HEIGHT - 2}" y2="{top + HEIGHT - 2}"/>'
    yield from (_doses(lane, line, top, wording) if lane.name == "doses" else _values(lane, line, top, wording))


def _doses(lane: Lane, line: Timeline, top: int, wording: Wording) -> Iterator[str]:
    y = top + HEIGHT / 2
    for mark in lane.marks:
        x = x_of(mark.day, line)
        size = 9 if mark.kind == "this" else 6
        points = f"{x},{y - size} {x + size},{y} {x},{y + size} {x - size},{y}"
        yield f'<polygon class="mark {mark.kind}" points="{points}" {_said(mark, lane, x, wording)}</polygon>'


def _values(lane: Lane, line: Timeline, top: int, wording: Wording) -> Iterator[str]:
    values = [v for mark in lane.marks for v in (mark.low, mark.high)] + ([lane.limit] if lane.limit is not None else [])
    low, high = min(values), max(values)
    spread = max(high - low, _LEAST_SPREAD * abs(high), 1e-9)
    base = (low + high - spread) / 2

    def y_of(value: float) -> float:
        return round(top + HEIGHT - _PAD - (HEIGHT - 2 * _PAD - 4) * (value - base) / spread, 2)

    if lane.limit is not None:
        y = y_of(lane.limit)
        title = escape(
            wording.text("timeline.limit", limit=wording.significant(lane.limit), unit=wording.word("units", lane.unit))
        )
        ends = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"'
        yield f'<line class="limit" {ends} data-limit="{lane.limit!r}"><title>{title}</title></line>'
    middles = [(x_of(m.day, line), y_of((m.low + m.high) / 2)) for m in lane.marks]
    if len(middles) > 1:
        yield f'<polyline class="path" points="{" ".join(f"{x},{y}" for x, y in middles)}"/>'
    for mark, (x, y) in zip(lane.marks, middles, strict=True):
        if mark.low < mark.high:
            yield f'<line class="spread" x1="{x}" x2="{x}" y1="{y_of(mark.low)}" y2="{y_of(mark.high)}"/>'
        yield _point(mark, lane, x, y, wording)
    for value, y in ((base + spread, top + 14), (base, top + HEIGHT - 6)):
        yield f'<text x="{LEFT - 6}" y="{y}" text-anchor="end">{wording.significant(value)}</text>'


def _point(mark: Mark, lane: Lane, x: float, y: float, wording: Wording) -> str:
    """Corrected calcium as a square, everything else as a dot."""
    said = _said(mark, lane, x, wording)
    if mark.kind == "corrected":
        corner = f'x="{round(x - 3.5, 2)}" y="{round(y - 3.5, 2)}"'
        return f'<rect class="mark" {corner} width="7" height="7" {said}</rect>'
    return f'<circle class="mark" cx="{x}" cy="{y}" r="4" {said}</circle>'


def _said(mark: Mark, lane: Lane, x: float, wording: Wording) -> str:
    """What the mark stands for: for whoever checks it as the rest of its tag, and for people as its title."""
    before, after = _told(mark, lane.name, lane.unit, wording)
    return f'{before} data-x="{x}" {after}'


@lru_cache(_MARKS)
def _told(mark: Mark, lane: str, unit: str, wording: Wording) -> tuple[str, str]:
    """Before and after its place on the axis."""
    ends = dict.fromkeys((wording.significant(mark.low), wording.significant(mark.high)))
    value = f"{'–'.join(ends)} {wording.word('units', unit)}"
    said = f"{mark.day}: {value if lane != 'doses' else mark.said}"
    data = f'data-low="{mark.low!r}" data-high="{mark.high!r}" data-resource="{escape(visible(mark.resource))}"'
    return f'data-lane="{lane}" data-day="{mark.day}"', f"{data}><title>{escape(visible(said))}</title>"
