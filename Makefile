# Stationmaster: `make help` lists what there is.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
# Compiled at once: the first start is quicker, and all later ones where Python may not write bytecode itself.
PIP_SYNC := $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes
COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-annotate --quiet
NAMES_CLASSES := $(wildcard app/static/*.js) $(shell find app/templates app/views -name '*.html' -o -name '*.py')
# Much of a test is waiting: three share two cores. What takes longest begins first, so that it is not left at the end.
SPREAD := -n 3 --dist loadfile --no-loadscope-reorder
SLOW_FIRST := tests/chaos

.PHONY: help
help: ## List the commands
	@grep -hE '^[a-z][a-z-]*:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: run
run: $(VENV)/.ready ## Start the portal with an emulated Google Cloud, at http://127.0.0.1:8000 (PORT= to change)
	@STATIONMASTER_PORT=$(PORT) exec $(BIN)/python -m emulator -- $(BIN)/stationmaster up

.PHONY: test
test: $(VENV)/.ready-dev ## Run every check that CI makes
	@$(BIN)/python -m tests.checks
	@$(BIN)/pytest $(SPREAD) -m "not long and not mlflow" $(SLOW_FIRST) tests

.PHONY: test-all
test-all: $(VENV)/.ready-dev ## Run the checks, and the tests that take minutes
	@$(BIN)/python -m tests.checks
	@$(BIN)/pytest $(SPREAD) -m "not mlflow" $(SLOW_FIRST) tests

.PHONY: test-mlflow
test-mlflow: $(VENV)/.ready-dev ## Install MLflow as its module does, run it on PostgreSQL, and log an experiment
	@$(BIN)/pytest tests/mlflow -m mlflow --timeout 1200 --capture=no

.PHONY: bench
bench: $(VENV)/.ready-dev ## Measure, against Terraform by hand
	@$(BIN)/python -m bench

.PHONY: chaos
chaos: $(VENV)/.ready-dev ## Make trouble at random and see that nothing is lost (ROUNDS=10 SEED=random)
	@$(BIN)/python -m tests.chaos --rounds $(or $(ROUNDS),10) $(if $(SEED),--seed $(SEED)) \
		--at-once $(or $(AT_ONCE),1) $(if $(SMALL),--small) $(if $(CANCELS),--cancels) $(if $(RELEASE),--release $(RELEASE))

.PHONY: screenshots
screenshots: $(VENV)/.ready-dev ## Take the README's pictures, or those of many pages (FOLDER=)
	@$(BIN)/python -m tools.screenshots $(FOLDER)

.PHONY: checkov
checkov: ## Look through terraform/ for what is unsafe (installs checkov in .checkov, once)
	@$(PYTHON) tools/checkov.py

.PHONY: format
format: $(VENV)/.ready-dev ## Format Python, templates and Terraform
	@$(BIN)/ruff format --quiet . && $(BIN)/ruff check --fix --quiet .
	@$(BIN)/python -m app.infra.terraform_cli fmt -recursive terraform

.PHONY: lock
lock: $(VENV)/.ready-dev ## Write the lock files anew from pyproject.toml and package.json
	@$(COMPILE) --extra local --extra sentry --extra emulator --group build -o requirements.txt
	@$(COMPILE) --extra local --extra sentry --extra emulator --group build --group dev -c requirements.txt -o requirements-dev.txt
	@$(BIN)/uv pip compile --group node --universal --generate-hashes --no-header --no-annotate --quiet -o requirements-node.txt

.PHONY: facts
facts: $(VENV)/.ready-dev ## Write the emulator's provider schema facts anew from the published bindings
	@$(BIN)/python -m emulator.facts

.PHONY: clean
clean: ## Remove what set-up installed (the data in .stationmaster stays)
	@rm -rf $(VENV) .checkov .mlflow_cache node_modules app/static/vendor .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# --- set-up: each step leaves a stamp, so the second time costs nothing ---

$(VENV)/bin/uv: requirements-setup.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Stationmaster needs Python 3.11 or newer: set PYTHON=/path/to/python3'; exit 1; }
	@echo 'Setting up (once) ...'
	@$(PYTHON) -m venv $(VENV) \
		|| { echo 'Python has no venv module here; on Debian: apt-get install python3-venv'; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.txt
	@touch $@

node_modules/.ready: package-lock.json $(VENV)/bin/uv
	@command -v npm >/dev/null || $(PIP_SYNC) -r requirements-node.txt
	@$(BIN)/python tools/node.py npm ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# The style sheet has the rules that pages use: a page with another class makes another one.
app/static/vendor/.ready: node_modules/.ready tools/vendor.mjs $(NAMES_CLASSES)
	@$(BIN)/python tools/node.py node tools/vendor.mjs
	@touch $@

$(VENV)/.installed: requirements.txt pyproject.toml $(VENV)/bin/uv
	@$(PIP_SYNC) -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q app emulator
	@touch $@

$(VENV)/.ready: $(VENV)/.installed | app/static/vendor/.ready
	@touch $@

$(VENV)/.ready-dev: $(VENV)/.ready requirements-dev.txt
	@$(PIP_SYNC) -r requirements-dev.txt
	@touch $@
