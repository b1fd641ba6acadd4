"""A value of a patient's record replaced by unknown, or by less than is known: one at a time, and in its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.generate.writing import Resource

Document = dict[str, Any]
Edit = Callable[[Resource], None]


@dataclass(frozen=True)
class Unknown:
    """what: 'lab unit', 'sex', …; resource: the resource in the patient's documents, which `edit` changes."""

    what: str
    resource: Resource
    edit: Edit

    def replace(self) -> None:
        self.edit(self.resource)

    @property
    def name(self) -> str:
        return f"{self.what} of {self.resource['resourceType']}/{self.resource.get('id')}"


def unknowns(documents: list[Document]) -> list[Unknown]:
    """Every replacement that the documents allow."""
    resources = [resource for document in documents for resource in _resources(document)]
    return [Unknown(what, one, edit) for one in resources for what, edit in EDITS[one["resourceType"]](one)]


def _resources(document: Document) -> Iterator[Resource]:
    if document["resourceType"] == "Bundle":
        for entry in document["entry"]:
            yield from _resources(entry["resource"]) if "resource" in entry else ()
    elif document["resourceType"] in EDITS:
        yield document


# ---- what can be unknown of each


def _of_patient(person: Resource) -> Iterator[tuple[str, Edit]]:
    if person.get("gender") in ("male", "female"):
        yield "sex", lambda one: one.pop("gender")
        yield "sex", lambda one: one.update(gender="unknown")
    if "birthDate" in person:
        yield "birth date", lambda one: one.pop("birthDate")
    if len(person.get("birthDate", "")) > len("2000"):
        yield "birth date, but for the year", lambda one: one.update(birthDate=one["birthDate"][:4])


def _of_lab(lab: Resource) -> Iterator[tuple[str, Edit]]:
    for index, part in enumerate([lab, *lab.get("component", [])]):
        quantity = part.get("valueQuantity", {})
        if "value" in quantity:
            yield from ((what, _in_part(index, edit)) for what, edit in _of_quantity(quantity))
    if len(lab.get("effectiveDateTime", "")) > len("2024-03"):
        yield "lab day", lambda one: one.update(effectiveDateTime=one["effectiveDateTime"][:7])


def _of_quantity(quantity: Resource) -> Iterator[tuple[str, Edit]]:
    yield "lab value", _no_quantity
    yield "lab unit", lambda one: one.update(valueQuantity={"value": one["valueQuantity"]["value"]})
    yield "lab unit", lambda one: one.update(valueQuantity={"value": one["valueQuantity"]["value"], "unit": "furlong"})
    if "comparator" not in quantity:
        yield "lab value, but for a bound", lambda one: one["valueQuantity"].update(comparator="<=")
        yield "lab value, but for a bound", lambda one: one["valueQuantity"].update(comparator=">=")


def _no_quantity(part: Resource) -> None:
    """A word in place of the value: 'not usable', and not 'no measurement'."""
    del part["valueQuantity"]
    part["valueString"] = "pending"


def _in_part(index: int, edit: Edit) -> Edit:
    return lambda lab: edit([lab, *lab.get("component", [])][index])


def _of_dose(record: Resource) -> Iterator[tuple[str, Edit]]:
    dosage = record.get("dosage", {})
    if "value" in dosage.get("dose", {}):
        yield "dose amount", lambda one: one["dosage"].update(dose={"value": one["dosage"]["dose"]["value"], "unit": "vial"})
        yield "dose amount", lambda one: one["dosage"].update(dose={"value": one["dosage"]["dose"]["value"]})
    if "end" in record.get("effectivePeriod", {}):
        yield "dose end", lambda one: one["effectivePeriod"].pop("end")
    if "route" in dosage:
        yield "dose route", lambda one: one["dosage"].update(route={"text": "as directed"})


def _of_condition(condition: Resource) -> Iterator[tuple[str, Edit]]:
    dates = ("onsetDateTime", "onsetPeriod", "recordedDate")
    if any(name in condition for name in dates):
        yield "condition date", lambda one: [one.pop(name, None) for name in dates]  # type: ignore[func-returns-value]
    if "abatementDateTime" in condition:
        yield "condition end", lambda one: one.update(abatementString=one.pop("abatementDateTime"))


def _of_procedure(procedure: Resource) -> Iterator[tuple[str, Edit]]:
    dates = ("performedDateTime", "performedPeriod")
    if any(name in procedure for name in dates):
        yield "examination date", lambda one: [one.pop(name, None) for name in dates]  # type: ignore[func-returns-value]


EDITS: dict[str, Callable[[Resource], Iterator[tuple[str, Edit]]]] = {
    "Patient": _of_patient,
    "Observation": _of_lab,
    "MedicationAdministration": _of_dose,
    "Condition": _of_condition,
    "Procedure": _of_procedure,
}
