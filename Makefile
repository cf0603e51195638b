# Data Collection Agent. `make help` lists what there is; docs/operations.md explains it.

.DEFAULT_GOAL := help
SHELL := /bin/sh

# A Python that is new enough; PYTHON=/path/to/python chooses another.
PYTHON ?= $(shell for name in python3.11 python3 python3.12 python3.13; do \
	"$$name" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && { echo "$$name"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CACHES := .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage .coverage.*

# Compiled ahead, or everything would start twice as slowly.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help install demo up down status test check format replay bench clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## Install what is locked into .venv

demo: install  ## Start everything against simulated exchanges; shows the data when they are final
	@$(BIN)/data-agent up --simulated --wait

up: install  ## Start everything against the real exchanges, in a data directory of its own
	@$(BIN)/data-agent up --real

down:  ## Stop whatever runs, simulated and real
	@if [ -x $(BIN)/data-agent ]; then $(BIN)/data-agent down; else echo "nothing is installed here, so nothing runs"; fi

status: install  ## Show programs, age of the data, and links
	@$(BIN)/data-agent status

test: install  ## Run every test, with coverage
	@$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term:skip-covered --durations=10

check: install  ## Lint, format, types, floors of the house, SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/sqlfluff lint dbt_project

format: install  ## Put code into its form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .
	@$(BIN)/sqlfluff fix dbt_project

replay: install  ## Play recorded exchange data through the whole path, compare row by row (RECORDINGS_DIR)
	@$(BIN)/python -m pytest -n 0 -rs tests/end_to_end -m recordings

bench: install  ## Measure the promises; writes bench/results.json
	@$(BIN)/python -m bench

clean:  ## Stop everything and remove .venv, .data, .data-real and caches (a DATA_DIR elsewhere stays)
	@if [ -x $(BIN)/data-agent ]; then env -u DATA_DIR $(BIN)/data-agent down; fi
	rm -rf $(VENV) .data .data-real $(CACHES) dbt_project/target dbt_project/logs
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
		echo "Python 3.11, 3.12 or 3.13 is needed and was not found: install one, or name it: make install PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV); "$(PYTHON)" -m venv $(VENV); }
	@echo "installing what requirements.lock names into $(VENV)"
	@awk '/^uv==/ {keep = 1} keep {print} keep && !/\\$$/ {exit}' requirements.lock > $(VENV)/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(VENV)/uv.lock
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@
