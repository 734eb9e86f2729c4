# Everything starts here. Needs: make, a POSIX shell, Python >= 3.11 with its venv module. Nothing else is installed
# outside .venv/, and everything in it comes hash-checked from deploy/locks/.

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
LOCKS := deploy/locks
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
LOCK_TOOL := pip-tools==7.6.2

# Override on the command line: make run ARGS=--empty, make test ARGS=tests/referral JOBS=0, make run PYTHON=/opt/python3.13
ARGS ?=
JOBS ?= auto
IMAGE ?= caserelay
PYTHON ?=

# A stamp carries the digest of what was installed and where, so going back to another commit, or moving the
# directory, is noticed even when the times of the files say nothing.
digest = $(shell { cat pyproject.toml $(1); pwd -P; } 2>/dev/null | cksum | tr -s ' \t' '-')
RUNTIME_DIGEST := $(call digest,$(LOCKS)/runtime.txt)
EXPORT_DIGEST := $(call digest,$(LOCKS)/runtime.txt $(LOCKS)/export.txt)
DEV_DIGEST := $(call digest,$(LOCKS)/runtime.txt $(LOCKS)/export.txt $(LOCKS)/dev.txt)
BENCH_DIGEST := $(call digest,$(LOCKS)/runtime.txt $(LOCKS)/export.txt $(LOCKS)/dev.txt $(LOCKS)/bench.txt)
RUNTIME := $(VENV)/.installed-runtime-$(RUNTIME_DIGEST)
EXPORT := $(VENV)/.installed-export-$(EXPORT_DIGEST)
DEV := $(VENV)/.installed-dev-$(DEV_DIGEST)
BENCH := $(VENV)/.installed-bench-$(BENCH_DIGEST)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

# ---- use ----

.PHONY: run
run: $(RUNTIME) ## start the sandbox with all three services and the demo (ARGS=--empty: without stories)
	@exec $(BIN)/caserelay sandbox $(ARGS)

.PHONY: exports
exports: $(EXPORT) ## install what exports as PDF, XLSX and Parquet need besides

# ---- check ----

.PHONY: test
test: $(DEV) imports ## import rules and all tests (ARGS: what to run; JOBS=0: in one process)
	@$(BIN)/python -m tests.support.kafka
	@$(BIN)/python -m tests.support.contract_tools
	@echo "==> tests"
	@exec $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist loadgroup $(ARGS)

.PHONY: test-quick
test-quick: $(DEV) ## the tests that are neither slow nor fault injection
	@exec $(BIN)/python -m pytest -n $(JOBS) --maxprocesses 8 --dist loadgroup -m "not slow and not fault" $(ARGS)

.PHONY: faults
faults: $(DEV) ## only fault injection, at full length, one test after the other (CASERELAY_TEST_AWAY_SECONDS=180: a broker away for long)
	@exec env CASERELAY_TEST_FULL=1 $(BIN)/python -m pytest -m fault --verbose $(ARGS)

.PHONY: lint
lint: $(DEV) imports ## ruff, formatting, types and import rules
	@echo "==> ruff check"
	@$(BIN)/ruff check
	@echo "==> ruff format"
	@$(BIN)/ruff format --check
	@echo "==> mypy --strict"
	@$(BIN)/mypy

.PHONY: imports
imports: $(DEV) ## only the import rules
	@echo "==> import rules"
	@$(BIN)/lint-imports --no-logo --cache-dir $(VENV)/.cache/import-linter

.PHONY: bench
bench: $(if $(findstring --ab,$(ARGS)),$(BENCH),$(DEV)) ## measure this machine: rates, latencies, growth, memory (ARGS: --only, --seconds, --full; --ab A B: two revisions)
	@exec $(BIN)/python -m deploy.bench $(ARGS)

.PHONY: bench-report
bench-report: $(BENCH) ## the same, written to docs/ as a table with plots (ARGS: as above; the rest stays as it was)
	@$(BIN)/python -m deploy.bench --json docs/benchmarks.json $(ARGS); status=$$?; \
	$(BIN)/python -m deploy.bench.report docs/benchmarks.json docs && exit $$status

# ---- deploy ----

.PHONY: image
image: ## build the container image (IMAGE: its name; needs Docker; ARGS: more for `docker build`)
	@exec docker build --file deploy/Dockerfile --tag $(IMAGE) $(ARGS) .

# ---- change ----

.PHONY: format
format: $(DEV) ## format the code and apply the safe fixes
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

.PHONY: contracts
contracts: $(DEV) ## write the generated files in contracts/, docs/refusals.md and docs/states.md again
	@exec $(BIN)/python -m deploy.contracts

.PHONY: code-list
code-list: $(DEV) ## write a shipped code list again from its publisher's file (ARGS: list and file, as `nace-2.1 headings.tsv`)
	@exec $(BIN)/python -m deploy.code_lists $(ARGS)

.PHONY: lock
lock: ## write deploy/locks/ again from pyproject.toml (ARGS=--upgrade: newest versions)
	@echo "==> $(LOCK_TOOL)"
	@$(find_python); "$$python" -m venv --clear $(VENV)/.lock && $(VENV)/.lock/bin/pip install --quiet '$(LOCK_TOOL)'
	@echo "==> $(LOCKS)/runtime.txt"
	@$(compile) --output-file $(LOCKS)/runtime.txt pyproject.toml
	@echo "==> $(LOCKS)/export.txt"
	@$(compile) --extra export --constraint $(LOCKS)/runtime.txt --output-file $(LOCKS)/export.txt pyproject.toml
	@echo "==> $(LOCKS)/dev.txt"
	@$(compile) --extra dev --extra export --constraint $(LOCKS)/export.txt --output-file $(LOCKS)/dev.txt pyproject.toml
	@echo "==> $(LOCKS)/bench.txt"
	@$(compile) --extra dev --extra export --extra bench --constraint $(LOCKS)/dev.txt --output-file $(LOCKS)/bench.txt pyproject.toml
	@echo "==> $(LOCKS)/clients.txt"
	@$(filter-out --build-deps-for editable,$(compile)) --output-file $(LOCKS)/clients.txt deploy/clients/requirements.in
	@rm -rf $(VENV)/.lock
	@echo "==> deploy/clients/package-lock.json"
	@if command -v npm >/dev/null; then cd deploy/clients && npm install --package-lock-only \
		--omit-lockfile-registry-resolved=true --no-audit --no-fund; else echo "no npm: left as it is" >&2; fi

.PHONY: clean
clean: ## remove the environment and what the tools left; data in var/ stays
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find contracts services deploy tests -type d -name __pycache__ -prune -exec rm -rf {} +

# ---- the environment ----

# The first interpreter that is new enough and complete; Debian ships venv and sqlite3 apart from python3 itself.
define find_python
python=; \
for candidate in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.14 python); do \
	if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11)); ' >/dev/null 2>&1; then \
		if "$$candidate" -c 'import ensurepip, sqlite3, ssl, venv' >/dev/null 2>&1; then python=$$candidate; break; fi; \
		incomplete="$$incomplete $$candidate"; \
	fi; \
done; \
if [ -z "$$python" ]; then \
	echo "caserelay needs Python 3.11 or newer, and found none$(if $(PYTHON), at $(PYTHON))." >&2; \
	[ -z "$$incomplete" ] || echo "New enough, but without venv, ensurepip, sqlite3 or ssl:$$incomplete (Debian: apt install python3-venv)." >&2; \
	echo "Name one with: make $(or $(MAKECMDGOALS),run) PYTHON=/path/to/python3" >&2; \
	exit 1; \
fi
endef

# The lock must name no host and no path of the machine that wrote it.
compile = CUSTOM_COMPILE_COMMAND='make lock' $(VENV)/.lock/bin/pip-compile --quiet --generate-hashes --allow-unsafe \
	--build-deps-for editable --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	--no-emit-options --newline lf $(ARGS)

# A lock is complete, so nothing is left to resolve (--no-deps); the build backend comes from it as well, so the
# project itself is installed without fetching anything unlocked. $(1): lock, $(2): stamps.
define install
	@if ! $(BIN)/python -c 'import pip' 2>/dev/null; then \
		$(find_python); \
		echo "==> creating $(VENV) with $$("$$python" --version)"; \
		"$$python" -m venv --clear $(VENV); \
	fi
	@rm -f $(VENV)/.installed-*
	@echo "==> installing $(1)"
	@{ $(PIP) install --progress-bar off --require-hashes --no-deps --requirement $(1) 2>&1; echo "exit status $$?"; } | \
		awk -v total="$$(grep -c '^[a-zA-Z0-9].*==' $(1))" -v tty="$$(test -t 1 && echo 1)" -f $(LOCKS)/progress.awk
	@echo "==> installing caserelay"
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@$(PIP) check --quiet
	@touch $(2)
endef

$(RUNTIME):
	$(call install,$(LOCKS)/runtime.txt,$(RUNTIME))

$(EXPORT):
	$(call install,$(LOCKS)/export.txt,$(RUNTIME) $(EXPORT))

$(DEV):
	$(call install,$(LOCKS)/dev.txt,$(RUNTIME) $(EXPORT) $(DEV))

$(BENCH):
	$(call install,$(LOCKS)/bench.txt,$(RUNTIME) $(EXPORT) $(DEV) $(BENCH))
