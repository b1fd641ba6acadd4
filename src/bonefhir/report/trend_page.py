"""A trend as the pages show it: picture, sentences and the rows of its table."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from bonefhir.report.control_chart import LEAST_DENOMINATOR, LEAST_EVENTS, LEAST_POINTS, RARE, GChart, PChart, Signals
from bonefhir.report.trend_svg import drawn
from bonefhir.report.trends import Trend
from bonefhir.report.wording import Wording

COMPLETE = 0.8
"""A month of which a smaller part could be judged is named beside the chart. Ours, not from a source."""
_NAMED = 6
_Columns = tuple[tuple[str, bool], ...]
_SIGNALS = ("outside", "shift", "trend")


@dataclass(frozen=True)
class Shown:
    """columns: keys of [columns], and whether they are numbers; rows: their cells, the first one the head of the row."""

    name: str
    svg: Markup
    said: tuple[str, ...]
    columns: _Columns
    rows: tuple[tuple[str, ...], ...]


def shown(trend: Trend, name: str, wording: Wording) -> Shown | None:
    """None if there is no chart."""
    chart = trend.chart
    if chart is None:
        return None
    if isinstance(chart, PChart):
        points, special = trend.months, _special(trend.months, chart.signals, wording)
        values = {"centre": wording.percent(chart.centre), "low": _range(chart, wording)[0], "high": _range(chart, wording)[1]}
        said = (wording.text("trend.p", **values), special, *_incomplete(trend, wording))
        columns, rows = _P_COLUMNS, tuple(_p_rows(trend, chart, wording))
    else:
        points, special = trend.days, _special(trend.days, chart.signals, wording)
        limits = {"centre": wording.significant(round(chart.centre, 1)), "upper": wording.significant(round(chart.upper, 1))}
        said = (wording.text("trend.g", events=len(trend.days) + 1, **limits), special, *_incomplete(trend, wording))
        columns, rows = _G_COLUMNS, tuple(_g_rows(trend, chart, wording))
    label = wording.text("trend.label", name=name, first=points[0], last=points[-1], special=special)
    return Shown(name, drawn(trend, chart, label, wording), said, columns, rows)


def no_chart(wording: Wording) -> str:
    """What a chart would need."""
    numbers = {"months": LEAST_POINTS, "least": LEAST_DENOMINATOR, "events": int(LEAST_EVENTS), "fails": LEAST_POINTS + 1}
    return wording.text("trend.no_chart", rare=f"{round(100 * RARE)}\u00a0%", **numbers)


_P_COLUMNS: _Columns = (
    ("month", False),
    ("fail", True),
    ("of", True),
    ("share", True),
    ("limits", True),
    ("complete", True),
    ("signal", False),
)
_G_COLUMNS: _Columns = (("day", False), ("between", True), ("signal", False))


def _p_rows(trend: Trend, chart: PChart, wording: Wording) -> Iterator[tuple[str, ...]]:
    for place, month in enumerate(trend.months):
        point = not np.isnan(chart.values[place])
        part = f"{wording.number(int(trend.complete[place]))} / {wording.number(int(trend.applicable[place]))}"
        yield (
            month,
            wording.number(int(trend.events[place])),
            wording.number(int(trend.judged[place])),
            wording.percent(chart.values[place]) if point else "–",
            f"{wording.percent(chart.lower[place])} – {wording.percent(chart.upper[place])}" if point else "–",
            part,
            _signals(chart.signals, place, wording) if point else wording.text("trend.few"),
        )


def _g_rows(trend: Trend, chart: GChart, wording: Wording) -> Iterator[tuple[str, ...]]:
    for place, (day, between) in enumerate(zip(trend.days, chart.values, strict=True)):
        yield day, wording.number(int(between)), _signals(chart.signals, place, wording)


def _signals(signals: Signals, place: int, wording: Wording) -> str:
    return ", ".join(wording.text(f"trend.{name}") for name in _SIGNALS if getattr(signals, name)[place])


def _special(points: Sequence[str], signals: Signals, wording: Wording) -> str:
    """Shifts and trends by their first and last point: one run at a time is told in the table."""
    said = []
    for name in _SIGNALS:
        found = [points[place] for place in np.flatnonzero(getattr(signals, name)).tolist()]
        if found:
            where = _listed(found) if name == "outside" else f"{found[0]} – {found[-1]}"
            said.append(f"{wording.text(f'trend.{name}')}: {where}")
    return wording.text("trend.special", what="; ".join(said)) if said else wording.text("trend.no_special")


def _incomplete(trend: Trend, wording: Wording) -> Iterator[str]:
    less = trend.complete < COMPLETE * trend.applicable
    poor = [trend.months[place] for place in np.flatnonzero(less).tolist()]
    if poor:
        yield wording.text("trend.incomplete", part=f"{round(100 * COMPLETE)}\u00a0%", months=_listed(poor))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if len(names) > _NAMED else "")


def _range(chart: PChart, wording: Wording) -> tuple[str, str]:
    return wording.percent(float(np.nanmin(chart.values))), wording.percent(float(np.nanmax(chart.values)))
