"""`bonefhir explain`: one dose for a person who wants to recompute it by hand. Prints patient data, like phi/."""

import argparse
import math
import textwrap
from collections.abc import Mapping
from datetime import date
from typing import Any

from bonefhir.commands.results import rows_where, table
from bonefhir.errors import CommandLineError
from bonefhir.report.visible import visible
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

WIDTH = 110
DAYS_BEFORE = 365
DAYS_AFTER = 90
QUANTITIES = (
    ("amount", "amount", "amount_unit"),
    ("infusion", "duration", "min"),
    ("since previous dose", "interval", "days"),
    ("age", "age", "years"),
    ("weight", "weight", "kg"),
    ("creatinine", "creatinine", "mg/dL"),
    ("clearance", "clearance", "mL/min"),
    ("baseline creatinine", "baseline_creatinine", "mg/dL"),
    ("baseline clearance", "baseline_clearance", "mL/min"),
    ("eGFR", "egfr", "mL/min/1.73 m²"),
    ("calcium", "calcium", "calcium_unit"),
)
ORDER = (FAIL, INDETERMINATE, PASS)
Row = Mapping[str, Any]


def run(options: argparse.Namespace) -> int:
    wanted = options.dose if "/" in options.dose else f"MedicationAdministration/{options.dose}"
    doses = table(options.run, "doses")
    found = rows_where(doses, "dose_id", wanted)
    if not found:
        raise CommandLineError(f"{options.run} has no dose {wanted}; it may have been rejected, merged or superseded")
    dose = found[0]
    others = rows_where(doses, "patient_id", dose["patient_id"])
    labs = rows_where(table(options.run, "labs"), "patient_id", dose["patient_id"])
    verdicts = sorted(rows_where(table(options.run, "verdicts"), "dose_id", wanted), key=lambda row: ORDER.index(row["verdict"]))
    sections = [header(dose), timeline(dose, others, labs), *map(verdict, verdicts)]
    print("\n\n".join("\n".join(map(visible, section.split("\n"))) for section in sections))
    return 0


def header(dose: Row) -> str:
    product = f"{dose['product']} (by {dose['product_basis']})"
    indication = f"{dose['indication']} (by {dose['indication_basis']})"
    charted = f"charted as {dose['reported_amount'] or 'unknown'}"
    lines = [
        f"{dose['dose_id']} of {dose['patient_id']}, {dose['source_file']}:{dose['source_line']}",
        f"{product}, {indication}, dose {dose['ordinal']}",
        f"{dose['start']} to {dose['end'] or 'unknown'}, {dose['route'] or 'route unknown'}, {charted}",
    ]
    if dose["assumptions"]:
        lines.append(f"assumed: {', '.join(dose['assumptions'])}")
    lines += [f"  {name:22}{text}" for name, text in quantities(dose)]
    return "\n".join(lines)


def quantities(dose: Row) -> list[tuple[str, str]]:
    shown = []
    for title, name, unit in QUANTITIES:
        text = interval(dose[f"{name}_low"], dose[f"{name}_high"])
        shown.append((title, f"{text} {dose.get(unit, unit) or ''}".rstrip() if text else "unknown"))
    return shown


def interval(low: float | None, high: float | None) -> str:
    """'1.2', '1.2 to 1.4', 'at least 60', or '' where it is missing."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    if math.isinf(high):
        return f"at least {low:g}"
    return f"{low:.6g}" if low == high else f"{low:.6g} to {high:.6g}"


def timeline(dose: Row, doses: list[dict[str, Any]], labs: list[dict[str, Any]]) -> str:
    """The patient's doses and measurements from a year before to ninety days after the dose."""
    events = [(row["date_first"], 1, _dose_line(row, dose)) for row in doses]
    events += [(row["date_first"], 0, _lab_line(row)) for row in labs]
    near = [event for event in events if _near(event[0], dose["date_first"])]
    left_out = len(events) - len(near)
    lines = [f"Timeline ({left_out} further entries are older or later)" if left_out else "Timeline"]
    return "\n".join([*lines, *(f"  {line}" for _, _, line in sorted(near, key=lambda event: event[:2]))])


def _near(day: date | None, around: date | None) -> bool:
    return day is not None and around is not None and -DAYS_BEFORE <= (day - around).days <= DAYS_AFTER


def _dose_line(row: Row, dose: Row) -> str:
    mark = "▶" if row["dose_id"] == dose["dose_id"] else " "
    return f"{mark} {row['start']:26}{row['product']}, {row['reported_amount'] or 'amount unknown'}  {row['dose_id']}"


def _lab_line(row: Row) -> str:
    value = interval(row["value_low"], row["value_high"])
    judged = f"{value} {row['unit']}" if row["usable"] else f"not usable: {row['unusable_reason']}"
    return f"  {row['time'] or 'time unknown':26}{row['analyte']}, {row['reported'] or 'no value'} = {judged}  {row['resource']}"


def verdict(row: Row) -> str:
    reasons = f" ({', '.join(row['reasons'])})" if row["reasons"] else ""
    lines = [f"{row['rule_id']}  {row['verdict'].upper()}{reasons}, {row['severity']}"]
    lines += textwrap.wrap(row["message"] or "", WIDTH, initial_indent="  ", subsequent_indent="  ")
    lines += [f"    {_evidence(item)}" for item in row["evidence"] or []]
    if row["assumptions"]:
        lines.append(f"    assumed: {', '.join(row['assumptions'])}")
    return "\n".join(lines)


def _evidence(item: Row) -> str:
    value = interval(item["value_low"], item["value_high"])
    converted = f" = {value} {item['unit'] or ''}".rstrip() if value else ""
    return f"{item['role']}: {item['reported'] or ''}{converted}, {item['time'] or 'no time'}, {item['resource']}"
