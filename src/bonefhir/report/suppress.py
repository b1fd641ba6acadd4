"""Small numbers: what may be said of a group that is so small that its members could be known.

A number stands for a group of doses, and of the patients behind them. A group of fewer than `k` patients, or doses, is
printed as "<11" (with the `k` of the settings), never as a number and never as 0. That alone is not enough: a hidden number
can often be computed from those around it. So

* `protected` hides a second number of a row whose sum is known, large enough that the hidden ones keep their whole range;
* `separate` finds the rows whose sums may be printed exactly: two sums that differ by less than `k` give away the group
  between them (first doses are all doses less later doses);
* the numbers of a row whose sum must stay unknown are printed as `at_least`, rounded down to a multiple of k - 1;
* a sum over rows is computed from what is printed in them (`total`), so it cannot say more than they do.

A true 0 is printed as 0: a group of nobody has no members to be known. What two runs, or this report and another, give
away together is beyond this.
"""

from collections.abc import Iterable, Mapping

Shown = int | str
"""A number as it may be printed: itself, "<11", ">=490" or "suppressed"."""

HIDDEN = "suppressed"


def below(k: int) -> str:
    """How a small group is printed."""
    return f"<{k}"


def small(number: int, k: int) -> bool:
    return 0 < number < k


def alone(number: int, k: int) -> Shown:
    """A number that adds up with no other number that is printed."""
    return below(k) if small(number, k) else number


def at_least(number: int, k: int) -> Shown:
    """Rounded down to a multiple of k - 1."""
    step = max(1, k - 1)
    if step == 1 or number == 0:
        return number
    return below(k) if number < k else f">={number - number % step}"


def lowest(shown: Shown) -> int:
    """The least that a printed number can stand for."""
    if isinstance(shown, int):
        return shown
    return int(shown[2:]) if shown.startswith(">=") else 0


def total(numbers: Iterable[Shown]) -> Shown:
    """The sum of printed numbers: exact if all of them are, else at least what they say."""
    listed = list(numbers)
    known = sum(map(lowest, listed))
    if all(isinstance(number, int) for number in listed):
        return known
    return f">={known}" if known else HIDDEN


def union(number: int, cells: Iterable[Shown], k: int) -> Shown:
    """Doses that are in at least one of some printed groups: exact if all of these are.

    Else rounded down, provided that a reader must still think every small group to be of any size: the others and
    the printed ones could make up the rest. If they could not, the greatest printed one.
    """
    listed = list(cells)
    known, few = list(map(lowest, listed)), listed.count(below(k))
    if all(isinstance(cell, int) for cell in listed):
        return number
    rounded = at_least(number, k)
    if HIDDEN in listed or lowest(rounded) <= sum(known) + (few - 1) * (k - 1) + 1:
        return rounded
    return f">={max(known)}" if max(known) else HIDDEN


def protected(numbers: Mapping[str, int], is_small: Mapping[str, bool], k: int) -> dict[str, Shown] | None:
    """The numbers of a row of which anybody may know the sum.

    numbers     the first is the first to be hidden for another's sake
    is_small    whether few patients stand behind it, whatever the number
    None if nothing in the row could hide the small ones.
    """
    shown: dict[str, Shown] = {name: below(k) if is_small[name] else number for name, number in numbers.items()}
    if not any(is_small.values()):
        return shown
    room = 0
    for name, number in numbers.items():
        if room < k - 2 and not is_small[name] and number > 0:
            shown[name] = HIDDEN
            room += number - k
    # With this room the hidden large numbers can give way to any value from 1 to k - 1 of a small one and stay large.
    return shown if room >= k - 2 else None


def separate(sizes: Iterable[int], k: int) -> frozenset[int]:
    """The sizes of which each is 0 or at least k, and of which no two differ by less than k; the greatest are preferred."""
    kept: list[int] = []
    for size in sorted(set(sizes), reverse=True):
        if size == 0 or (size >= k and all(other - size >= k for other in kept)):
            kept.append(size)
    return frozenset(kept)
