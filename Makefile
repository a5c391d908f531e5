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

# The official conformance suite, where there is a Go that can build it.
CONFORMANCE = github.com/opencontainers/distribution-spec/conformance
CONFORMANCE_VERSION = v0.0.0-20260831232431-97274622c111

$(VENV)/.conformance: $(VENV)/.test Makefile
	if command -v go >/dev/null; then \
	    GOBIN=$(abspath $(BIN)) go install $(CONFORMANCE)@$(CONFORMANCE_VERSION) >$@.log 2>&1 \
	        || cat $@.log; \
	fi
	touch $@

test: lint unit

lint: $(VENV)/.test
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy --no-error-summary

# The rules in spec/ are covered to the last branch.
unit: $(VENV)/.test $(VENV)/.conformance
	$(BIN)/python -m pytest --cov=pullthrough/spec --cov-branch --cov-report= --cov-fail-under=100

bench: $(VENV)/.test
	$(BIN)/python benchmarks/small.py

clean:
	rm -rf $(VENV) build dist *.egg-info .coverage* .mypy_cache .ruff_cache .pytest_cache
