"""bonefhir-history.html: many runs on one page, each with its way to its own reports, and every rule from run to run."""

from typing import NamedTuple
from urllib.parse import quote

from bonefhir.report import html
from bonefhir.report.history import History, Outcomes, Run, judged_runs
from bonefhir.report.wording import Wording
from bonefhir.vocabulary import FAIL, INDETERMINATE, SEVERITIES

_LEFT, _TOP, _WIDTH, _HEIGHT = 44.0, 8.0, 640.0, 96.0
"""Of the field in which shares are drawn, in a drawing of 700 × 132."""

_STRIP = 112.0
"""Where the strip of what could be judged begins."""


class Point(NamedTuple):
    """x, y: of the share; low, high: y of its interval."""

    x: float
    y: float
    low: float
    high: float


class Chart(NamedTuple):
    """changes: x of the lines before runs that applied the rule in another form; strips: (x, height of 14)."""

    rule: str
    severity: str
    points: list[Point]
    path: str
    changes: list[float]
    strips: list[tuple[float, float]]
    rows: list[tuple[Run, Outcomes]]
    step: float


def page(history: History, wording: Wording) -> str:
    values = {
        "history": history,
        "severities": list(reversed(SEVERITIES)),
        "shown": (FAIL, INDETERMINATE),
        "charts": [chart(history, rule) for rule in history.rules],
        "link": lambda run, name: quote(f"{run.folder}/{name}"),
        "field": {"left": _LEFT, "top": _TOP, "right": _LEFT + _WIDTH, "bottom": _TOP + _HEIGHT, "strip": _STRIP},
    }
    digest = history.runs[-1].about["rules_digest"] if history.runs else ""
    return html.rendered("history.html", wording, str(digest), values)


def chart(history: History, rule: str) -> Chart:
    step = _WIDTH / max(1, len(history.runs))
    found = list(judged_runs(history, rule))
    shares = [(number, one.share) for number, _, one in found if one.share]
    points = [Point(_x(number, step), _y(share.value), _y(share.low), _y(share.high)) for number, share in shares]
    return Chart(
        rule,
        found[-1][2].severity,
        points,
        " ".join(f"{point.x:g},{point.y:g}" for point in points),
        [round(_x(number, step) - step / 2, 2) for number in history.changes(rule)],
        [(_x(number, step), round(14 * one.judged, 2)) for number, _, one in found if one.judged is not None],
        [(run, one) for _, run, one in found],
        round(step, 2),
    )


def _x(number: int, step: float) -> float:
    return round(_LEFT + step * (number + 0.5), 2)


def _y(share: float) -> float:
    return round(_TOP + _HEIGHT * (1 - share), 2)
