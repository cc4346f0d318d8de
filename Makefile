# `make demo` and `make test` do all their set-up in .venv; nothing else needs to be installed first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2 # test processes; each can take 6 GB

.DEFAULT_GOAL := help
.PHONY: help demo app test lint format train-tiny clean

help: ## Show the commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(VENV)/.base: pyproject.toml constraints.txt tools/ensure_mongod.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	$(BIN)/python tools/ensure_mongod.py
	touch $@

$(VENV)/.dev: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,laion]'
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps laion_clap # asks for numpy<2
	touch $@

demo: $(VENV)/.base ## Find sounding objects in the demo world with five strategies (about a minute)
	$(BIN)/fiftyone-avs demo

app: $(VENV)/.base ## The same, opened in the FiftyOne App with the plugin installed
	$(BIN)/fiftyone-avs install-plugin
	$(BIN)/fiftyone-avs demo --app

test: $(VENV)/.dev ## Lint, type-check and run all tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest --numprocesses $(JOBS) --dist loadfile

lint: $(VENV)/.dev ## Lint and type-check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

train-tiny: $(VENV)/.base ## Train the embedded models again (several hours)
	$(BIN)/fiftyone-avs train-tiny --out tiny-weights

clean: ## Remove the environment and all outputs
	rm -rf $(VENV) build dist *.egg-info demo-out .pytest_cache .mypy_cache .ruff_cache
