"""What the pipeline hands to the reports, beside the Parquet tables that already lie in phi/."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from bonefhir.knowledge.model import Knowledge
from bonefhir.report.findings import Findings
from bonefhir.settings import Settings

WORK = ("processes", "portions", "buckets", "passes")
"""How the work was cut: processes, portions of files, buckets of patients, and how many times the input is read."""


EXPORTS = ("tally", "pages", "issues", "workbook", "csv")
"""What is made of the verdicts, then what is made of the findings: first that of which the reports tell, last what needs least
memory, as the reports are written beside it."""

TOLD = frozenset({"tally", "pages", "issues"})
"""Those that leave what the reports need."""


@dataclass(frozen=True)
class Judged:
    """What is known of a run as soon as its tables are merged, and all that the exports of its findings need.

    rule_counts         rule_id, pass, fail, indeterminate, not_applicable: one row per rule of the profile
    findings            those among the verdicts, which were cut out when the buckets were merged
    started             ISO 8601; only run.json shows it
    """

    settings: Settings
    knowledge: Knowledge
    rule_counts: pa.Table
    findings: Findings
    started: str


@dataclass(frozen=True)
class Facts(Judged):
    """Everything about a run that is no table of patients.

    files               FILES; row n is the file that `rejects.file` calls n
    unused              resources of types that are not used, by type
    rejects             REJECTS
    suites              results of the Great Expectations suites, counts only (judge.suites.run_suites)
    seconds             wall time per stage, in the order in which the stages ran
    peak_memory_bytes   of the whole process tree, as far as it could be measured
    work                by WORK
    ignored             what a .bonefhirignore kept out of the folders among the sources
    """

    files: pa.Table
    unused: Mapping[str, int]
    rejects: pa.Table
    suites: list[dict[str, Any]]
    seconds: Mapping[str, float]
    peak_memory_bytes: int
    work: Mapping[str, int]
    ignored: tuple[str, ...] = ()
