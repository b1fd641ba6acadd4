"""Writes a sample: FHIR of four hospitals, the answer key, and a page that explains both."""

from collections.abc import Sequence
from pathlib import Path

from bonefhir.errors import OutputError
from bonefhir.sample.case import Case
from bonefhir.sample.hospitals import HOSPITALS
from bonefhir.sample.hospitals.base import Places
from bonefhir.sample.key import write_key, write_scenarios
from bonefhir.sample.plan import plan
from bonefhir.sample.readme import readme

IGNORED = "# not FHIR: skipped when this folder is audited\nREADME.md\nanswer_key.csv\nscenarios.csv\n"


def write(folder: Path, patients: int, seed: int) -> None:
    """Synthetic patients in a new folder: the same arguments give the same files, byte for byte.

    Raises OutputError if the folder is not empty or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise OutputError(f"{folder} exists and is not an empty folder: name a new one")
    cases = plan(patients, seed)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        places = write_fhir(folder, cases)
        write_key(folder / "answer_key.csv", [case.record for case in cases], places)
        write_scenarios(folder / "scenarios.csv", cases)
        (folder / "README.md").write_text(readme(cases, seed), encoding="utf-8")
        (folder / ".bonefhirignore").write_text(IGNORED, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} cannot be written: {error.strerror}") from error


def write_fhir(folder: Path, cases: Sequence[Case]) -> Places:
    """The files of every hospital that has patients, and where each resource stands in them."""
    places: Places = {}
    for hospital in HOSPITALS.values():
        records = [case.record for case in cases if case.hospital is hospital]
        if records:
            places |= hospital.save(folder, records)
    return places
