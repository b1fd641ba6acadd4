"""The books of a run: every resource read in exactly one fate, every reject, every count."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from bonefhir import tables
from bonefhir.coded import coded
from bonefhir.dealt import load, read_rows, save, write_rows
from bonefhir.errors import AccountingError
from bonefhir.normalise.books import Books
from bonefhir.normalise.fates import FATES
from bonefhir.parts import write_part
from bonefhir.run import Run, sorted_part
from bonefhir.scanned import Scanned

_FATES = "fates.npy"


def write(folder: Path, found: Books) -> None:
    """The books of a bucket, or of what belongs to none."""
    write_rows(folder, tables.REJECTS, found.rejects)
    write_part(sorted_part(folder, tables.DATA_QUALITY), tables.DATA_QUALITY, coded(found.quality))
    save(folder / _FATES, found.per_file)


def _folders(run: Run) -> list[Path]:
    """Where books lie."""
    return [run.parts / "normalised", *run.resolved]


def ledger(run: Run) -> pa.Table:
    """FILES. Raises AccountingError unless every resource that was read ended in exactly one fate."""
    per_file = np.zeros((len(run.files), len(FATES)), dtype=np.int64)
    for folder in _folders(run):
        per_file += load(folder / _FATES)
    used, superseded = FATES.index("used"), FATES.index("superseded")
    for folder in run.buckets:
        for seq in json.loads((folder / "counts.json").read_text(encoding="utf-8"))["superseded"]:
            per_file[seq >> 40, used] -= 1
            per_file[seq >> 40, superseded] += 1
    scanned = Scanned(run)
    early = scanned.rejects["file"].to_numpy()
    per_file[:, FATES.index("rejected")] += np.bincount(early, minlength=len(run.files))[: len(run.files)]
    per_file[:, FATES.index("irrelevant")] += np.array([sum(each.unused.values()) for each in scanned.counts], dtype=np.int64)
    read = np.array([each.read for each in scanned.counts], dtype=np.int64)
    wrong = np.flatnonzero(per_file.sum(axis=1) != read)
    if len(wrong):
        raise AccountingError(
            f"the ledger does not add up for file number {int(wrong[0])} of {len(run.files)}: a defect of bonefhir"
        )
    columns: dict[str, object] = {"file": run.file_names, "read": read}
    for name in ("format", "compression", "sha256"):
        columns[name] = pa.array([getattr(each, name) for each in scanned.counts], pa.string())
    for name in ("bytes", "empty_entries"):
        columns[name] = pa.array([getattr(each, name) for each in scanned.counts], pa.int64())
    return tables.build(tables.FILES, columns | {fate: per_file[:, number] for number, fate in enumerate(FATES)})


def rejects(run: Run) -> pa.Table:
    parts = [Scanned(run).rejects, *(read_rows(folder, tables.REJECTS) for folder in _folders(run))]
    return pa.concat_tables(parts).sort_by(
        [("file", "ascending"), ("line", "ascending"), ("entry", "ascending"), ("id", "ascending")]
    )


def unused(run: Run) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in Scanned(run).counts:
        for name, number in counts.unused.items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items()))


def rule_counts(run: Run) -> pa.Table:
    names = ("pass", "fail", "indeterminate", "not_applicable")
    total = {rule.id: dict.fromkeys(names, 0) for rule in run.knowledge.rules if run.settings.profile in rule.profiles}
    for folder in run.buckets:
        for row in json.loads((folder / "counts.json").read_text(encoding="utf-8"))["rules"]:
            for name in names:
                total[row["rule_id"]][name] += row[name]
    return pa.table({"rule_id": list(total), **{name: [counts[name] for counts in total.values()] for name in names}})


def parts_of_quality(run: Run) -> Iterator[Path]:
    """Sorted parts of DATA_QUALITY: what was found before the audit."""
    yield from (sorted_part(folder, tables.DATA_QUALITY) for folder in _folders(run))
    of_files = sorted_part(run.work, tables.DATA_QUALITY)
    write_part(of_files, tables.DATA_QUALITY, coded(_file_quality(run)))
    yield of_files


def _file_quality(run: Run) -> pa.Table:
    """Warnings about files."""
    rows = [
        (kind, run.files[counts.file].name, line, detail)
        for counts in Scanned(run).counts
        for kind, line, detail in counts.warnings
    ]
    text = pa.string()
    columns = {
        "kind": pa.array([kind for kind, _, _, _ in rows], text),
        "severity": pa.array(["warning"] * len(rows), text),
        "resource": pa.nulls(len(rows), text),
        "patient_id": pa.nulls(len(rows), text),
        "file": pa.array([file for _, file, _, _ in rows], text),
        "line": pa.array([line for _, _, line, _ in rows], pa.int64()),
        "detail": pa.array([detail for _, _, _, detail in rows], text),
    }
    return tables.build(tables.DATA_QUALITY, columns)
