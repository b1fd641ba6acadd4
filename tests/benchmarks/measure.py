"""One command, measured from outside: CPU of its process tree, wall time, peak memory of the tree. Linux only."""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_PAGE = os.sysconf("SC_PAGE_SIZE")
_EVERY_SECONDS = 0.02


@dataclass(frozen=True)
class Measured:
    """cpu: user and system seconds of the process and all its children; peak: bytes resident, summed over the tree."""

    cpu: float
    wall: float
    peak: int


def measured(command: Sequence[str]) -> Measured:
    """Runs it to the end. Raises RuntimeError with what it wrote on stderr if it fails."""
    with tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        usage, peak = _watched(process)
        wall = time.perf_counter() - started
        if process.returncode:
            errors.seek(0)
            said = errors.read().decode("utf-8", "replace")[-2000:]
            raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{said}")
    return Measured(usage.ru_utime + usage.ru_stime, wall, peak)


def _watched(process: subprocess.Popen[bytes]) -> tuple[resource.struct_rusage, int]:
    """What it and the children that it waited for have used, once it has ended; and the tree's peak.

    The peak is sampled: ru_maxrss is of one process, and not below what this process had when it started the other.
    """
    peak = 0
    while True:
        peak = max(peak, _resident(process.pid))
        done, status, usage = os.wait4(process.pid, os.WNOHANG)
        if done:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage, peak
        time.sleep(_EVERY_SECONDS)


def medians(runs: Sequence[Measured]) -> Measured:
    return Measured(median(r.cpu for r in runs), median(r.wall for r in runs), int(median(r.peak for r in runs)))


def _resident(root: int) -> int:
    """Pages shared between processes count once for each: an upper bound."""
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * _PAGE
            for task in Path(f"/proc/{process}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
        except (OSError, IndexError):
            continue  # it has just ended
    return total


def environment() -> dict[str, str]:
    """Machine and versions: what a number means nothing without."""
    from importlib.metadata import PackageNotFoundError, version

    found = {
        "date": time.strftime("%Y-%m-%d %H:%M %Z"),
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * _PAGE / 2**30:.0f} GiB",
        "load average at the start": f"{os.getloadavg()[0]:.1f}",
        "python": sys.version.split()[0],
    }
    for name in ("fhir.resources", "pandas", "pyarrow", "msgspec", "great-expectations", "duckdb"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown")
