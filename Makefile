# twintap: every target works on a fresh clone with python3 (3.11 or later), make and git.
# The first one that needs it builds .venv from the locks; later calls find it done.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PAIRS ?= 1
SOAK_MINUTES ?= 60
# Most tests wait for a motor line: four files at once keep two cores busy three quarters of the time.
TEST_WORKERS ?= 4
# The browsers' tests want the cores themselves; they run after the others, not beside them.
BROWSER_WORKERS ?= 3
BOARD ?=
IMAGE ?=
ARGS ?=

# The files that take longest come first, as tests/conftest.py has it, and not those with the most tests.
# The suite starts some hundred Pythons: what one has compiled, the others read, whatever the user's habit is.
PYTEST := env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder
RUN_READY := $(VENV)/.twintap-run
DEV_READY := $(VENV)/.twintap-dev
STUBS_READY := $(VENV)/.twintap-stubs
# The circuit's and the case's tools are large, and apart: nothing else needs them.
HARDWARE_VENV := .venv-hardware
HARDWARE_READY := $(HARDWARE_VENV)/.twintap-hardware

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench soak flash mpy hardware lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s%s\n", $$1, $$2 }' Makefile

run: $(RUN_READY)  ## a daemon with PAIRS virtual pairs (1), ready to tap
	$(BIN)/twintap serve --virtual $(PAIRS) $(ARGS)

test: $(DEV_READY)  ## every test; or, in one go, what ARGS tells pytest
ifeq ($(strip $(ARGS)),)
	@result=0; \
	$(PYTEST) -n $(TEST_WORKERS) --ignore=tests/browser || result=1; \
	$(PYTEST) -n $(BROWSER_WORKERS) tests/browser || result=1; \
	exit $$result
else
	$(PYTEST) -n $(TEST_WORKERS) $(ARGS)
endif

lint: $(DEV_READY) $(STUBS_READY)  ## style, format and types, on the host and on the pulser
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/basedpyright -p firmware --typeshedpath "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	$(BIN)/basedpyright -p firmware/pyrightconfig-oldest.json --typeshedpath $(VENV)/stubs-oldest

format: $(DEV_READY)  ## put the style right where a tool can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(DEV_READY)  ## the benchmarks: a table here, JSON in bench-results/
	$(BIN)/python -m tests.bench $(ARGS)

soak: $(DEV_READY)  ## 1,000 kills of the journal, ten boards in chaos, SOAK_MINUTES (60) of sets, every trace checked
	$(BIN)/python -m tests.journal.soak --kills 1000
	$(BIN)/python -m tests.bench.chaos
	$(BIN)/python -m tests.bench.soak --minutes $(SOAK_MINUTES) $(ARGS)

mpy: $(RUN_READY)  ## compile the pulser's firmware into build/firmware
	$(BIN)/python -m twintap_flash build $(if $(BOARD),--board $(BOARD))

flash: $(RUN_READY)  ## make a pulser of the chip at PORT, or update it; if need be with IMAGE, for BOARD
	@test -n "$(PORT)" || { echo "make flash: say which port, e.g. make flash PORT=/dev/ttyUSB0" >&2; exit 2; }
	$(BIN)/twintap flash "$(PORT)" $(if $(IMAGE),--image "$(IMAGE)") $(if $(BOARD),--board $(BOARD))

hardware: $(HARDWARE_READY)  ## build the pulser's drawings, tables and case into hardware/out, check every rule
	cd hardware && ../$(HARDWARE_VENV)/bin/python -m twintap_hardware $(ARGS)

lock:  ## work out the locks anew from pyproject.toml and hardware/requirements.in (needs uv)
	uv pip compile $(LOCK_OPTIONS) --group build -o requirements.lock pyproject.toml
	uv pip compile $(LOCK_OPTIONS) --group build --group dev -c requirements.lock -o requirements-dev.lock pyproject.toml
	echo 'micropython-esp32-stubs==1.26.*' | uv pip compile $(LOCK_OPTIONS) -o requirements-stubs-oldest.lock -
	uv pip compile $(LOCK_OPTIONS) -o hardware/requirements.lock hardware/requirements.in

LOCK_OPTIONS := --quiet --universal --generate-hashes --no-annotate --no-header --no-emit-index-url $(LOCK_ARGS)

clean:  ## take away the environment and everything built
	rm -rf $(VENV) $(HARDWARE_VENV) build dist bench-results .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# -- setting up ------------------------------------------------------------------------------------------

define CHECK_PYTHON
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
  || { echo "twintap needs Python 3.11 or later; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
  || { echo "this Python cannot make a venv; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
endef

$(BIN)/python:
	$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)

INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Only the metadata in pyproject.toml is read here; the packages themselves are used where they lie.
INSTALL_TWINTAP := $(INSTALL) --no-deps --no-build-isolation --editable .

$(RUN_READY): requirements.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements.lock
	$(INSTALL_TWINTAP)
	@touch $@

$(DEV_READY): requirements-dev.lock pyproject.toml | $(BIN)/python
	$(INSTALL) --require-hashes -r requirements-dev.lock
	$(INSTALL_TWINTAP)
	@touch $@ $(RUN_READY)

$(HARDWARE_READY): hardware/requirements.lock
	$(CHECK_PYTHON)
	test -x $(HARDWARE_VENV)/bin/python || $(PYTHON) -m venv $(HARDWARE_VENV)
	$(HARDWARE_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# The stubs of the oldest MicroPython that is supported, apart from the newest's, which are in the environment.
$(STUBS_READY): requirements-stubs-oldest.lock | $(BIN)/python
	rm -rf $(VENV)/stubs-oldest
	$(INSTALL) --require-hashes --no-deps --target $(VENV)/stubs-oldest -r requirements-stubs-oldest.lock
	@touch $@
