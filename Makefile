# Everything runs in .venv, which is made on first use and brought up to date when setup.cfg changes.
# PYTHON is the interpreter that .venv is made with; remove .venv to change it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
SETUP := setup.cfg pyproject.toml cmrtf/version.py

# Bytecode is kept, whatever the environment says: else every process of the tests compiles all anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast fuzz check bench faults site cli-help signatures figures

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/installed  ## install, then the whole story on a phantom cohort, into demo/
	$(BIN)/cmrtf demo --out demo

test: $(VENV)/installed-test $(VENV)/installed-oldest  ## all tests: seven to ten minutes on two cores
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

test-fast: $(VENV)/installed-test  ## the tests of units, without those that train: two minutes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile -m 'not slow' tests/unit tests/test_structure.py

fuzz: $(VENV)/installed-test  ## spoilt raw data, files of ours and answers of servers, 20,000 cases: some minutes
	CMRTF_FUZZ_CASES=2000 $(BIN)/python -m pytest tests/unit/datasets/test_fuzz_readers.py tests/unit/bundle/test_fuzz_own_files.py tests/unit/training/test_fuzz_presets.py

check: $(VENV)/installed-dev site  ## lint, format, types, and the documentation builds
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: $(VENV)/installed-bench  ## measure everything, into benchmarks/speed/: ten minutes
	$(BIN)/python benchmarks/speed/bench.py

signatures: $(VENV)/installed  ## write docs/signatures.txt anew, from the bundle in demo/
	$(BIN)/python docs/signatures.py demo/bundle

faults: $(VENV)/installed  ## kill, fill and damage runs and all other outputs, and see what survives: an hour
	$(BIN)/python benchmarks/faults/faults.py
	$(BIN)/python benchmarks/faults/stops.py --bundle demo/bundle

site: $(VENV)/installed-test  ## build the documentation into build/site; what leads nowhere fails
	$(BIN)/sphinx-build --fail-on-warning --quiet -c docs -d build/doctrees . build/site

figures: $(VENV)/installed  ## draw docs/images/ anew, from the folder in which the tutorial was followed: make figures TUTORIAL=...
	$(BIN)/python docs/figures.py $(TUTORIAL)

cli-help: $(VENV)/installed  ## write docs/cli-help.txt anew, after a change of the command line
	$(BIN)/python docs/cli_help.py

# Each of the files below is touched only when its step went well, so a step that failed is done again.

$(VENV)/installed: $(VENV)/created $(SETUP)
	@echo "Installing cmrtf into $(VENV): a minute or two, most of it for TensorFlow (0.6 GB)."
	$(PIP) install --editable .
	@touch $@

$(VENV)/installed-test: $(VENV)/created $(SETUP)
	@echo "Installing cmrtf and its test tools into $(VENV): a minute or two the first time."
	$(PIP) install --editable '.[test]'
	@touch $(VENV)/installed $@

$(VENV)/installed-dev: $(VENV)/created $(SETUP)
	@echo "Installing cmrtf and its development tools into $(VENV): a minute or two the first time."
	$(PIP) install --editable '.[dev]'
	@touch $(VENV)/installed $(VENV)/installed-test $@

# The oldest TensorFlow in which bundles must load, in an environment of its own.
$(VENV)/installed-oldest: $(VENV)/created tests/oldest-tensorflow.txt
	@echo "Installing the oldest TensorFlow into $(VENV)/oldest, for a test: a minute."
	$(BIN)/python -m venv $(VENV)/oldest
	$(VENV)/oldest/bin/python -m pip --disable-pip-version-check install --requirement tests/oldest-tensorflow.txt
	@touch $@

$(VENV)/installed-bench: $(VENV)/created $(SETUP)
	@echo "Installing cmrtf and what it is measured against into $(VENV): some minutes the first time."
	$(PIP) install --editable '.[bench]'
	@touch $(VENV)/installed $@

$(VENV)/created:
	@command -v $(PYTHON) > /dev/null || { \
		echo "There is no $(PYTHON). Install Python 3.11, 3.12 or 3.13, or name yours: make PYTHON=python3.12"; \
		exit 1; } >&2
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo "cmrtf needs Python 3.11, 3.12 or 3.13. $(PYTHON) is $$($(PYTHON) -V 2>&1)."; \
		echo "Name another one: make PYTHON=python3.12"; \
		exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2> /dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; \
		exit 1; } >&2
	$(PYTHON) -m venv $(VENV)
	@touch $@
