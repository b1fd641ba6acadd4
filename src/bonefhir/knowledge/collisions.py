"""One code, one meaning: what the files say twice."""

from collections.abc import Mapping, Sequence

from bonefhir.knowledge import measurements
from bonefhir.knowledge.codes import comparable
from bonefhir.knowledge.faults import Faults, Place
from bonefhir.knowledge.labels import Labels
from bonefhir.knowledge.model import Code, Measurement
from bonefhir.knowledge.terminology import Terminology


def check(terms: Terminology, labels: Labels, labs: Mapping[str, Measurement], faults: Faults) -> None:
    """Other substances that are drugs of ours, excluded labs that are measured, and a code twice in a value set."""
    owners = {key[1:]: owner for key, (owner, _) in labels.owners.items() if key[0] == "code"}
    for key, (substance, place) in terms.other.items():
        if key in owners:
            faults.add(place, f"code '{key[1]}' stands for {owners[key]} already, not for {substance}")
    measured = measurements.claimed(labs)
    for code, place in terms.known_labs:
        key = comparable(code.system, code.code)
        if key in measured and code.kind == "exclude":
            faults.add(place, f"code '{code.code}' is excluded here, and one of the measurement {measured[key]}")
    for sets in (terms.conditions, terms.procedures):
        for name, codes in sets.items():
            _check_set(name, codes, faults)


def _check_set(name: str, codes: Sequence[tuple[Code, Place]], faults: Faults) -> None:
    seen: dict[tuple[str, str], Place] = {}
    for code, place in codes:
        first = seen.setdefault(comparable(code.system, code.code), place)
        if first is not place:
            faults.add(place, f"code '{code.code}' already stands in '{name}' at {first}")
