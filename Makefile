# Needs only make and Python 3.11+; everything else goes into .venv. `make help` lists the targets.
# PYTHON=... chooses the interpreter; pip and uv keep your own configuration.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
RUN := $(BIN)/python -m
UV_INSTALL := $(BIN)/uv pip install --quiet --python $(BIN)/python
UNIT := tests/unit tests/house
MODEL := smollm2-135m-instruct

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

.PHONY: demo
demo: setup ## Run a three-member league on this machine and show every step (ARGS=--json)
	@$(BIN)/hansa demo $(ARGS)

.PHONY: test
test: setup-test ## Run every test, the fast ones first (ARGS="-k name")
	@$(RUN) pytest $(ARGS)

.PHONY: check
check: .venv/.hansa-dev ## Format, lint, types, floors; changes nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/lint-imports

.PHONY: format
format: .venv/.hansa-dev ## Format and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: setup-test ## Measure one claim of the README: make bench NAME=completion (ARGS="--json out.json")
	@test -f "benchmarks/$(NAME).py" || { echo "make bench NAME=...: one of" benchmarks/*.py >&2; exit 2; }
	@$(BIN)/python "benchmarks/$(NAME).py" $(ARGS)

.PHONY: setup
setup: .venv/.hansa ## Make .venv with what Hansa needs to run

.PHONY: setup-test
setup-test: .venv/.hansa-dev ## The same with the tools for tests, and the embedded model
	@$(BIN)/hansa model pull $(MODEL) >/dev/null

.PHONY: lock
lock: .venv/.uv ## Resolve pyproject.toml into the lock files (ARGS=--upgrade)
	@scripts/lock.sh $(ARGS)
	@$(MAKE) --no-print-directory .venv/.hansa-dev
	@$(BIN)/python scripts/licences.py

.PHONY: clean
clean: ## Remove .venv, caches and builds; keeps Hansa's state
	@rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
	@find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.uv: requirements-uv.lock scripts/venv.sh
	@PYTHON="$(PYTHON)" scripts/venv.sh
	@touch $@

.venv/.hansa: requirements.lock pyproject.toml .venv/.uv
	@echo "setup: installing what requirements.lock names" >&2
	@$(UV_INSTALL) --require-hashes -r requirements.lock
	@$(UV_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

.venv/.hansa-dev: requirements-dev.lock .venv/.hansa
	@echo "setup: installing what requirements-dev.lock names" >&2
	@$(UV_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@
