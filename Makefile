# Fengtu. `make run` needs Python 3.11 or later and the package registry; `make test` brings what the tests need.
PYTHON ?= python3
PORT   ?= 8000
DATA   ?= data
SCALE  ?= data/scale
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help run test soak bench bench-scale fuzz lock lint clean

help: ## the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

# The native core is built where cargo is, and again when its sources change or cargo comes later.
CARGO := $(shell command -v cargo 2>/dev/null)
RUST  := $(if $(CARGO),$(shell find ledger/native \( -name target -o -name fuzz \) -prune -o \( -name '*.rs' -o -name 'Cargo.*' \) -print))
LINTED := $(if $(CARGO),$(shell cargo fmt --version >/dev/null 2>&1 && cargo clippy --version 2>/dev/null))
DENIED := $(if $(CARGO),$(shell cargo deny --version 2>/dev/null))
RUN   := $(VENV)/run$(if $(CARGO),-native).stamp
# Tests of the formats and the verdicts: they run over both cores.
CORE_TESTS := $(addprefix tests/test_,$(addsuffix .py,attacks cbor checkpoint edge log merkle mutations private_bundle \
	product receipt record signature statemap tile))

# A stamp a lock file: the install is asked again only when the lock, the packaging or the Rust sources change.
$(RUN): requirements/run.txt pyproject.toml $(RUST)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Fengtu needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version)."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing what Fengtu needs into $(VENV) (a minute or two the first time) …"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(if $(CARGO),,echo "There is no cargo here, so hashes and signatures are checked in Python: the same answers, slower.")
	@touch $@

$(VENV)/test.stamp: $(RUN) requirements/test.txt
	@echo "Installing what the tests need into $(VENV) …"
	@$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@

run: $(RUN) ## start a node with the demo's stories (PORT=8000, DATA=data)
	@$(BIN)/fengtu run --data $(DATA) --port $(PORT) --demo

lint: $(VENV)/test.stamp ## linters, types, floors
	$(if $(LINTED),cd ledger/native && cargo fmt --check && cargo clippy --quiet --release --locked --all-targets -- -D warnings)
	$(if $(LINTED),cd ledger/native/fuzz && cargo fmt --check)
	$(if $(DENIED),cd ledger/native && cargo deny --offline --log-level error check licenses bans sources)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

test: lint ## linters, types and all tests with reduced, seeded counts
	FENGTU_NATIVE=0 $(BIN)/python -m pytest -q -n 2 --dist loadfile $(CORE_TESTS)
	$(BIN)/python -m pytest -n 2 --dist loadfile --cov --cov-report=term

soak: $(VENV)/test.stamp ## the same tests with their full counts
	FENGTU_NATIVE=0 FENGTU_SOAK=1 $(BIN)/python -m pytest -s
	$(if $(CARGO),FENGTU_NATIVE=1) FENGTU_SOAK=1 $(BIN)/python -m pytest -s

BENCH := $(BIN)/python -m pytest -q --benchmark-disable-gc --benchmark-columns=min,median,rounds -p no:cacheprovider

bench: $(VENV)/test.stamp ## the benchmarks beside their peers; writes docs/performance.md
	$(BENCH) benchmarks
	$(BIN)/python benchmarks/report.py

bench-scale: $(VENV)/test.stamp ## pages, proofs and opening a node at 10 million entries (SCALE=data/scale is kept)
	FENGTU_BENCH_DATA=$(SCALE) FENGTU_BENCH_ENTRIES=10000000 $(BENCH) benchmarks/test_scale.py

fuzz: ## each fuzz target of the native core for a minute (needs cargo and a C++ compiler)
	@$(if $(CARGO),ledger/native/fuzz/run.sh,echo "There is no cargo here: nothing to fuzz.")

lock: ## write the lock files again (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-strip-extras --python-version 3.11 --extra build pyproject.toml -o requirements/run.txt
	uv pip compile -q --universal --generate-hashes --no-header --no-strip-extras --python-version 3.11 --extra build --extra test --extra bench pyproject.toml -o requirements/test.txt

clean: ## remove the installed tools (the data folder stays)
	rm -rf $(VENV) ledger/*.so ledger/native/target .mypy_cache .pytest_cache .ruff_cache
