"""A finding's page as data, without its timeline: what phi/report.html shows and `explain` prints, from one place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.report.computed import Formula, basis, formulae, renal
from bonefhir.report.margins import flips, margin
from bonefhir.report.records import Records, Row
from bonefhir.report.wording import Wording


class Input(NamedTuple):
    """A piece of evidence. age: how long before the dose, in words; place: 'file:line'; '' where unknown."""

    role: str
    reported: str
    converted: str
    time: str
    age: str
    resource: str
    place: str


@dataclass(frozen=True)
class Sheet:
    finding: Row
    rule: Rule
    dose: str
    margin: str | None
    flips: tuple[str, ...]
    inputs: tuple[Input, ...]
    formulae: tuple[Formula, ...]


class Sheets:
    """Makes sheets; everything that is the same for all findings of a run is held here."""

    def __init__(self, knowledge: Knowledge, wording: Wording) -> None:
        self._rules: Mapping[str, Rule] = {rule.id: rule for rule in knowledge.rules}
        self._wording = wording

    def of(self, finding: Row, records: Records) -> Sheet:
        rule, wording = self._rules[finding["rule_id"]], self._wording
        dose = records.doses[finding["dose_id"]]
        inputs = renal(dose, records, basis(rule))
        return Sheet(
            finding,
            rule,
            dose_in_words(dose, wording),
            margin(finding, wording),
            tuple(flips(finding, rule, dose, records, inputs, wording)),
            tuple(_inputs(finding, dose, records, wording)),
            tuple(formulae(finding, rule, dose, inputs, wording)),
        )


def dose_in_words(dose: Row, wording: Wording) -> str:
    """'4 mg of zoledronic_acid_4mg by intravenous route over 15 min, the 3rd of the product, 28 days after the one before …'."""
    unknown = wording.text("sheet.unknown")
    amount = wording.measured(dose["amount_low"], dose["amount_high"], dose["amount_unit"]) or dose["reported_amount"] or unknown
    route = wording.word("routes", dose["route"] or "?")
    said = [wording.text("sheet.dose", amount=amount, product=dose["product"], route=route)]
    minutes = wording.measured(dose["duration_low"], dose["duration_high"], "min")
    if minutes:
        said.append(wording.text("sheet.over", minutes=minutes))
    if dose["ordinal"] is not None:
        said.append(wording.text("sheet.ordinal", ordinal=dose["ordinal"]))
    days = wording.measured(dose["interval_low"], dose["interval_high"], None)
    if days:
        said.append(wording.text("sheet.interval", days=days))
    if dose["status"] == "stopped":
        said.append(wording.text("sheet.stopped"))
    return ", ".join(said) + "."


def _inputs(finding: Row, dose: Row, records: Records, wording: Wording) -> Iterator[Input]:
    for item in finding["evidence"] or ():
        resource = item["resource"] or ""
        place = records.places.get(resource)
        yield Input(
            item["role"] or "",
            item["reported"] or "",
            wording.measured(item["value_low"], item["value_high"], item["unit"]),
            item["time"] or "",
            "" if place is None else age(place.first, place.last, dose, wording),
            resource,
            "" if place is None or place.file is None else f"{place.file}:{place.line}",
        )


def age(first: date | None, last: date | None, dose: Row, wording: Wording) -> str:
    """'12 days before', 'the same day', '3 days after'; a range where one of the dates is not known to the day."""
    if first is None or last is None or dose["date_first"] is None or dose["date_last"] is None:
        return ""
    low, high = (dose["date_first"] - last).days, (dose["date_last"] - first).days
    if low == high == 0:
        return wording.text("sheet.same_day")
    if low == high:
        return wording.text("sheet.before" if low > 0 else "sheet.after", days=wording.counted("day", abs(low)))
    return wording.text("sheet.between_days", low=low, high=high)
