# One way to do each thing; `make help` lists it, README shows it and .ci/run calls it.

# The first of these that runs and is new enough; make PYTHON=... overrules it.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
            $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$python; break; }; done)
BIN    := .venv/bin
STAMP  := .venv/.ready
LOCK   := requirements-dev.lock
# One more than there are processors: some tests wait rather than work.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1)

WRITTEN := $(wildcard services tests benchmarks proto/generate.py)
COMPILE := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header
BUF     := $(BIN)/buf

# Only `make run` may spend money: the demo and the tests see no provider key and read no .env. Which keys there are the
# seed's rows say.
PROVIDER_KEYS := $(shell tr ',{' '\n\n' < services/catalog/seed/providers.json \
                   | sed -nE 's/^"(key|base_url)_variable":"([A-Z0-9_]*)".*/\2/p')
KEYLESS       := env $(foreach name,$(PROVIDER_KEYS),-u $(name)) PANTHEON_ENV_FILE=

# Every service is a Python of its own, and the tests start hundreds: none is to compile all it imports anew.
unexport PYTHONDONTWRITEBYTECODE

CHECKS := check-lock check-format check-lint check-types check-imports check-house check-protos check-stubs

.DEFAULT_GOAL := help
.PHONY: help setup demo run test proofs corpus fuzz check $(CHECKS) bench proto format lock clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv from the hashed lock (runs by itself whenever it is needed)

demo: $(STAMP) ## Start everything on free ports, send real traffic, show the cost and latency report, stop
	@$(KEYLESS) $(BIN)/pantheon demo

run: $(STAMP) ## Run the whole stack on this machine, console on port 3000, state in .pantheon
	@$(BIN)/pantheon up

test: $(STAMP) ## Run the tests, in less than five minutes (WORKERS=4 for so many processes)
	@$(KEYLESS) $(BIN)/pytest -n $(WORKERS) --maxprocesses 8 --dist worksteal -m "not proof"

proofs: $(STAMP) ## Run the longer ones: crashes under load, every forbidden address, planted secrets, the demo
	@$(KEYLESS) $(BIN)/pytest -m proof

corpus: $(STAMP) ## Replay all recorded provider traffic, where it is at hand, and compare (MODE=byte for one mode)
	@$(KEYLESS) $(BIN)/python -m tests.corpus $(if $(MODE),--mode $(MODE))

fuzz: $(STAMP) ## Feed a million odd inputs to all that reads strangers' bytes (COUNT=10000 for fewer, SEED=7)
	@$(KEYLESS) $(BIN)/python -m tests.fuzz --count $(or $(COUNT),1000000) --seed $(or $(SEED),1)

check: $(STAMP) ## Format, lint, types, import arrows, house rules, protos, stubs, lock
	@$(MAKE) --no-print-directory --keep-going $(CHECKS)

bench: $(STAMP) ## Measure what the figures in the README come from
	@$(KEYLESS) $(BIN)/python -m benchmarks

proto: $(STAMP) ## Format the protos and write their stubs to proto/gen
	@$(BUF) format --write proto
	@$(BIN)/python proto/generate.py

format: $(STAMP) ## Format Python and protos, mend what the linter can mend
	@$(BIN)/ruff check --quiet --fix-only $(WRITTEN)
	@$(BIN)/ruff format --quiet $(WRITTEN)
	@$(BUF) format --write proto

lock: $(STAMP) ## Resolve the dependencies of pyproject.toml anew (UPGRADE=1 takes the newest)
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group dev -o requirements-dev.lock
	@$(COMPILE) --constraints requirements-dev.lock pyproject.toml -o requirements.lock

clean: ## Remove .venv and all caches; .pantheon, which holds data, stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	@find services tests proto $(wildcard benchmarks) -type d -name __pycache__ -prune -exec rm -rf {} +

# --- the parts of `make check` -------------------------------------------------------------------

check-lock:
	@echo "== lock"
	@$(BIN)/python -m tests.house.lock

check-format:
	@echo "== format"
	@$(BIN)/ruff format --quiet --diff $(WRITTEN)

check-lint:
	@echo "== lint"
	@$(BIN)/ruff check --quiet $(WRITTEN)

check-types:
	@echo "== types"
	@$(BIN)/mypy $(WRITTEN)

check-imports:
	@echo "== import arrows"
	@$(BIN)/lint-imports --no-logo

check-house:
	@echo "== house rules"
	@$(BIN)/python -m tests.house

check-protos:
	@echo "== protos"
	@$(BUF) lint proto
	@$(BUF) format --diff --exit-code proto
	@tag=$$(git describe --tags --abbrev=0 2>/dev/null) || { echo "no tag yet: nothing the protos could break"; exit 0; }; \
	  $(BUF) breaking proto --against ".git#tag=$$tag,subdir=proto"

check-stubs:
	@echo "== stubs"
	@$(BIN)/python proto/generate.py --check

# --- the environment -----------------------------------------------------------------------------

# pip brings uv, uv brings the rest in a tenth of pip's time; where uv finds no way to the packages
# (a mirror or certificate that only pip is configured for), pip does it all. Both check every hash.
$(STAMP): $(LOCK) pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make: Pantheon needs Python 3.11 or newer; found: $(or $(PYTHON),none) (make setup PYTHON=/path/to/python)" >&2; exit 1; }
	@echo "setup: .venv with $$($(PYTHON) --version)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv \
	  || { echo "make: $(PYTHON) cannot make a virtual environment (Debian: apt install python3-venv)" >&2; exit 1; }
	@sed -n '/^uv==/,/[^\\]$$/p' $(LOCK) > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	@echo "setup: installing what $(LOCK) names"
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes $(LOCK) \
	  || { echo "setup: uv could not, pip does it (about a minute)"; \
	       $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(LOCK); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "setup: ready"
