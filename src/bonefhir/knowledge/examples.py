"""Tables of examples inside rules: text → typed rows, and the cells' forms."""

import math
import re
from collections.abc import Iterable, Mapping

from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.kinds import COLUMNS, EVERY_KIND, KINDS
from bonefhir.knowledge.model import Example
from bonefhir.vocabulary import FAIL, INDETERMINATE, NOT_APPLICABLE, PASS, REASONS

VERDICTS = (PASS, FAIL, INDETERMINATE, NOT_APPLICABLE)
_NUMBER = r"\d+(?:\.\d+)?"
_CELL = re.compile(rf"(?P<low>{_NUMBER})(?:\.\.(?P<high>{_NUMBER}))?|<(?P<below>{_NUMBER})|>(?P<above>{_NUMBER})")


def interval(cell: str) -> tuple[float, float] | None:
    """'3' → (3, 3), '3..5' → (3, 5), '<0.2' → (0, 0.2), '>90' → (90, inf), '' → (nan, nan); None: none of these."""
    if not cell:
        return math.nan, math.nan
    found = _CELL.fullmatch(cell)
    if found is None:
        return None
    if found["below"]:
        return 0.0, float(found["below"])
    if found["above"]:
        return float(found["above"]), math.inf
    low = float(found["low"])
    high = float(found["high"] or low)
    return (low, high) if low <= high else None


def read(text: str, kind: str, first_line: int, file: str, faults: Faults) -> tuple[Example, ...]:
    """Rows of a table whose header stands at or after `first_line`; a blank cell is a quantity that is missing."""
    lines = [(first_line + i, line) for i, line in enumerate(text.split("\n")) if line.strip()]
    if not lines:
        faults.add(Place(file, first_line), "the table of examples is empty")
        return ()
    header_line, header = lines[0][0], [cell.strip() for cell in lines[0][1].split("|")]
    if not _header_fits(header, kind, Place(file, header_line), faults):
        return ()
    rows = [_row(header, [cell.strip() for cell in line.split("|")], Place(file, n), faults) for n, line in lines[1:]]
    examples = tuple(row for row in rows if row is not None)
    if len(examples) < 2 and not faults:
        faults.add(Place(file, header_line), "needs at least two examples: one on each side of the limit")
    return examples


def _header_fits(header: list[str], kind: str, place: Place, faults: Faults) -> bool:
    known = (*KINDS[kind].columns, *EVERY_KIND)
    strange = [name for name in header[:-1] if name not in known]
    for name in strange:
        faults.add(place, unknown(f"column of examples for kind '{kind}':", name, known))
    if header[-1] != "verdict":
        faults.add(place, "the last column of the examples must be 'verdict'")
    if len(set(header)) < len(header):
        faults.add(place, "a column of the examples stands twice")
    return not strange and header[-1] == "verdict" and len(set(header)) == len(header)


def _row(header: list[str], cells: list[str], place: Place, faults: Faults) -> Example | None:
    if len(cells) != len(header):
        faults.add(place, f"the example has {len(cells)} cells, the header {len(header)}")
        return None
    inputs = dict(zip(header[:-1], cells[:-1], strict=True))
    verdict, *reasons = cells[-1].split() or [""]
    wrong = [*_cells_wrong(inputs), *_verdict_wrong(verdict, reasons)]
    for message in wrong:
        faults.add(place, message)
    return None if wrong else Example(inputs, verdict, tuple(reasons), place.line)


def _cells_wrong(inputs: Mapping[str, str]) -> Iterable[str]:
    for name, cell in inputs.items():
        column = COLUMNS[name]
        if column.type in ("interval", "number"):
            bounds = interval(cell)
            if bounds is None or (column.type == "number" and bounds[0] < bounds[1]):
                yield f"'{cell}' in column '{name}' must be a number{', or 3..5, <3, >3' if column.type == 'interval' else ''}"
        elif cell and column.words and cell not in column.words:
            yield f"'{cell}' in column '{name}' must be one of {', '.join(column.words)}"


def _verdict_wrong(verdict: str, reasons: list[str]) -> Iterable[str]:
    if verdict not in VERDICTS:
        yield unknown("verdict", verdict, VERDICTS)
    if (verdict == INDETERMINATE) != bool(reasons):
        yield "reasons belong to the verdict 'indeterminate', which needs at least one"
    yield from (unknown("reason", reason, REASONS) for reason in reasons if reason not in REASONS)
