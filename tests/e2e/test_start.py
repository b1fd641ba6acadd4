"""What a start costs: the command line must answer at once, so heavy libraries wait until a command needs them."""

import os
import resource
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = {"prefect", "great_expectations", "fhir", "fhir_core", "pydantic", "pandas", "pyarrow", "numpy", "msgspec", "jinja2"}
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def python(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, check=True)


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    listed = python("-X", "importtime", "-c", "import bonefhir.cli").stderr.splitlines()
    modules = {line.rsplit("|", 1)[1].strip().split(".")[0] for line in listed if "|" in line}
    assert "bonefhir" in modules
    assert not modules & HEAVY


def test_help_takes_less_than_three_tenths_of_a_second() -> None:
    """CPU, not wall time; the best of three, as the machine may be busy."""
    assert min(cpu_of_help() for _ in range(3)) < 0.3


def cpu_of_help() -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert "Not a medical device" in python("-m", "bonefhir.cli", "--help").stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_collector_rests_during_imports_and_leaves_out_what_they_made() -> None:
    code = """
import gc
from bonefhir.starting import undisturbed
with undisturbed():
    assert not gc.isenabled()
    import json.tool
assert gc.isenabled() and gc.get_freeze_count()
frozen = gc.get_freeze_count()
garbage = [[] for _ in range(10000)]
with undisturbed():
    import json.tool
assert gc.isenabled() and gc.get_freeze_count() <= frozen
gc.disable()
with undisturbed():
    pass
assert not gc.isenabled()
"""
    python("-c", code)
