"""docs/picture.svg: one patient of the sample, as an audit sees the doses. `python docs/hooks/picture.py RUN_DIR` writes it."""

import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TARGET = Path(__file__).parents[1] / "picture.svg"
PATIENT, PRODUCT, RULE = "Patient/HR63", "zoledronic_acid_4mg", "ZA4-MMBM-CRCL-DOSE"
BANDS = ((60, "4 mg"), (50, "3.5 mg"), (40, "3.3 mg"), (30, "3 mg"))
"""Lower end of the label's bands of clearance, mL/min, and the dose from there on (Zometa US PI 2.2, Table 1)."""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 322, 150, 30, 56, 250
LOWEST, HIGHEST = 25.0, 70.0


def picture(run: Path) -> str:
    doses = [row for row in pq.read_table(run / "phi" / "doses.parquet").to_pylist() if row["patient_id"] == PATIENT]
    doses = sorted((row for row in doses if row["product"] == PRODUCT), key=lambda row: row["date_first"])
    verdicts = [row for row in pq.read_table(run / "phi" / "verdicts.parquet").to_pylist() if row["rule_id"] == RULE]
    found = {row["dose_id"]: row for row in verdicts if row["patient_id"] == PATIENT}
    lines = [_head(), *(_band(clearance, amount) for clearance, amount in BANDS)]
    first, last = doses[0]["date_first"], doses[-1]["date_first"]
    lines += [_dose(row, found.get(row["dose_id"]), first, last) for row in doses]
    failed = next(row for row in found.values() if row["verdict"] == "fail")
    lines.append(f'<text x="16" y="290" font-weight="bold">{failed["rule_id"]}</text>')
    lines.append(f'<text x="16" y="308">{failed["message"].split(" (")[0]}.</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _head() -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
        '<text x="16" y="24" font-weight="bold">A made-up patient: doses of zoledronic acid against creatinine clearance</text>\n'
        '<text x="16" y="42" fill="#555">mL/min, before the first dose; from each line up, the label allows</text>'
    )


def _y(clearance: float) -> float:
    return round(BOTTOM - (clearance - LOWEST) / (HIGHEST - LOWEST) * (BOTTOM - TOP), 1)


def _band(clearance: float, amount: str) -> str:
    y = _y(clearance)
    return (
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#bbb" stroke-dasharray="4 3"/>\n'
        f'<text x="16" y="{y + 4}" fill="#555">{clearance} mL/min: {amount}</text>'
    )


def _dose(row: dict[str, Any], verdict: dict[str, Any] | None, first: date, last: date) -> str:
    span = max((last - first).days, 1)
    x = round(LEFT + 40 + (row["date_first"] - first).days / span * (WIDTH - RIGHT - LEFT - 80), 1)
    y, failed = _y(row["baseline_clearance_low"]), verdict is not None and verdict["verdict"] == "fail"
    colour = "#b3261e" if failed else "#1b5e20"
    return (
        f'<circle cx="{x}" cy="{y}" r="{8 if failed else 5}" fill="{colour}"/>\n'
        f'<text x="{x}" y="{y - 14}" text-anchor="middle" fill="{colour}">{row["amount_low"]:g} mg</text>\n'
        f'<text x="{x}" y="{BOTTOM + 14}" text-anchor="middle" fill="#555">{row["date_first"]:%b %Y}</text>'
    )


if __name__ == "__main__":
    TARGET.write_text(picture(Path(sys.argv[1])), encoding="utf-8", newline="\n")
