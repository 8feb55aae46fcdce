# Two commands for a fresh machine: `make serve` and `make test`. Both need python3 and make, no more.
#
# PORT, DATA, DATABASE_URL and LIMITS are read by the shell, not expanded by make, so that any
# character in them survives. DATABASE_URL stays in the environment: it may hold a password, and
# arguments are public in the process list.

PYTHON ?= python3
SHELL := /bin/sh
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: serve test check bench bench-quick soak simulate-seeds docs lock lock-bench clean
.DEFAULT_GOAL := serve

serve: $(STAMP)
	@exec $(VENV)/bin/homezone serve \
		$${PORT:+--port "$$PORT"} $${DATA:+--data-dir "$$DATA"} $${LIMITS:+--limits "$$LIMITS"} --demo

test: check
	@seed=$${SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}; \
	echo "hypothesis seed $$seed; repeat this run with: make test SEED=$$seed"; \
	exec $(VENV)/bin/python -m pytest --hypothesis-seed="$$seed" \
		--numprocesses auto --maxprocesses 4 --dist loadfile

check: $(STAMP)
	@$(VENV)/bin/ruff check --quiet
	@$(VENV)/bin/ruff format --check --quiet
	@$(VENV)/bin/mypy --no-error-summary
	@$(VENV)/bin/lint-imports --no-logo

# Peers are installed into environments of their own, which git ignores, from pinned files.
bench: $(STAMP)
	@exec $(VENV)/bin/python -m benchmarks

bench-quick: $(STAMP)
	@exec $(VENV)/bin/python -m benchmarks --quick

# MINUTES and SEED, by environment or as make arguments.
soak: $(STAMP)
	@exec $(VENV)/bin/python -m tests.faults.soak \
		$${MINUTES:+--minutes "$$MINUTES"} $${SEED:+--seed "$$SEED"}

# Whole histories in virtual time, a seed each: SEED=… repeats one; SEEDS=…, MINUTES=… or HOURS=… say how many.
simulate-seeds: $(STAMP)
	@exec $(VENV)/bin/python -m tests.simulation

# The page of all events, made from their types.
docs: $(STAMP)
	@exec $(VENV)/bin/python -m tests.docs.events

# The lock holds runtime, development and build dependencies, with hashes, for every Python we support.
lock: $(STAMP)
	@$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--group dev --generate-hashes --no-emit-index-url --no-emit-find-links \
		--custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

# The same for the benchmarks' peers. npm's lock is renewed in its folder, by `npm update`.
lock-bench: $(STAMP)
	@for peer in eventsourcing sqlalchemy umadb; do \
		$(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
			--generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock-bench" \
			--output-file benchmarks/peers/$$peer.txt benchmarks/peers/$$peer.in || exit 1; \
	done

# The old environment is kept where it works and made anew where it does not (an interrupted first
# run, a Python that has gone). The stamp comes last, so a failed install is tried again.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "homezone needs Python 3.11 or newer; $(PYTHON) is missing or older (set PYTHON=...)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "homezone needs venv and ensurepip: install the python3-venv package" >&2; exit 1; }
	@echo "setting up $(VENV)/ (once; a minute or two)"
	@$(VENV)/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --no-build-isolation --no-deps \
		--no-index --editable .
	@touch $@

clean:
	@rm -rf $(VENV) .venv-bench-* benchmarks/peers/node/node_modules build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache .schemathesis
	@find . -path ./var -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
