"""The page that explains a sample to people."""

from collections.abc import Sequence

from bonefhir.sample.case import Case
from bonefhir.sample.hospitals import HOSPITALS

PAGE = """# Synthetic data: {patients} patients that never lived

Made by `bonefhir sample DIR --patients {patients} --seed {seed}`; the same command makes the same files.
Names, ids, hospitals and values are invented; no real patient was used, not even as a pattern.
The doses show what a checker must find, never how to treat.

- `fhir/`: FHIR R4 as four hospitals would export it.
- `answer_key.csv`: every verdict `fail` or `indeterminate` (profile `us`, default settings), every reject and every
  data-quality finding that an audit of this folder must show, and no other. A place is `file:line`, or `file#entry`
  for the entry of a Bundle (counted from 0).
- `scenarios.csv`: what was planted and where to look. Scenarios with 0 findings are traps: something that looks like
  a fault and is none.
- `.bonefhirignore`: tells the reader that the other files here are not FHIR.

{clean} patients carry nothing, {planted} carry {scenarios} planted scenarios ({traps} of them traps)
with {findings} findings in all. The key is written from what each scenario declares, not by running the checks:
an audit has to agree with it.

{hospitals}
"""


def readme(cases: Sequence[Case], seed: int) -> str:
    planted = [scenario for case in cases for scenario in case.record.planted]
    carrying = sum(1 for case in cases if case.record.planted)
    return PAGE.format(
        patients=len(cases),
        seed=seed,
        clean=len(cases) - carrying,
        planted=carrying,
        scenarios=len(planted),
        traps=sum(1 for scenario in planted if not scenario.findings),
        findings=sum(len(case.record.findings) for case in cases),
        hospitals="\n".join(paragraph(key, cases) for key in HOSPITALS),
    )


def paragraph(key: str, cases: Sequence[Case]) -> str:
    hospital = HOSPITALS[key]
    count = sum(1 for case in cases if case.hospital is hospital)
    return f"- `fhir/{key}/`, {hospital.name}, {count} patients: {hospital.habits}."
