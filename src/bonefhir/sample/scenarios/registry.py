"""The catalogue of scenarios: each is a function that plants one fault, or one trap, and says what an audit must find.

A *whole* scenario makes a patient of its own. A *local* one is planted into a single visit of a long course without faults
(the *host*), so that one patient can carry several. The findings are declared by reasoning from the rules and the definitions
of the documentation; nothing here runs the engine.
"""

from collections.abc import Callable
from dataclasses import dataclass

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.hospitals import HOSPITALS
from bonefhir.sample.model import Entry, Visit

EVERYWHERE = tuple(HOSPITALS)
WITH_CODES = ("lakeside", "st-aldhelm")
"""Hospitals that code the product and chart infusions as periods."""
BY_TOTAL_CALCIUM = ("lakeside", "rosental", "harbor-road")

Whole = Callable[[Admission], tuple[Case, Entry]]
Local = Callable[[Case, Visit], Entry]


@dataclass(frozen=True)
class WholeScenario:
    name: str
    title: str
    hospitals: tuple[str, ...]
    plant: Whole


@dataclass(frozen=True)
class LocalScenario:
    """host: 'zoledronic' or 'denosumab', the course it goes into. Of a theme that is not empty, a host carries one scenario."""

    name: str
    title: str
    hospitals: tuple[str, ...]
    host: str
    theme: str
    plant: Local


WHOLE: list[WholeScenario] = []
LOCAL: list[LocalScenario] = []


def whole(name: str, title: str, hospitals: tuple[str, ...] = EVERYWHERE) -> Callable[[Whole], Whole]:
    def enter(plant: Whole) -> Whole:
        WHOLE.append(WholeScenario(name, title, hospitals, plant))
        return plant

    return enter


def local(
    name: str, title: str, hospitals: tuple[str, ...] = EVERYWHERE, host: str = "zoledronic", theme: str = ""
) -> Callable[[Local], Local]:
    def enter(plant: Local) -> Local:
        LOCAL.append(LocalScenario(name, title, hospitals, host, theme, plant))
        return plant

    return enter
