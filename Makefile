# make audit      set up, then run the flow on sample_data -> out/
# make test       set up, then lint, types and tests
# make test-deep  the long tests as well
# make bench      the benchmarks: SCALE=small, medium (the default) or full -> build/bench/results.md
# make docs       the site of docs/ -> build/site
# make dist       wheel and sdist -> dist/
# make sbom       the packages of the lock as CycloneDX -> build/sbom.cdx.json
# make clean      remove everything that these made

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OUT ?= out
WORKERS ?= 2
SCALE ?= medium

.PHONY: audit test test-deep bench lint docs dist sbom setup clean

audit: $(READY)
	$(BIN)/python flows/audit.py sample_data --out $(OUT)

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-deep: lint
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "deep or not deep" --hypothesis-profile deep

bench: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/benchmarks/requirements.txt
	$(BIN)/python -m tests.benchmarks.run --scale $(SCALE) --out build/bench

lint: $(READY)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

dist: $(READY)
	rm -rf dist
	$(BIN)/python -m hatchling build

sbom: $(READY)
	@mkdir -p build
	$(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --sv 1.6 \
	    --output-reproducible --of JSON -o build/sbom.cdx.json requirements.lock

setup: $(READY)

# Redone when the lock or the project changes. Byte-compiled at once: PYTHONDONTWRITEBYTECODE may be set where this runs, and
# compiling anew at every start doubles the time of every import.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "bonefhir needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q src flows
	@touch $@

clean:
	rm -rf $(VENV) $(OUT) .prefect build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src flows tests -name __pycache__ -type d -prune -exec rm -rf {} +
