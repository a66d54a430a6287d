# Fieldward's workshop. `make` lists what there is. Each command sets up what it needs first, and a second call is quick.
#   make test ARGS="-k seal"             more arguments for the command behind the target
#   make PYTHON=python3.12 test          another Python, 3.11 or newer

PYTHON ?= python3
WORKERS ?= 2
ARGS ?=
BIN := .venv/bin
WORKSHOP := @$(PYTHON) tools/workshop.py

.DEFAULT_GOAL := help
.PHONY: help run test units check format coverage bench soak vectors roles lock set-up set-up-run set-up-ai set-up-maker clean

help: ## list these commands
	@echo "Fieldward. Needs python3 (3.11 or newer) and make; everything else is installed into .venv, by hash."
	@echo
	@awk -F ':[^#]*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: set-up-run ## set up what the program needs, then show the demo
	@$(BIN)/fieldward demo $(ARGS)

test: set-up ## run every test, two at a time (ARGS="-k name" narrows it)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

units: set-up ## run the unit tests alone, without the samples of campaigns among them
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m "not campaign" tests/unit $(ARGS)

check: set-up ## lint, formatting, types, layers, documents
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/docs_check.py
	@$(BIN)/python tools/roles_doc.py --check

format: set-up ## format the code and mend what ruff can mend by itself
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

coverage: set-up ## require every branch of sync_protocol to be tested
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --cov=sync_protocol --cov-branch --cov-report=term-missing \
		--cov-fail-under=100 tests/unit/sync_protocol $(ARGS)

bench: set-up ## measure; tables and raw numbers go to build/bench
	@mkdir -p build/bench
	@$(BIN)/python -m benchmarks $(ARGS)

soak: set-up ## long random runs of the tests marked soak
	@FIELDWARD_SOAK=1 HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup -m soak $(ARGS)

vectors: set-up ## write the test vectors again from their generator
	@$(BIN)/python -m tests.vectors.generate $(ARGS)

roles: set-up ## write docs/roles.md again from the table of roles
	@$(BIN)/python tools/roles_doc.py

lock: set-up ## resolve the requirements again (ARGS=--upgrade takes newer releases)
	$(WORKSHOP) lock $(ARGS)

set-up: ## make .venv for tests and checks, or bring it up to date
	$(WORKSHOP) setup dev

set-up-run: ## make .venv for running only
	$(WORKSHOP) setup run

set-up-ai: ## add the on-device AI engines to .venv
	$(WORKSHOP) setup ai

set-up-maker: ## add what makes models to .venv: some gigabytes
	$(WORKSHOP) setup maker

clean: ## remove .venv, build and every cache
	@rm -rf .venv build dist tests/node/node_modules edge_runtime/data/codes/icd10cm.sqlite3 .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .coverage.*
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
