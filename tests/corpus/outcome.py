"""What became of a file: read, checked by fhir.resources, and summed up in one word."""

from pathlib import Path

import pandas as pd

from bonefhir.conform import CANDIDATES, check
from bonefhir.read.kinds import KINDS
from bonefhir.read.sources import SourceFile
from tests.read.fhir import Scan, scan_file

TYPES = {kind.table.name: name for name, kind in KINDS.items()}


def outcome(path: Path) -> tuple[str, str, int]:
    """The worst that happened, why, and how many resources may be used.

    'reject-file' (nothing of it is used), 'quarantine-resource', 'accept-with-warning' or 'accept'.
    """
    file = SourceFile(0, path, path.name)
    scanned = scan_file(file)
    rows = pd.concat([table.to_pandas().assign(resource_type=TYPES[name]) for name, table in scanned.tables.items()])
    resources = rows.drop_duplicates("seq").reset_index(drop=True)
    sound = resources[resources["fault"].isna()]
    faults = check({0: file}, sound[list(CANDIDATES)])
    good = len(sound) - len(faults)
    rejects = scanned.rejects.to_pylist()
    reasons = [reject["reason"] for reject in rejects] + list(resources["fault"].dropna()) + list(faults["reason"])
    if reasons:
        whole = any(reject["line"] is None for reject in rejects) or not good
        return "reject-file" if whole else "quarantine-resource", " ".join(dict.fromkeys(reasons)), good
    warnings = _warnings(scanned, resources)
    return ("accept-with-warning" if warnings else "accept"), " ".join(dict.fromkeys(warnings)), good


def _warnings(scanned: Scan, resources: pd.DataFrame) -> list[str]:
    return [kind for kind, _, _ in scanned.warnings] + [
        kind for words in resources["warnings"].dropna() for kind in words.split()
    ]
