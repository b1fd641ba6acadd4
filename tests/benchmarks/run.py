"""Runs the benchmarks: each case a whole process, several times in turn, medians; a Markdown table and JSON.

    python -m tests.benchmarks.run --scale medium --out build/bench

bonefhir runs as `bonefhir audit` with all its outputs; of sparse without the HTML. The others do less (see their files):
(a) fhir.resources and pandas  (b) DuckDB's read_json  (c) decoding alone  (d) reading alone. At scale full, (a) gets a
smaller input of the same kind, and its rate is compared: linear extrapolation, in its favour, as its memory grows too.
Scale small is for the tests: it shows what starting costs, and no more.

Not compared: Pathling (its jars are not in its wheel), pysof (needs a newer glibc), fhir4ds (AGPL).
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.benchmarks import inputs
from tests.benchmarks.measure import Measured, environment, measured, medians

SAMPLE = Path(__file__).parents[2] / "sample_data"
CASES = ("sparse", "dense", "bundles", "validate")


@dataclass(frozen=True)
class Scale:
    """Sizes: megabytes of sparse, patients of dense, number of bundles. plain: of the input of (a). tenth: a run at 1/10, too."""

    sizes: dict[str, int]
    plain: dict[str, int]
    runs: int
    tenth: bool


_MEDIUM = {"sparse": 100, "dense": 1_000, "bundles": 500}
SCALES = {
    "small": Scale(small := {"sparse": 2, "dense": 10, "bundles": 5}, small, 1, False),
    "medium": Scale(_MEDIUM, _MEDIUM, 3, True),
    "full": Scale({"sparse": 1_000, "dense": 50_000, "bundles": 10_000}, _MEDIUM, 3, True),
}
_WRITERS: dict[str, Callable[[Path, int], int]] = {"sparse": inputs.sparse, "dense": inputs.dense, "bundles": inputs.bundles}
_OPTIONS = {"sparse": ("--no-html",), "dense": ("--memory", "2GiB")}
"""Of bonefhir, by case."""

_WORDS = {
    "bonefhir": "bonefhir audit",
    "fhir": "(a) fhir.resources + pandas",
    "duckdb": "(b) DuckDB read_json",
    "decode": "(c) decoding alone",
    "read": "(d) reading alone",
    "validate": "bonefhir validate, one bundle, cold",
}


@dataclass(frozen=True)
class Input:
    case: str
    size: int
    folder: Path
    resources: int
    bytes: int


@dataclass(frozen=True)
class Result:
    case: str
    who: str
    input: Input
    median: Measured
    runs: list[Measured]

    @property
    def rate(self) -> float:
        """Resources per second of wall time."""
        return self.input.resources / self.median.wall

    @property
    def cost(self) -> float:
        """Microseconds of CPU per resource."""
        return self.median.cpu / self.input.resources * 1e6


def prepared(data: Path, case: str, size: int) -> Input:
    """The input, written unless it is there from an earlier run."""
    folder, note = data / f"{case}-{size}", data / f"{case}-{size}.json"
    if not note.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        written = _WRITERS[case](folder, size)
        note.write_text(json.dumps(written), encoding="ascii")
    total = sum(path.stat().st_size for path in folder.iterdir())
    return Input(case, size, folder, int(json.loads(note.read_text(encoding="ascii"))), total)


def command(case: str, who: str, folder: Path, out: Path) -> list[str]:
    python, here = sys.executable, "tests.benchmarks"
    return {
        "bonefhir": [python, "-m", "bonefhir.cli", "audit", str(folder), "--out", str(out), "--quiet", *_OPTIONS.get(case, ())],
        "validate": [python, "-m", "bonefhir.cli", "validate", str(folder), "--fail-on", "none"],
        "fhir": [python, "-m", f"{here}.plain_fhir", str(folder), str(out)],
        "duckdb": [python, "-m", f"{here}.plain_duckdb", str(folder), str(out)],
        "decode": [python, "-m", f"{here}.plain_decode", "decode", str(folder)],
        "read": [python, "-m", f"{here}.plain_decode", "read", str(folder)],
    }[who]


def compared(data: Path, case: str, scale: Scale, runs: int) -> list[Result]:
    """All that take part in a case, in turn, so that a change of the machine's load meets all of them."""
    whole = prepared(data, case, scale.sizes[case])
    plain = prepared(data, case, scale.plain[case])
    others = [] if case == "bundles" or find_spec("duckdb") is None else [("duckdb", whole)]
    entrants = [("bonefhir", whole), *others, ("decode", whole), ("read", whole), ("fhir", plain)]
    if scale.tenth:
        entrants.insert(1, ("bonefhir", prepared(data, case, scale.sizes[case] // 10)))
    return _measure_all(data, case, entrants, runs)


def validated(data: Path, runs: int) -> list[Result]:
    """The first Bundle of the sample, by a process that has just started."""
    bundle = next(path for path in sorted(SAMPLE.rglob("*.json")) if b'"entry"' in path.read_bytes())
    entries = len(json.loads(bundle.read_bytes())["entry"])
    return _measure_all(data, "validate", [("validate", Input("validate", 1, bundle, entries, bundle.stat().st_size))], runs)


def _measure_all(data: Path, case: str, entrants: Sequence[tuple[str, Input]], runs: int) -> list[Result]:
    found: list[list[Measured]] = [[] for _ in entrants]
    for _ in range(runs):
        for index, (who, given) in enumerate(entrants):
            found[index].append(measured(command(case, who, given.folder, data / f"out-{who}")))
    return [Result(case, who, given, medians(each), each) for (who, given), each in zip(entrants, found, strict=True)]


def table(results: Sequence[Result]) -> str:
    """Ratios: of the resources per second of wall time, and of the CPU per resource, against bonefhir on the case's input."""
    measures = ("resources", "MB", "wall s", "CPU s", "peak MB", "resources/s", "CPU µs/resource")
    head = ("case", "", *measures, "bonefhir is faster by (wall)", "(CPU)")
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for result in results:
        ours = next(r for r in results if r.case == result.case)
        same = result.who == ours.who
        wall, cpu = ("", "") if same else (f"{ours.rate / result.rate:.2f} ×", f"{result.cost / ours.cost:.2f} ×")
        cells = (
            *(result.case, _WORDS[result.who], f"{result.input.resources:,}", f"{result.input.bytes / 1e6:,.1f}"),
            *(f"{result.median.wall:.2f}", f"{result.median.cpu:.2f}", f"{result.median.peak / 1e6:,.0f}"),
            *(f"{result.rate:,.0f}", f"{result.cost:,.1f}", wall, cpu),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def growth(results: Sequence[Result]) -> list[str]:
    """Time and memory at the whole size against a tenth of it."""
    lines = []
    for case in CASES:
        ours = sorted((r for r in results if r.case == case and r.who == "bonefhir"), key=lambda r: -r.input.bytes)
        if len(ours) == 2:
            whole, tenth = (r.median for r in ours)
            times = f"{whole.wall / tenth.wall:.1f} × the wall time, {whole.cpu / tenth.cpu:.1f} × the CPU"
            size = ours[0].input.resources / ours[1].input.resources
            slope = (whole.cpu - tenth.cpu) / (ours[0].input.resources - ours[1].input.resources) * 1e6
            lines.append(
                f"{case}: {size:.1f} × the resources take {times}, {whole.peak / tenth.peak:.2f} × the memory; "
                f"each further resource {slope:.1f} µs of CPU"
            )
    return lines


def report(results: Sequence[Result], about: dict[str, str], runs: int) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in about.items())
    parts = [table(results), "\n".join(f"- {line}" for line in growth(results)), f"Medians of {runs}. {machine}."]
    return "\n\n".join(part for part in parts if part) + "\n"


def as_json(result: Result) -> dict[str, object]:
    about = {"case": result.case, "who": result.who, "size": result.input.size}
    counts = {"resources": result.input.resources, "bytes": result.input.bytes}
    return about | counts | {"median": asdict(result.median), "runs": [asdict(each) for each in result.runs]}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=SCALES, default="medium")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=CASES)
    parser.add_argument("--runs", type=int, help="of each (default: 1 for small, else 3)")
    parser.add_argument("--out", type=Path, required=True, help="folder of the inputs (kept) and of the results")
    asked = parser.parse_args(arguments)
    scale, about = SCALES[asked.scale], environment()
    runs = asked.runs or scale.runs
    data = asked.out / "data"
    data.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    for case in asked.cases:
        results += validated(data, runs) if case == "validate" else compared(data, case, scale, runs)
        text = report(results, about, runs)
        (asked.out / "results.md").write_text(text, encoding="utf-8")
        whole = {"scale": asked.scale, "environment": about, "results": [as_json(r) for r in results]}
        (asked.out / "results.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
