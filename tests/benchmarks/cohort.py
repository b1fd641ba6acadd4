"""People, their visits, doses and values: drawn once with a seed, in arrays; and the text columns that the templates take."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.benchmarks.resources import LABS, Lab

Array = npt.NDArray[Any]
Columns = dict[str, Any]

_FAMILIES = ("Adler", "Brandt", "Castell", "Dorn", "Ekholm", "Farrow", "Grieve", "Holt", "Iversen", "Jansen", "Keller", "Lund")
_GIVEN = ("Ada", "Ben", "Clara", "David", "Emma", "Frank", "Greta", "Hugo", "Ida", "Jonas", "Karin", "Leo")
PRODUCTS = ("zoledronic acid", "denosumab", "pamidronate")
_SHARES = (0.6, 0.35, 0.05)


@dataclass(frozen=True)
class Cohort:
    """One element per patient. number: in the whole input, so that ids of several blocks differ.

    base   by lab, the patient's own level; product: index into PRODUCTS
    """

    number: Array
    gender: Array
    born: Array
    base: dict[str, Array]
    product: Array

    def __len__(self) -> int:
        return len(self.number)

    def subject(self, rows: Array) -> Columns:
        """Columns for resources of these patients (indices)."""
        return {
            "subject": [f"Patient/pat-{n:07d}" for n in self.number[rows].tolist()],
            "name": [f"{_FAMILIES[n % 12]}, {_GIVEN[n // 12 % 12]}" for n in self.number[rows].tolist()],
        }

    def demographics(self) -> Columns:
        numbers = self.number.tolist()
        return {
            "id": [f"pat-{n:07d}" for n in numbers],
            "mrn": [f"{n * 7919 % 90_000_000 + 10_000_000}" for n in numbers],
            "family": [_FAMILIES[n % 12] for n in numbers],
            "given": [_GIVEN[n // 12 % 12] for n in numbers],
            "gender": np.where(self.gender, "female", "male").tolist(),
            "birth": np.datetime_as_string(self.born, unit="D").tolist(),
        }


def cohort(random: np.random.Generator, first: int, size: int) -> Cohort:
    """Adults of 35 to 90; one in twelve with renal disease, one in twenty with a low calcium."""
    base = {name: np.maximum(random.normal(lab.mean, lab.spread, size), lab.mean * 0.4) for name, lab in LABS.items()}
    base["creatinine"] *= np.where(random.random(size) < 1 / 12, random.uniform(1.5, 3.5, size), 1)
    base["calcium"] -= np.where(random.random(size) < 1 / 20, random.uniform(0.8, 1.8, size), 0)
    return Cohort(
        number=np.arange(first, first + size),
        gender=random.random(size) < 0.55,
        born=np.datetime64("1934-01-01") + random.integers(0, 55 * 365, size),
        base=base,
        product=random.choice(len(PRODUCTS), size, p=_SHARES),
    )


@dataclass(frozen=True)
class Visits:
    """One element per visit, a patient's in a row and ascending. patient: index into the cohort; time: to the second."""

    patient: Array
    time: Array
    number: Array

    def __len__(self) -> int:
        return len(self.patient)

    def take(self, rows: Array) -> "Visits":
        return Visits(self.patient[rows], self.time[rows], self.number[rows])


def visits(random: np.random.Generator, counts: Array, days: float, first: int) -> Visits:
    """counts: visits of each patient. days: between them; one interval in forty is far too short."""
    patient = np.repeat(np.arange(len(counts)), counts)
    apart = np.clip(random.normal(days, days / 14, len(patient)), 1, None)
    apart = np.where(random.random(len(patient)) < 1 / 40, apart / 3, apart)
    total = np.cumsum(apart)
    starts = np.cumsum(counts) - counts
    since = total - np.repeat(total[np.minimum(starts, max(len(total) - 1, 0))], counts)
    begin = random.integers(0, 700, len(counts))
    seconds = (np.repeat(begin, counts) + np.floor(since)) * 86400 + random.integers(8 * 3600, 16 * 3600, len(patient))
    time = np.datetime64("2022-01-03T00:00:00") + seconds.astype("timedelta64[s]")
    return Visits(patient, time, np.arange(first, first + len(patient)))


def texts(times: Array) -> list[str]:
    return list(np.datetime_as_string(times.astype("datetime64[s]"), unit="s").tolist())


def identities(kind: int, numbers: Array) -> list[str]:
    """Shaped like a UUID, as most servers have them; kind keeps those of one visit apart."""
    return [f"{n * 2654435761 % 4294967296:08x}-{kind:04x}-4e0b-8f3a-{n:012x}" for n in numbers.tolist()]


def common(people: Cohort, seen: Visits, kind: int, later: int = 3600) -> Columns:
    """What every resource of a visit has; later: seconds until it was recorded."""
    encounters = identities(0, seen.number)
    return people.subject(seen.patient) | {
        "id": encounters if kind == 0 else identities(kind, seen.number),
        "encounter": [f"Encounter/{text}" for text in encounters],
        "time": texts(seen.time),
        "recorded": texts(seen.time + np.timedelta64(later, "s")),
        "date": [text[:10] for text in texts(seen.time - np.timedelta64(90 * 86400, "s"))],
        "practitioner": [f"{n % 40:03d}" for n in seen.number.tolist()],
    }


def values(random: np.random.Generator, people: Cohort, seen: Visits, name: str, lab: Lab) -> list[str]:
    drawn = people.base[name][seen.patient] * (1 + lab.noise * random.standard_normal(len(seen)))
    form = f"%.{lab.decimals}f"
    return [form % value for value in np.maximum(drawn, 0.1 if lab.decimals else 1).tolist()]


def doses(random: np.random.Generator, people: Cohort, seen: Visits) -> Columns:
    """Amount, end and order of a bone agent at each visit: nearly all as the label says, some too much, some too fast."""
    product = people.product[seen.patient]
    usual = np.array([4.0, 120.0, 90.0])[product]
    reduced = (product == 0) & (people.base["creatinine"][seen.patient] > 1.6) & (random.random(len(seen)) < 0.7)
    amount = np.where(reduced, 3.3, np.where(random.random(len(seen)) < 0.01, usual * 1.5, usual))
    minutes = np.where(product == 2, random.integers(115, 150, len(seen)), random.integers(14, 31, len(seen)))
    return {
        "amount": [f"{value:g}" for value in amount.tolist()],
        "end": texts(seen.time + minutes * np.timedelta64(60, "s")),
        "request": identities(40, seen.number),
    }
