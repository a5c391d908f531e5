# What the README calls. VENV may be set to use another virtual environment.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip --quiet --disable-pip-version-check

.PHONY: serve test lint unit bench clean

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

test: lint unit

lint: $(VENV)/.test
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary

# The rules in spec/ are covered to the last branch.
unit: $(VENV)/.test $(VENV)/.tools $(VENV)/trees/newer/.complete
	$(BIN)/python -m pytest --cov=pullthrough/spec --cov-branch --cov-report= --cov-fail-under=100

bench: $(VENV)/.test
	$(BIN)/python benchmarks/small.py

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache
