"""Windows and the latest measurement against the sentences of the semantics, one pair at a time, on generated moments."""

from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefhir.derive.latest import Labs, hull, latest
from bonefhir.derive.windows import NEVER, Moments, Pairs, after, before
from bonefhir.interval import Interval

DAY = 86_400_000_000
WINDOW = 5


@dataclass(frozen=True)
class Moment:
    """hour None: a date without a time. width: days by which a partial date is wide. day None: no date at all."""

    patient: int
    day: int | None
    hour: int | None
    width: int

    @property
    def instant(self) -> int | None:
        return None if self.day is None or self.hour is None or self.width else self.day * DAY + self.hour * DAY // 24

    @property
    def first(self) -> int:
        assert self.day is not None
        return self.day

    @property
    def last(self) -> int:
        return self.first + self.width


def moment(undated: bool) -> st.SearchStrategy[Moment]:
    day = st.integers(0, 12)
    return st.builds(
        Moment,
        patient=st.integers(0, 1),
        day=st.one_of(st.none(), day) if undated else day,
        hour=st.one_of(st.none(), st.integers(0, 23)),
        width=st.sampled_from([0, 0, 0, 1, 3]),
    )


def columns(found: list[Moment]) -> Moments:
    def column(values: list[int | None]) -> np.ndarray:
        return np.array([NEVER if v is None else v for v in values], dtype=np.int64)

    return Moments(
        np.array([m.patient for m in found], dtype=np.int64),
        column([m.instant for m in found]),
        column([None if m.day is None else m.first for m in found]),
        column([None if m.day is None else m.last for m in found]),
    )


def state_before(dose: Moment, lab: Moment) -> str:
    """'certain', 'possible' or '' by every day that dose and lab may have been on."""
    if lab.day is None:
        return "possible"
    holds = []
    for d in range(dose.first, dose.last + 1):
        for e in range(lab.first, lab.last + 1):
            earlier = lab.instant <= dose.instant if lab.instant is not None and dose.instant is not None else e <= d
            holds.append(earlier and d - e <= WINDOW)
    return "certain" if all(holds) else "possible" if any(holds) else ""


def state_after(dose: Moment, lab: Moment) -> str:
    if lab.day is None:
        return "possible"
    days = range(dose.first, dose.last + 1)
    holds = [1 <= e - d <= WINDOW for d in days for e in range(lab.first, lab.last + 1)]
    return "certain" if all(holds) else "possible" if any(holds) else ""


def states(pairs: Pairs) -> dict[tuple[int, int], str]:
    rows = zip(pairs.dose.tolist(), pairs.event.tolist(), pairs.certain.tolist(), strict=True)
    return {(d, e): "certain" if c else "possible" for d, e, c in rows}


@given(st.lists(moment(False), max_size=5), st.lists(moment(True), max_size=8))
@settings(max_examples=150, deadline=None)
def test_candidates_are_those_of_the_definition(doses: list[Moment], labs: list[Moment]) -> None:
    expected_before, expected_after = (
        {
            (i, j): state
            for i, dose in enumerate(doses)
            for j, lab in enumerate(labs)
            if dose.patient == lab.patient and (state := rule(dose, lab))
        }
        for rule in (state_before, state_after)
    )
    assert states(before(columns(doses), columns(labs), WINDOW)) == expected_before
    assert states(after(columns(doses), columns(labs), 1, WINDOW)) == expected_after


def certainly_later(a: Moment, b: Moment) -> bool:
    """By instant if both have a time, else by local date."""
    if a.instant is not None and b.instant is not None:
        return a.instant > b.instant
    return a.first > b.last


@given(st.lists(moment(False), max_size=4), st.lists(st.tuples(moment(False), st.integers(1, 9)), max_size=8))
@settings(max_examples=150, deadline=None)
def test_the_latest_are_those_that_no_other_is_certainly_later_than(doses: list[Moment], labs: list[tuple[Moment, int]]) -> None:
    when, rows = columns([m for m, _ in labs]), len(labs)
    values = np.array([v for _, v in labs], dtype=np.float64)
    table = Labs(
        when, Interval(values, values), np.zeros(rows, dtype=bool), np.ones(rows, dtype=bool),
        np.zeros(rows, dtype=np.int64), np.full(rows, np.nan), np.arange(rows),
    )  # fmt: skip
    found = latest(before(columns(doses), when, WINDOW), table, columns(doses))
    for i, dose in enumerate(doses):
        state = {j: state_before(dose, lab) for j, (lab, _) in enumerate(labs) if lab.patient == dose.patient}
        certain = [j for j, s in state.items() if s == "certain"]
        candidates = [j for j, s in state.items() if s] if certain else []
        picked = [j for j in candidates if not any(certainly_later(labs[k][0], labs[j][0]) for k in certain)]
        assert sorted(found.picks[1][found.picks[0] == i].tolist()) == picked
        assert bool(found.partial[i]) == (not certain and "possible" in state.values())
        if picked:
            assert found.value.low[i] == min(values[picked])
            assert found.value.high[i] == max(values[picked])
        else:
            assert np.isnan(found.value.low[i])


def test_the_range_of_two_values_keeps_both_ends() -> None:
    """Both bounds once shared one array, and the greater value was the only one left."""
    found = hull(np.array([0, 0]), Interval(np.array([8.1, 10.5]), np.array([8.1, 10.5])), 1)
    assert (found.low[0], found.high[0]) == (8.1, 10.5)
