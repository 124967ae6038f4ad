# Everything a checkout needs, from Python 3.11 or newer, make and the package index alone.

.DEFAULT_GOAL := help
.PHONY: help demo test faults check bench install format learn pictures lock

VENV := .venv
BIN := $(VENV)/bin
LIBRARIES := $(VENV)/.libraries
READY := $(VENV)/.ready
# As many tests at once as there are processors, each file in one place, in the order of conftest.py.
TOGETHER := --numprocesses auto --dist loadfile --no-loadscope-reorder
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTHONS := $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3)

# A virtual environment outlives the Python it was made from: then it is made again.
$(shell test -x $(BIN)/python || rm -f $(LIBRARIES))

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

demo: $(READY) ## The whole product in your browser, without a token or an account
	$(BIN)/python -m bot demo $(if $(PORT),--port $(PORT))

test: $(READY) ## The tests
	$(BIN)/python -m pytest $(TOGETHER)

faults: $(READY) ## Every fault at its full length: hundreds of kills on each database, about 18 minutes
	FAULTS=whole $(BIN)/python -m pytest -s tests/faults

check: $(READY) ## All that must hold before a change goes in: format, lint, types, imports, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TOGETHER)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

bench: $(READY) ## How fast it is on this machine
	$(BIN)/python -m tests.benchmarks

install: $(READY) ## Only the set-up, in .venv

format: $(READY) ## Put the code into the house's format
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

learn: $(READY) ## What whole messages teach, learned anew after a change of examples or phrases
	$(PIP) 'scikit-learn>=1.7'
	$(BIN)/python -m tests.answers.learn

pictures: $(READY) ## The pictures of the README, taken anew of the real product (needs Chromium)
	$(BIN)/python -m tests.demo.pictures

# Versions stay as they are where they still fit; `make lock LOCK=--upgrade` takes the newest.
# One lock for every system and every Python from 3.11 on, so the addresses stay out of it.
COMPILE = $(BIN)/python -c 'import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
	| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header --no-annotate $(LOCK) pyproject.toml -

lock: $(READY) ## Make the lock files again after a change of dependencies in pyproject.toml
	$(PIP) uv
	$(COMPILE) --output-file requirements.txt >/dev/null
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt >/dev/null

# A stamp comes last, so a set-up that was interrupted is done again from the start.
# pip refuses hashes beside `--editable .`, so it is called twice.
$(LIBRARIES): requirements-dev.txt
	@python=; found=; \
	for each in $(PYTHONS); do \
		"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		found=$$each; \
		if "$$each" -c 'import ensurepip' 2>/dev/null; then python=$$each; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "Aftercare needs Python 3.11 or newer, and none of these is one: $(PYTHONS)."; \
		echo "Install one, or say where it is: make PYTHON=/path/to/python3 $(MAKECMDGOALS)"; \
		exit 1; \
	elif [ -z "$$python" ]; then \
		echo "$$found comes without venv. On Debian and Ubuntu: sudo apt install python3-venv"; \
		exit 1; \
	fi >&2; \
	echo "Setting up $(VENV) with $$("$$python" --version): a minute or two, the first time only."; \
	"$$python" -m venv --clear $(VENV)
	@$(PIP) --require-hashes --requirement requirements-dev.txt
	@touch $@

$(READY): $(LIBRARIES) pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@
