"""`bonefhir explain`: one dose for a person who wants to recompute it by hand. Prints patient data, like phi/.

Its findings are told from the same sheets as the pages of phi/report.html.
"""

import argparse
import math
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from bonefhir.commands.results import decisions_beside, knowledge_of, rows_where, settings_of, table
from bonefhir.errors import CommandLineError
from bonefhir.report.visible import visible
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

if TYPE_CHECKING:
    from bonefhir.report.adjudication import Decisions
    from bonefhir.report.records import Records
    from bonefhir.report.sheet import Input, Sheet
    from bonefhir.report.wording import Wording

WIDTH = 110
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
    found = rows_where(table(options.run, "doses"), "dose_id", wanted)
    if not found:
        raise CommandLineError(f"{options.run} has no dose {wanted}; it may have been rejected, merged or superseded")
    verdicts = sorted(rows_where(table(options.run, "verdicts"), "dose_id", wanted), key=lambda row: ORDER.index(row["verdict"]))
    sections = told(options, found[0], verdicts)
    print("\n\n".join("\n".join(map(visible, section.split("\n"))) for section in sections))
    return 0


def told(options: argparse.Namespace, dose: Row, verdicts: list[dict[str, Any]]) -> Iterator[str]:
    """The sections, in order. A rule that is no longer in the catalogue is told from the verdict alone."""
    from bonefhir.report.records import of_patients
    from bonefhir.report.sheet import Sheets
    from bonefhir.report.wording import load

    settings = settings_of(options.run)
    knowledge, wording = knowledge_of(settings), load()
    records = of_patients(options.run / "phi", {dose["patient_id"]})
    sheets, known = Sheets(knowledge, wording), {rule.id for rule in knowledge.rules}
    yield header(dose)
    yield timeline(dose, records)
    decisions = decisions_beside(options.run)
    for row in verdicts:
        said = verdict(row, sheets.of(row, records) if row["rule_id"] in known else None, wording)
        yield "\n".join([said, *decided(row, decisions, wording)])


def decided(row: Row, decisions: "Decisions", wording: "Wording") -> Iterator[str]:
    """What people have decided about a finding, the last decision first; it alone counts."""
    from bonefhir.report.identity import fingerprint

    mark = fingerprint(row) if row["verdict"] != PASS and decisions.history else None
    about = [decisions.standing.get(one.finding, one) if one is decisions.last[one.finding] else one for one in decisions.history]
    for number, one in enumerate(reversed([one for one in about if one.finding == mark])):
        title = wording.text("sheet.decision" if number == 0 else "sheet.decision_before")
        ended = f" ({wording.word('decisions', one.state)})" if one.ended else ""
        until = f"; {wording.text('adjudication.until', until=one.until)}" if one.until else ""
        said = f"{title}: {wording.word('decisions', one.decision)}{ended}: {one.reason} ({one.who}, {one.when}{until})"
        yield from _wrapped(said, 4)


def header(dose: Row) -> str:
    product = f"{dose['product']} (by {dose['product_basis']})"
    basis = dose["indication_basis"]
    indication = f"{dose['indication']} ({basis if basis == 'assumed' else f'by {basis}'})"
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


def timeline(dose: Row, records: "Records") -> str:
    """The patient's doses and measurements from a year before to ninety days after the dose."""
    from bonefhir.report.timeline import events

    near, left_out = events(dose, records)
    lines = [f"Timeline ({left_out} further entries are older, later or undated)" if left_out else "Timeline"]
    return "\n".join([*lines, *(f"  {_dose_line(e.row, dose) if e.is_dose else _lab_line(e.row)}" for e in near)])


def _dose_line(row: Row, dose: Row) -> str:
    mark = "▶" if row["dose_id"] == dose["dose_id"] else " "
    return f"{mark} {row['start']:26}{row['product']}, {row['reported_amount'] or 'amount unknown'}  {row['dose_id']}"


def _lab_line(row: Row) -> str:
    value = interval(row["value_low"], row["value_high"])
    judged = f"{value} {row['unit']}" if row["usable"] else f"not usable: {row['unusable_reason']}"
    return f"  {row['time'] or 'time unknown':26}{row['analyte']}, {row['reported'] or 'no value'} = {judged}  {row['resource']}"


def verdict(row: Row, sheet: "Sheet | None", wording: "Wording") -> str:
    """A pass in short; a finding with its page."""
    reasons = f" ({', '.join(row['reasons'])})" if row["reasons"] else ""
    lines = [f"{row['rule_id']}  {row['verdict'].upper()}{reasons}, {row['severity']}", *_wrapped(row["message"] or "")]
    if judged := wording.measured(row["observed_low"], row["observed_high"], row["unit"]):
        limit = row["limit"]
        of = "" if limit is None else f"; {wording.text('labels.limit')}: {wording.measured(limit, limit, row['unit'])}"
        lines += _wrapped(f"{wording.text('labels.judged')}: {judged}{of}", 4)
    if sheet:
        lines += [line for item in sheet.inputs for line in _wrapped(_evidence(item), 4)]
        lines += [line for text in _page(sheet, wording) for line in _wrapped(text, 4)]
    if row["assumptions"]:
        lines.append(f"    assumed: {', '.join(row['assumptions'])}")
        if row["verdict"] != PASS:
            lines += [said for name in row["assumptions"] for said in _wrapped(f"{name}: {wording.word('assumptions', name)}", 6)]
    return "\n".join(lines)


def _page(sheet: "Sheet", wording: "Wording") -> Iterator[str]:
    yield from (f"{formula.name} = {formula.text} ({formula.source})" for formula in sheet.formulae)
    if sheet.finding["verdict"] == PASS:
        return
    yield sheet.dose
    if sheet.margin:
        yield f"{wording.text('sheet.margin')}: {sheet.margin}"
    yield from sheet.flips
    source = sheet.rule.source
    section, revision = (
        wording.text("labels.section", section=source.section),
        wording.text("labels.revision", revision=source.revision),
    )
    version = wording.text("labels.rule_version", version=sheet.rule.version)
    yield f"{wording.text('labels.statement')} ({version}): {sheet.rule.statement}"
    yield f"{wording.text('labels.source')}: {source.label}, {section}; {revision}"
    yield f"{wording.text('labels.guidance')}: {sheet.rule.guidance}"
    if sheet.rule.override:
        yield f"{wording.text('labels.changed')}: {sheet.rule.override}"


def _wrapped(text: str, indent: int = 2) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * (indent + 2 * (indent > 2)), break_on_hyphens=False
    )


def _evidence(item: "Input") -> str:
    value = " = ".join(filter(None, (item.reported, item.converted)))
    time = f"{item.time or 'no time'}{f' ({item.age})' if item.age else ''}"
    return f"{item.role}: {', '.join(filter(None, (value, time, item.resource, item.place)))}"
