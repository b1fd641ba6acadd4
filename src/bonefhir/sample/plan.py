"""Who of the patients carries what: most of them nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.clean import CLEAN
from bonefhir.sample.courses import ROBUST, XGEVA, ZOLEDRONIC, begin, treated
from bonefhir.sample.hospitals import HOSPITALS
from bonefhir.sample.scenarios import LOCAL, WHOLE, LocalScenario, WholeScenario

PLANTED = (12, 25)
"""Share of the patients that carry scenarios."""
HOST_DOSES = 6
PER_HOST = 3
HOSTS = {"zoledronic": ZOLEDRONIC.every(84), "denosumab": XGEVA}


@dataclass(frozen=True)
class Host:
    """Local scenarios that one patient of one hospital carries."""

    hospital: str
    scenarios: tuple[LocalScenario, ...]


Cargo = WholeScenario | Host


def dice(seed: str) -> Random:
    """The same throws for the same text, on every machine."""
    return Random(f"bonefhir sample {seed}")  # noqa: S311  invented patients need no secret


def plan(patients: int, seed: int) -> list[Case]:
    """That many cases; the dice of a patient depend on the seed and its number only."""
    cargo = carriers(dice(str(seed)))
    cases = []
    for number in range(1, patients + 1):
        chance = dice(f"{seed} patient {number}")
        carries = number * PLANTED[0] // PLANTED[1] > (number - 1) * PLANTED[0] // PLANTED[1]
        cases.append(planted(next(cargo), chance, number) if carries else clean(chance, number))
    return cases


def carriers(chance: Random) -> Iterator[Cargo]:
    """Every scenario once, in a random order, then all again."""
    while True:
        batch: list[Cargo] = [*WHOLE, *hosts(chance)]
        chance.shuffle(batch)
        yield from batch


def hosts(chance: Random) -> list[Host]:
    """The local scenarios, three by three, as hospitals and themes allow."""
    left = list(LOCAL)
    chance.shuffle(left)
    made = []
    while left:
        hospital = chance.choice(left[0].hospitals)
        chosen: list[LocalScenario] = []
        for scenario in left:
            if len(chosen) < PER_HOST and hospital in scenario.hospitals and fits(scenario, chosen):
                chosen.append(scenario)
        left = [scenario for scenario in left if scenario not in chosen]
        made.append(Host(hospital, tuple(chosen)))
    return made


def fits(scenario: LocalScenario, chosen: Sequence[LocalScenario]) -> bool:
    same_host = all(scenario.host == other.host for other in chosen)
    return same_host and not any(scenario.theme and scenario.theme == other.theme for other in chosen)


def planted(cargo: Cargo, chance: Random, number: int) -> Case:
    if isinstance(cargo, Host):
        return hosted(cargo, Admission(HOSPITALS[cargo.hospital], chance, number))
    case, look_at = cargo.plant(Admission(HOSPITALS[chance.choice(cargo.hospitals)], chance, number))
    case.conclude(cargo.name, cargo.title, look_at)
    return case


def hosted(host: Host, admission: Admission) -> Case:
    """Local scenarios at every second visit, never at the first: an undisturbed visit lies between."""
    case, start = begin(admission, ROBUST)
    visits = treated(case, HOSTS[host.scenarios[0].host], start, HOST_DOSES)
    for visit, scenario in zip(visits[1::2], host.scenarios, strict=False):
        case.conclude(scenario.name, scenario.title, scenario.plant(case, visit))
    return case


def clean(chance: Random, number: int) -> Case:
    """No fault; one patient in eight dies some time after the last dose."""
    hospital = HOSPITALS[tuple(HOSPITALS)[number % len(HOSPITALS)]]
    case = chance.choice(CLEAN)(Admission(hospital, chance, number))
    if chance.random() < 0.125:
        case.record.died = case.record.visits[-1].day + timedelta(days=chance.randrange(30, 300))
    return case
