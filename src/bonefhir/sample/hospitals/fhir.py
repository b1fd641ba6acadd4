"""Pieces of FHIR that all hospitals write alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bonefhir.sample.model import Resource

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
DMD = "https://dmd.nhs.uk"
ICD10CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD10GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
EDQM = "http://standardterms.edqm.eu"
V3_ROUTE = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"

EGFR = (
    "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood "
    "by Creatinine-based formula (CKD-EPI 2021)"
)

Coding = tuple[str, str, str]
"""system, code, display; an empty display is left out."""


@dataclass(frozen=True)
class Test:
    """How a hospital reports a lab.

    per       written value = value in the unit of the model × per
    decimals  digits after the point
    low       lower limit of the reference range that it prints, in its own unit; None: none
    """

    code: str
    display: str
    unit: str
    ucum: str
    per: float
    decimals: int
    low: float | None = None
    category: str = "laboratory"

    def written(self, value: float) -> float | int:
        digits = round(value * self.per, self.decimals)
        return digits if self.decimals else int(digits)


@dataclass(frozen=True)
class Measure:
    """A unit of activity: written value = kBq × per, with so many digits after the point."""

    unit: str
    ucum: str | None
    per: float
    digits: int


def concept(codings: Sequence[Coding], text: str | None = None) -> Resource:
    """A CodeableConcept."""
    made: Resource = {}
    if codings:
        made["coding"] = [{"system": s, "code": c, **({"display": d} if d else {})} for s, c, d in codings]
    if text:
        made["text"] = text
    return made


def quantity(value: float | int, unit: str, ucum: str | None = None) -> Resource:
    """A Quantity, coded in UCUM if the unit's code is given."""
    return {"value": value, "unit": unit, **({"system": UCUM, "code": ucum} if ucum else {})}


def amount(value: float, digits: int = 2) -> float | int:
    """The number as people write it: 4 and 3.3, not 4.0 and 3.30."""
    rounded = round(value, digits)
    return int(rounded) if rounded == int(rounded) else rounded


def nth_sunday(year: int, month: int, n: int) -> date:
    """The n-th Sunday of a month; n = -1: the last."""
    if n < 0:
        last = (date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        return last - timedelta(days=(last.weekday() + 1) % 7)
    first = date(year, month, 1)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (n - 1))


def european_summer(at: datetime) -> bool:
    return nth_sunday(at.year, 3, -1) <= at.date() < nth_sunday(at.year, 10, -1)


def american_summer(at: datetime) -> bool:
    return nth_sunday(at.year, 3, 2) <= at.date() < nth_sunday(at.year, 11, 1)
