"""What share/ shows by month gives no small group away: not by itself, not by subtraction."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report.share_trend import withheld
from bonefhir.report.write import write_all
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS
from tests.report.fixtures import make, rule, verdict

K = 11
A, B = rule("ZA4-A"), rule("DMB60-B", products=("denosumab_60mg",))

CELL = st.one_of(st.just(0), st.integers(1, 30), st.integers(0, 500))
TABLES = st.lists(st.tuples(CELL, CELL, CELL, st.integers(1, 3)), min_size=1, max_size=14)


@given(TABLES, st.booleans())
def test_no_withheld_cell_can_be_computed_from_the_totals(table: list[tuple[int, int, int, int]], exact: bool) -> None:
    """The reader knows each column's total and every printed row, and solves for the rest.

    An unknown is determined if and only if its unit vector is a combination of the equations: one per column, over its
    withheld cells.
    """
    doses = np.array([row[:3] for row in table], np.int64)
    patients = -(-doses // np.array([[row[3]] for row in table]))
    hidden = withheld(doses, patients, exact, K)
    empty = doses.sum(1) == 0
    for shown in (doses[~hidden], patients[~hidden]):
        assert not ((shown > 0) & (shown < K)).any()
    if not exact and not empty.all():
        assert hidden.any()
    unknown = np.flatnonzero(hidden & ~empty)
    if not len(unknown) or (~hidden & ~empty).sum() == 0:
        return
    equations = np.kron(np.eye(3), np.ones((1, len(unknown))))
    for cell in range(3 * len(unknown)):
        unit = np.eye(3 * len(unknown))[cell]
        assert np.linalg.matrix_rank(np.vstack([equations, unit])) > np.linalg.matrix_rank(equations)
    sums = doses[hidden].sum(0)
    assert not ((sums > 0) & (sums < K)).any()


def test_one_small_month_takes_another_with_it() -> None:
    doses = np.array([[40, 200], [3, 200], [50, 150], [60, 300]])
    assert withheld(doses, doses, True, K).tolist() == [False, True, True, False]
    assert not withheld(doses[[0, 2, 3]], doses[[0, 2, 3]], True, K).any()
    assert withheld(doses[[0, 2, 3]], doses[[0, 2, 3]], False, K).tolist() == [True, True, False]
    assert withheld(doses, np.minimum(doses, 10), True, K).all()


def day(month: int) -> date:
    return date(2023 + month // 12, month % 12 + 1, 1)


def months_of(fails: list[int], doses: int = 100, opened: int = 0) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for month, failed in enumerate(fails):
        words = [FAIL] * failed + [PASS] * (doses - failed) + [INDETERMINATE] * opened
        rows += [verdict(A, len(rows) + n, word, date=day(month)) for n, word in enumerate(words)]
    return rows


def page(folder: Path, rows: list[dict[str, Any]]) -> str:
    write_all(folder, make(folder, [A, B], rows))
    html = (folder / "share" / "report.html").read_text("utf-8")
    return html[html.index('<h2 id="trend">') : html.index('<h2 id="quality">')]


def rows_of(html: str) -> dict[str, list[str]]:
    rows = re.findall(r'<tr><th scope="row" class="day">(\d{4}-\d\d)</th>(.*?)</tr>', html)
    return {month: re.findall(r"<td[^>]*>(.*?)</td>", cells) for month, cells in rows}


def test_large_numbers_are_all_shown(tmp_path: Path) -> None:
    found = rows_of(page(tmp_path, months_of([20] * 13)))
    assert len(found) == 13
    assert {tuple(cells[:2]) for cells in found.values()} == {("20", "100")}


def test_small_months_are_neither_in_the_table_nor_in_the_picture(tmp_path: Path) -> None:
    fails = [20] * 16
    fails[3] = 4
    html = page(tmp_path, months_of(fails))
    assert len(rows_of(html)) == 14
    assert "2023-04" not in rows_of(html)
    assert "Months that are not shown: 2." in html
    assert "2023-04:" not in html
    assert html.count("<circle") + html.count("<polygon") == 14


@pytest.mark.parametrize(("fails", "opened"), [([4] * 16, 0), ([20] * 16, 4)])
def test_without_months_to_show_there_is_no_chart(tmp_path: Path, fails: list[int], opened: int) -> None:
    html = page(tmp_path, months_of(fails, opened=opened))
    assert "<svg" not in html
    assert "No chart" in html
    assert rows_of(html) == {}


def test_months_do_not_say_what_a_total_must_not(tmp_path: Path) -> None:
    """Another product has 4 fails: all months together would give them away."""
    rows = months_of([20] * 16)
    rows += [verdict(B, 90000 + n, FAIL if n < 4 else PASS, date=day(0)) for n in range(104)]
    html = page(tmp_path, rows)
    assert "Months that are not shown: 2." in html
    assert sum(int(cells[0]) for cells in rows_of(html).values()) <= 16 * 20
