# What the README calls. VENV may be set to use another virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip --quiet --disable-pip-version-check

.PHONY: serve test lint unit fuzz bench profile clean

serve: $(VENV)/.serve
	$(BIN)/twistd pullthrough --config etc/registry.ini --free-ports

$(VENV)/.serve: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -e .
	touch $@

$(VENV)/.test: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -e '.[test]'
	touch $@

# Clients and the official conformance suite, where there is a Go that can build them.
$(VENV)/.tools: $(VENV)/.test tests/testbed/go_tools.sh
	tests/testbed/go_tools.sh $(abspath $(BIN))
	touch $@

# A newer Docker Engine and containerd, where their packages can be had: see the script.
$(VENV)/trees/newer/.complete: tests/testbed/newer_engines.sh | $(VENV)/.test
	tests/testbed/newer_engines.sh $(abspath $(VENV))/trees/newer

test: lint unit fuzz

lint: $(VENV)/.test
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary

# The rules in spec/ are covered to the last branch.
unit: $(VENV)/.test $(VENV)/.tools $(VENV)/trees/newer/.complete
	$(BIN)/python -m pytest --cov=pullthrough/spec --cov-branch --cov-report= --cov-fail-under=100

# The day's three targets for half a minute; FUZZ="names heads" chooses others.
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz

# Against the peers that are installed, about 12 minutes; BENCH="--only a --quick" less.
bench: $(VENV)/.test
	$(BIN)/python -m benchmarks $(BENCH)

# Where our own time goes; PROFILE="--only a" less.
profile: $(VENV)/.test
	$(BIN)/python -m benchmarks.profiling $(PROFILE)

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache
