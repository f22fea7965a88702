# Needs only make and Python 3.11+; everything else goes into .venv. `make help` lists the targets.
# PYTHON=... chooses the interpreter; pip and uv keep your own configuration.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
MODEL := hansa-coder-135m

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: setup ## Run a three-member league on this machine and show every step (ARGS=--json)
	@$(BIN)/hansa demo $(ARGS)

.PHONY: test
test: setup-test ## Run every test, the fast ones first (ARGS="-k name")
	@$(BIN)/python -m pytest $(ARGS)
	@test -n "$(ARGS)" || $(MAKE) --no-print-directory test-train

.PHONY: test-train
test-train: ## Run the tests of training, in .venv-train (part of make test)
	@if test -x .venv-train/bin/python; then \
		run=".venv-train/bin/python -m pytest tests/train -o filterwarnings=default -o timeout=600 -p no:randomly"; \
		$$run || $$run --last-failed; \
	else echo "no .venv-train: the tests of training are skipped (make setup-train)" >&2; test -z "$(CI)"; fi

.PHONY: check
check: .venv/.hansa-dev ## Format, lint, types, floors; writes nothing
	@$(BIN)/ruff format --no-cache --check .
	@$(BIN)/ruff check --no-cache .
	@$(BIN)/pyright
	@$(BIN)/lint-imports --no-cache --no-logo

.PHONY: format
format: .venv/.hansa-dev ## Format and mend what ruff can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

.PHONY: bench
bench: setup-test ## Measure one claim of the README: make bench NAME=completion (ARGS="--json out.json")
	@test -f "benchmarks/$(NAME).py" || { echo "make bench NAME=...: one of" benchmarks/*.py >&2; exit 2; }
	@$(BIN)/python "benchmarks/$(NAME).py" $(ARGS)

.PHONY: reference
reference: .venv/.hansa ## Write the pages of docs/reference that come from the program
	@$(BIN)/python scripts/reference.py

.PHONY: setup
setup: .venv/.hansa ## Make .venv with what Hansa needs to run

.PHONY: setup-test
setup-test: .venv/.hansa-dev ## The same with the tools for tests, the embedded model, and Neovim, VS Code, vLLM, Chromium and bubblewrap if they can be had
	@$(BIN)/hansa model pull $(MODEL) >/dev/null
	@scripts/setup-neovim.sh || test -z "$(CI)"
	@scripts/setup-vllm.sh || test -z "$(CI)"
	@scripts/setup-train.sh || test -z "$(CI)"
	@scripts/setup-chromium.sh || test -z "$(CI)"
	@scripts/setup-sandbox.sh || test -z "$(CI)"
	@scripts/setup-npm.sh editors/vscode
	@scripts/setup-vscode.sh || test -z "$(CI)"
	@scripts/setup-npm.sh editors/playground

.PHONY: playground
playground: ## Build the console's Playground from editors/playground into src/hansa/console/static
	@scripts/setup-npm.sh editors/playground
	@cd editors/playground && npm run --silent build

.PHONY: vscode
vscode: ## Build and pack the extension for VS Code into editors/vscode/dist
	@scripts/setup-npm.sh editors/vscode
	@cd editors/vscode && npm run --silent package

.PHONY: setup-vllm
setup-vllm: .venv/.hansa-dev ## Make .venv-vllm: a real vLLM for the processor, which tests start
	@scripts/setup-vllm.sh

.PHONY: setup-vscode
setup-vscode: ## Make .vscode-server: a real VS Code whose window is a page, which tests start
	@scripts/setup-vscode.sh

.PHONY: setup-train
setup-train: .venv/.hansa-dev ## Make .venv-train: torch for the processor, the training libraries, Flower
	@scripts/setup-train.sh

.PHONY: setup-peers
setup-peers: .venv/.hansa-dev ## Make what the gateway benchmark compares Hansa with (LiteLLM, Portkey, wrk)
	@scripts/setup-peers.sh

.PHONY: lock
lock: .venv/.hansa-dev ## Resolve pyproject.toml into the lock files (ARGS=--upgrade), list licences
	@scripts/lock.sh $(ARGS)
	@scripts/setup.sh dev
	@$(BIN)/python scripts/licences.py

.PHONY: clean
clean: ## Remove .venv, caches and builds; keeps Hansa's state
	@rm -rf .venv .venv-litellm .venv-neovim .venv-train .venv-vllm .vscode-server .peers .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build
	@find src tests benchmarks scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.hansa: requirements.lock requirements-uv.lock pyproject.toml
	@PYTHON="$(PYTHON)" scripts/setup.sh run

.venv/.hansa-dev: requirements-dev.lock .venv/.hansa
	@PYTHON="$(PYTHON)" scripts/setup.sh dev
