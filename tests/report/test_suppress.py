"""What is printed of small groups, and that what is not printed cannot be computed from the rest."""

from itertools import pairwise, product

from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report.suppress import HIDDEN, Shown, alone, at_least, below, protected, separate, total, union

K = 11
NAMES = ("pass", "indeterminate", "fail")


def small(numbers: dict[str, int]) -> dict[str, bool]:
    return {name: 0 < number < K for name, number in numbers.items()}


def may_be(shown: Shown, number: int) -> bool:
    """Whether a reader must think `number` possible for a cell that is printed so."""
    if isinstance(shown, int):
        return number == shown
    return 1 <= number < K if shown == below(K) else number >= K


def test_small_groups_are_never_numbers() -> None:
    assert [alone(number, K) for number in (0, 1, 10, 11)] == [0, "<11", "<11", 11]
    assert [at_least(number, K) for number in (0, 1, 10, 11, 20, 29)] == [0, "<11", "<11", ">=10", ">=20", ">=20"]


def test_a_setting_of_1_hides_nothing() -> None:
    assert [alone(number, 1) for number in (0, 1, 2)] == [0, 1, 2]
    assert [at_least(number, 1) for number in (0, 1, 27)] == [0, 1, 27]
    assert protected({"pass": 1, "fail": 2}, {"pass": False, "fail": False}, 1) == {"pass": 1, "fail": 2}


def test_a_second_number_is_hidden_for_the_sake_of_a_small_one() -> None:
    numbers = {"pass": 500, "indeterminate": 40, "fail": 3}
    assert protected(numbers, small(numbers), K) == {"pass": HIDDEN, "indeterminate": 40, "fail": "<11"}


def test_a_row_that_cannot_hide_its_small_numbers_is_not_printed() -> None:
    numbers = {"pass": 12, "indeterminate": 0, "fail": 3}
    assert protected(numbers, small(numbers), K) is None


@given(st.tuples(*[st.one_of(st.integers(0, 30), st.integers(0, 300))] * 3))
def test_every_small_number_stays_possible(values: tuple[int, int, int]) -> None:
    """The reader knows the sum and what each word means: a number printed as <11 may still be any from 1 to 10."""
    numbers = dict(zip(NAMES, values, strict=True))
    shown = protected(numbers, small(numbers), K)
    if shown is None:
        return
    hidden = [name for name in NAMES if isinstance(shown[name], str)]
    for name in (name for name in hidden if shown[name] == below(K)):
        others = [other for other in hidden if other != name]
        left = sum(numbers[other] for other in hidden)
        for guess in range(1, K):
            rest = [range(1, K) if shown[other] == below(K) else range(K, left + 1) for other in others[:-1]]
            assert any(may_be(shown[others[-1]], left - guess - sum(few)) for few in product(*rest))


@given(st.lists(st.integers(0, 400), max_size=12))
def test_sums_that_are_printed_differ_by_no_small_group(sizes: list[int]) -> None:
    kept = sorted(separate(sizes, K))
    assert all(size == 0 or size >= K for size in kept)
    assert all(after - before >= K for before, after in pairwise(kept))
    assert max(sizes, default=0) in kept or max(sizes, default=0) < K


def test_a_total_says_no_more_than_its_parts() -> None:
    assert total([20, 30]) == 50
    assert total([20, "<11", HIDDEN]) == ">=20"
    assert total([20, ">=30", "<11"]) == ">=50"
    assert total(["<11", 0]) == HIDDEN


def test_a_union_gives_no_small_group_away() -> None:
    assert union(25, [20, 11], K) == 25
    assert union(28, ["<11"] * 5, K) == ">=20"
    assert union(30, [20, "<11"], K) == ">=20"  # rounded, it would say that the small group is of 10
    assert union(20, ["<11", "<11"], K) == HIDDEN
    assert union(7, ["<11", 0], K) == "<11"
    assert union(40, [HIDDEN, 11], K) == ">=40"
