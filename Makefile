# Every target makes the virtual environment it needs; the stamps in .venv keep the second run instant.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CACHE := $(CURDIR)/.cache

# The backends that the tests run on; `make test BACKEND=jax` runs one.
BACKEND ?= jax numpy torch tensorflow
# What the demo needs beside its own extra: the engine that KERATIN_BACKEND names.
ENGINES := $(if $(filter torch tensorflow,$(KERATIN_BACKEND)),$(VENV)/.installed-engines)
# A newer Python, for the newest JAX: `make test-newest NEWER=python3.13`.
NEWER ?= $(shell for python in $$(command -v python3.12) $$(ls -d $$(pyenv root 2>/dev/null)/versions/3.12*/bin/python3.12 2>/dev/null); do \
    $$python -c 'import sys' 2>/dev/null && echo $$python && break; done)
NEWEST := .venv-newest
# More options for pytest: `make test PYTEST="-k conv -x"`.
PYTEST ?=
BENCH ?=

.PHONY: help demo test test-slow test-newest conformance check format api bench clean
.NOTPARALLEL:

help:
	@echo "make demo        train on handwritten digits; writes demo/model.keras and two pictures"
	@echo "make test        run the tests on every backend (BACKEND=jax runs one)"
	@echo "make test-slow   run the tests that take minutes"
	@echo "make test-newest run the tests on JAX with a newer Python, where there is one"
	@echo "make conformance measure every op, layer, loss, metric and optimizer on every backend; rewrites docs/conformance.md"
	@echo "make check       formatting, lint, types, layers, public API"
	@echo "make format      put the sources into the form that make check wants"
	@echo "make api         rewrite docs/api.txt"
	@echo "make bench       compare speed with Keras (BENCH=cnn runs one workload)"
	@echo "make clean       remove caches and what the demo wrote; .venv stays"

# Compiled programs are kept for the next run.
demo: export JAX_COMPILATION_CACHE_DIR ?= $(CACHE)/jax
demo: export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS ?= 0.1
demo: $(ENGINES) $(VENV)/.installed-demo
	$(BIN)/python demo/train.py
	$(BIN)/python demo/check.py

test: $(VENV)/.installed-engines $(VENV)/.installed-test
	@for backend in $(BACKEND); do \
	    echo "== tests on $$backend"; \
	    KERATIN_BACKEND=$$backend $(BIN)/python -m pytest -n 2 -m "not slow" $(PYTEST) || exit 1; \
	done

# pytest ends with 5 where no test is marked slow.
test-slow: $(VENV)/.installed-engines $(VENV)/.installed-test
	@for backend in $(BACKEND); do \
	    echo "== slow tests on $$backend"; \
	    KERATIN_BACKEND=$$backend $(BIN)/python -m pytest -n 2 -m slow $(PYTEST) || [ $$? -eq 5 ] || exit 1; \
	done

# Newer versions of JAX need a newer Python than the other engines' tests have.
test-newest:
ifeq ($(NEWER),)
	@echo "no Python 3.12 here: nothing to run"
else
	@test -x $(NEWEST)/bin/python || $(NEWER) -m venv $(NEWEST)
	$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --editable '.[test]'
	KERATIN_BACKEND=jax $(NEWEST)/bin/python -m pytest -n 2 -m "not slow" $(PYTEST)
endif

conformance: $(VENV)/.installed-engines $(VENV)/.installed-test
	@for backend in $(BACKEND); do \
	    echo "== $$backend"; \
	    KERATIN_BACKEND=$$backend $(BIN)/python -m keratin.testing --json $(CACHE)/conformance-$$backend.json || exit 1; \
	done
	$(BIN)/python tools/conformance_table.py $(BACKEND:%=$(CACHE)/conformance-%.json)

check: $(VENV)/.installed-engines $(VENV)/.installed-test $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/python tools/check_public.py
	$(BIN)/python tools/api_listing.py --check

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

api: $(VENV)/.installed-dev
	$(BIN)/python tools/api_listing.py

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf $(CACHE) build dist .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	rm -f demo/*.keras demo/*.npz demo/*.png
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Keratin needs Python 3.11 or later; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# PyTorch alone and first: pip then finds the build for the CPU where there is one.
$(VENV)/.installed-engines: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[engines]'
	@touch $@

# One stamp per extra of pyproject.toml; installed again whenever that file changes.
$(VENV)/.installed-%: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@
