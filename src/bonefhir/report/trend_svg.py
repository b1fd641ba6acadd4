"""A control chart as inline SVG, and under a p-chart the strip of completeness. A table beside it says the same.

Points of a special cause are larger and diamonds: nothing is told by colour alone.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from markupsafe import Markup, escape

from bonefhir.report.control_chart import Bools, Floats, GChart, PChart
from bonefhir.report.trends import Trend
from bonefhir.report.wording import Wording

WIDTH = 720
LEFT = 56
RIGHT = 12
TOP = 14
HEIGHT = 150
STRIP = 30
_GAP = 26
_LABELS = 18


def drawn(trend: Trend, chart: PChart | GChart, label: str, wording: Wording) -> Markup:
    is_p = isinstance(chart, PChart)
    height = TOP + HEIGHT + _LABELS + (_GAP + STRIP if is_p else 0)
    parts = [f'<svg class="trend" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(label)}">']
    parts += _p(trend, chart, wording) if isinstance(chart, PChart) else _g(trend, chart, wording)
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704 every text was escaped above


def _p(trend: Trend, chart: PChart, wording: Wording) -> Iterator[str]:
    x = _across(len(trend.months))
    most = min(1.0, 1.1 * float(np.nanmax(np.fmax(chart.values, chart.upper))))
    y = _down(most)
    for bound, name in ((chart.lower, "limit"), (chart.upper, "limit"), (np.full(len(x), chart.centre), "centre")):
        yield _steps(x, y(bound), name)
    yield _line(x, y(chart.values))
    titles = [f"{month}: {wording.percent(v)}" for month, v in zip(trend.months, chart.values, strict=True)]
    yield from _points(x, y(chart.values), chart.signals.any, titles)
    for v in (0.0, chart.centre, most):
        yield _text(LEFT - 6, float(y(np.array([v]))[0]) + 4, wording.percent(v), "end")
    yield from _strip(trend, x, wording)
    yield from _axis(trend.months, x, TOP + HEIGHT + _GAP + STRIP)


def _strip(trend: Trend, x: Floats, wording: Wording) -> Iterator[str]:
    """Bars: the part of each month's doses that could be judged."""
    bottom = TOP + HEIGHT + _GAP + STRIP
    yield _text(LEFT, bottom - STRIP - 6, wording.text("trend.strip"), "start")
    yield f'<rect class="strip" x="{LEFT}" y="{bottom - STRIP}" width="{WIDTH - LEFT - RIGHT}" height="{STRIP}"/>'
    width = round(0.7 * (WIDTH - LEFT - RIGHT) / max(1, len(x)), 2)
    for place, month in enumerate(trend.months):
        if trend.applicable[place]:
            share = float(trend.complete[place] / trend.applicable[place])
            box = f'x="{x[place] - width / 2:.1f}" y="{bottom - STRIP * share:.1f}" width="{width}" height="{STRIP * share:.1f}"'
            yield f'<rect class="judged" {box}><title>{month}: {wording.percent(share)}</title></rect>'
    yield _text(LEFT - 6, bottom - STRIP + 8, wording.percent(1), "end")
    yield _text(LEFT - 6, bottom, wording.percent(0), "end")


def _g(trend: Trend, chart: GChart, wording: Wording) -> Iterator[str]:
    x = _across(len(chart.values))
    values = chart.values.astype(np.float64)
    most = 1.1 * max(float(values.max()), chart.upper)
    y = _down(most)
    for height, name in ((chart.upper, "limit"), (chart.centre, "centre")):
        yield _steps(x, y(np.full(len(x), height)), name)
    yield _line(x, y(values))
    titles = [f"{day}: {wording.number(int(v))}" for day, v in zip(trend.days, chart.values, strict=True)]
    yield from _points(x, y(values), chart.signals.any, titles)
    for v in (0.0, chart.centre, chart.upper):
        yield _text(LEFT - 6, float(y(np.array([v]))[0]) + 4, wording.significant(round(v, 1)), "end")
    yield from _axis([day[:7] for day in trend.days], x, TOP + HEIGHT)


def _across(points: int) -> Floats:
    step = (WIDTH - LEFT - RIGHT) / max(1, points)
    return np.asarray(LEFT + step * (np.arange(points) + 0.5), np.float64)


def _down(most: float) -> Callable[[Floats], Floats]:
    """Values → pixels from the top."""
    return lambda values: np.asarray(TOP + HEIGHT * (1 - values / (most or 1.0)), np.float64)


def _steps(x: Floats, y: Floats, name: str) -> str:
    """A level for each point, as wide as its share of the axis; none where there is no point."""
    half = (x[1] - x[0]) / 2 if len(x) > 1 else 5.0
    shown = np.flatnonzero(~np.isnan(y))
    path = []
    for before, place in zip([-2, *shown[:-1]], shown, strict=True):
        path.append(f"{'L' if place == before + 1 else 'M'}{x[place] - half:.1f} {y[place]:.1f}H{x[place] + half:.1f}")
    return f'<path class="{name}" d="{"".join(path)}"/>'


def _line(x: Floats, y: Floats) -> str:
    shown = np.flatnonzero(~np.isnan(y))
    path = [
        f"{'L' if place == before + 1 else 'M'}{x[place]:.1f} {y[place]:.1f}"
        for before, place in zip([-2, *shown[:-1]], shown, strict=True)
    ]
    return f'<path class="path" d="{"".join(path)}"/>'


def _points(x: Floats, y: Floats, special: Bools, titles: Sequence[str]) -> Iterator[str]:
    for at, level, found, title in zip(x, y, special, titles, strict=True):
        if np.isnan(level):
            continue
        said = f"<title>{escape(title)}</title>"
        if found:
            corners = f"{at:.1f},{level - 7:.1f} {at + 7:.1f},{level:.1f} {at:.1f},{level + 7:.1f} {at - 7:.1f},{level:.1f}"
            yield f'<polygon class="special" points="{corners}">{said}</polygon>'
        else:
            yield f'<circle cx="{at:.1f}" cy="{level:.1f}" r="3.2">{said}</circle>'


def _axis(labels: Sequence[str], x: Floats, bottom: float) -> Iterator[str]:
    yield f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{bottom}" y2="{bottom}"/>'
    step = max(1, -(-len(labels) // 8))
    for place in range(0, len(labels), step):
        yield _text(float(x[place]), bottom + 14, labels[place], "middle")


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
