"""Writes the inputs of the benchmarks: synthetic, the same bytes for the same seed and size, hundreds of MB a minute.

sparse   a hospital's bulk export, all resource types, 1 % of the patients treated with a bone agent
dense    an oncology clinic: 20 doses and 120 labs for each of 50,000 patients, all treated
bundles  transaction Bundles of about 50 entries, one patient each

python -m tests.benchmarks.inputs sparse FOLDER --megabytes 1000
"""

import argparse
import gzip
import json
from collections.abc import Iterator, Sequence
from io import TextIOWrapper
from itertools import chain, compress
from pathlib import Path
from typing import IO, Any

import numpy as np

from tests.benchmarks import resources
from tests.benchmarks.cohort import PRODUCTS, Cohort, Columns, Visits, cohort, common, doses, identities, values, visits
from tests.benchmarks.resources import LABS
from tests.benchmarks.template import STYLES, Template

ONCOLOGY = ("creatinine", "calcium", "albumin", "weight", "haemoglobin", "platelets")
_BLOCK = 1000
_LINES_PER_FILE = 100_000
"""Servers cut their exports so."""
_KILOBYTES_PER_PATIENT = 71
"""Of a sparse export, compact; measured."""


class Folder:
    """NDJSON by resource type, in numbered files. Lines of one type come in the order given."""

    def __init__(self, path: Path, packed: bool) -> None:
        self.path, self.packed, self.lines = path, packed, 0
        self._open: dict[str, tuple[IO[str], int]] = {}
        self._count: dict[str, int] = {}
        path.mkdir(parents=True, exist_ok=True)

    def write(self, resource_type: str, lines: Sequence[str]) -> None:
        while lines:
            stream, room = self._open.pop(resource_type) if resource_type in self._open else self._next(resource_type)
            part, lines = lines[:room], lines[room:]
            stream.write("\n".join(part) + "\n")
            self.lines += len(part)
            if room == len(part):
                stream.close()
            else:
                self._open[resource_type] = (stream, room - len(part))

    def _next(self, resource_type: str) -> tuple[IO[str], int]:
        number = self._count.get(resource_type, 0)
        self._count[resource_type] = number + 1
        path = self.path / f"{resource_type}.{number:04d}.ndjson{'.gz' if self.packed else ''}"
        if not self.packed:
            return path.open("w", encoding="utf-8"), _LINES_PER_FILE
        return TextIOWrapper(gzip.GzipFile(path, "wb", 6, mtime=0), encoding="utf-8"), _LINES_PER_FILE

    def close(self) -> None:
        for stream, _ in self._open.values():
            stream.close()


def interleaved(lists: Sequence[Sequence[str]]) -> list[str]:
    """First of each, second of each, …: a visit's resources stand together."""
    return list(chain.from_iterable(zip(*lists, strict=True)))


class Kinds:
    """The templates in one style."""

    def __init__(self, style: str) -> None:
        def made(many: Sequence[dict[str, Any]]) -> list[Template]:
            return [Template(each, style) for each in many]

        self.patient, self.encounter, self.request, self.report, self.pressure = made(
            [
                resources.patient(),
                resources.encounter(),
                resources.medication_request(),
                resources.diagnostic_report(),
                resources.blood_pressure(),
            ]
        )
        self.labs = {name: Template(resources.observation(lab), style) for name, lab in LABS.items()}
        self.agents = {name: Template(each, style) for name, each in resources.bone_agents().items()}
        self.others = made(resources.other_administrations())
        self.bone_conditions = made([resources.condition(*each) for each in resources.BONE_CONDITIONS])
        self.conditions = made([resources.condition(*each) for each in resources.OTHER_CONDITIONS])
        self.dental = Template(resources.procedure(*resources.DENTAL), style)
        self.procedures = made([resources.procedure(*each) for each in resources.OTHER_PROCEDURES])


class Block:
    """Some patients and their visits, on the way to text."""

    def __init__(self, random: np.random.Generator, kinds: Kinds, people: Cohort, seen: Visits) -> None:
        self.random, self.kinds, self.people, self.seen = random, kinds, people, seen

    def patients(self) -> list[str]:
        return self.kinds.patient.fill(self.people.demographics(), len(self.people))

    def mostly(self, lines: list[str]) -> list[str]:
        """One in forty is missing, as always."""
        return list(compress(lines, (self.random.random(len(lines)) >= 1 / 40).tolist()))

    def of_visits(self, template: Template, kind: int, seen: Visits | None = None, **more: Any) -> list[str]:
        rows = self.seen if seen is None else seen
        return template.fill(common(self.people, rows, kind) | more, len(rows))

    def labs(self, names: Sequence[str]) -> list[list[str]]:
        """By lab, one text per visit."""
        shared = common(self.people, self.seen, 1)
        found = []
        for name in names:
            own = {
                "id": identities(100 + list(LABS).index(name), self.seen.number),
                "value": values(self.random, self.people, self.seen, name, LABS[name]),
            }
            found.append(self.kinds.labs[name].fill(shared | own, len(self.seen)))
        return found

    def pressures(self) -> list[str]:
        systolic = self.random.integers(100, 165, len(self.seen))
        lower = systolic - self.random.integers(35, 60, len(self.seen))
        return self.of_visits(self.kinds.pressure, 99, systolic=systolic.tolist(), diastolic=lower.tolist())

    def agents(self, seen: Visits) -> list[str]:
        """Two hours after the visit's blood was drawn."""
        given = Visits(seen.patient, seen.time + np.timedelta64(7200, "s"), seen.number)
        columns: Columns = common(self.people, given, 10) | doses(self.random, self.people, given)
        lines = np.empty(len(given), dtype=object)
        for index, name in enumerate(PRODUCTS):
            rows = np.flatnonzero(self.people.product[given.patient] == index)
            part = {key: [column[row] for row in rows.tolist()] for key, column in columns.items()}
            lines[rows] = self.kinds.agents[name].fill(part, len(rows))
        return list(lines.tolist())

    def spread(self, templates: Sequence[Template], kind: int, seen: Visits, **more: Any) -> list[str]:
        """Each visit by the template that comes next."""
        return list(
            chain.from_iterable(
                self.of_visits(template, kind, seen.take(np.arange(start, len(seen), len(templates))), **more)
                for start, template in enumerate(templates)
            )
        )

    def some(self, share: float) -> Visits:
        return self.seen.take(np.flatnonzero(self.random.random(len(self.seen)) < share))

    def first_visits(self) -> Visits:
        rows = np.flatnonzero(np.diff(self.seen.patient, prepend=-1))
        return self.seen.take(rows)

    def of_treated(self, treated: np.ndarray[Any, Any]) -> Visits:
        return self.seen.take(np.flatnonzero(treated[self.seen.patient]))


def _blocks(patients: int, size: int = _BLOCK) -> Iterator[tuple[int, int]]:
    for first in range(0, patients, size):
        yield first, min(size, patients - first)


def sparse(path: Path, megabytes: float, style: str = "compact", packed: bool = False, seed: int = 1) -> int:
    """Two visits of 18 Observations for most patients, twelve for the treated. Returns the number of resources."""
    random, kinds, folder = np.random.default_rng(seed), Kinds(style), Folder(path, packed)
    total = 0
    for first, size in _blocks(max(1, round(megabytes * 1000 / _KILOBYTES_PER_PATIENT))):
        treated = (np.arange(first, first + size) % 100) == 0
        people = cohort(random, first, size)
        seen = visits(random, np.where(treated, 12, 2), 28, total)
        total += len(seen)
        _write_hospital(folder, Block(random, kinds, people, seen), treated)
    folder.close()
    return folder.lines


def _write_hospital(folder: Folder, block: Block, treated: np.ndarray[Any, Any]) -> None:
    kinds = block.kinds
    folder.write("Patient", block.patients())
    folder.write("Encounter", block.of_visits(kinds.encounter, 0))
    folder.write("Observation", block.mostly(interleaved([*block.labs(list(LABS)), block.pressures()])))
    folder.write("DiagnosticReport", block.of_visits(kinds.report, 50))
    folder.write("MedicationRequest", block.of_visits(kinds.request, 40))
    folder.write("MedicationAdministration", block.spread(kinds.others, 11, block.seen, amount="325", request="order-1"))
    folder.write("MedicationAdministration", block.agents(block.of_treated(treated)))
    folder.write("Condition", block.spread(kinds.conditions, 20, block.seen))
    ill = block.first_visits()
    folder.write("Condition", block.spread(kinds.bone_conditions, 21, ill.take(np.flatnonzero(treated[ill.patient]))))
    folder.write("Procedure", block.spread(kinds.procedures, 30, block.some(0.7)))
    folder.write("Procedure", block.of_visits(kinds.dental, 31, block.some(0.02)))


def dense(path: Path, patients: int, style: str = "compact", packed: bool = False, seed: int = 1) -> int:
    """20 doses and 120 labs each."""
    random, kinds, folder = np.random.default_rng(seed), Kinds(style), Folder(path, packed)
    for first, size in _blocks(patients, 250):
        people = cohort(random, first, size)
        block = Block(random, kinds, people, visits(random, np.full(size, 20), 29, first * 20))
        folder.write("Patient", block.patients())
        folder.write("Observation", block.mostly(interleaved(block.labs(ONCOLOGY))))
        folder.write("MedicationAdministration", block.agents(block.seen))
        folder.write("Condition", block.spread(kinds.bone_conditions, 21, block.first_visits()))
        folder.write("Procedure", block.of_visits(kinds.dental, 31, block.some(0.05)))
    folder.close()
    return folder.lines


def bundles(path: Path, count: int, style: str = "pretty", seed: int = 1) -> int:
    """One file each, references by urn:uuid as in a transaction. Returns the number of entries."""
    random, kinds = np.random.default_rng(seed), Kinds(style)
    path.mkdir(parents=True, exist_ok=True)
    entries = 0
    for first, size in _blocks(count, 200):
        block = Block(random, kinds, cohort(random, first, size), visits(random, np.full(size, 6), 28, first * 6))
        parts = [block.patients(), block.spread(kinds.bone_conditions, 21, block.first_visits())]
        per_visit = [block.of_visits(kinds.encounter, 0), *block.labs(ONCOLOGY), block.agents(block.seen)]
        for index in range(size):
            own = [part[index] for part in parts] + [part[v] for v in range(index * 6, index * 6 + 6) for part in per_visit]
            entries += len(own)
            (path / f"bundle-{first + index:06d}.json").write_text(_bundle(own), encoding="utf-8")
    return entries


def _bundle(texts_: Sequence[str]) -> str:
    """References to what stands in the Bundle become its fullUrls."""
    entries = []
    for text in texts_:
        head = json.loads(text)
        url = f"urn:uuid:{_uuid(head['id'])}"
        request = json.dumps({"method": "POST", "url": head["resourceType"]})
        entries.append(f'    {{\n      "fullUrl": "{url}",\n      "resource": {text},\n      "request": {request}\n    }}')
    whole = '{\n  "resourceType": "Bundle",\n  "type": "transaction",\n  "entry": [\n' + ",\n".join(entries) + "\n  ]\n}\n"
    patient = json.loads(texts_[0])["id"]
    whole = whole.replace(f'"Patient/{patient}"', f'"urn:uuid:{_uuid(patient)}"')
    return whole.replace('"Encounter/', '"urn:uuid:')


def _uuid(identity: str) -> str:
    return identity if len(identity) == 36 else f"00000000-0000-4000-8000-{identity[-7:]:0>12}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", choices=("sparse", "dense", "bundles"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--megabytes", type=float, default=1000, help="sparse: its size (default: 1000)")
    parser.add_argument("--scale", type=float, default=1, help="dense, bundles: share of the full size (default: 1)")
    parser.add_argument("--style", choices=STYLES, help="how the JSON is written (default: compact; bundles: pretty)")
    parser.add_argument("--gzip", action="store_true", help="sparse, dense: pack the files")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    style = asked.style or ("pretty" if asked.case == "bundles" else "compact")
    if asked.case == "sparse":
        written = sparse(asked.folder, asked.megabytes, style, asked.gzip, asked.seed)
    elif asked.case == "dense":
        written = dense(asked.folder, round(50_000 * asked.scale), style, asked.gzip, asked.seed)
    else:
        written = bundles(asked.folder, round(10_000 * asked.scale), style, asked.seed)
    print(f"{written} resources")


if __name__ == "__main__":
    main()
