# Every command of the project. Each sets up what it needs, once: see `$(READY)`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STATE ?= fixed
TARGET ?= staging
REPORTS ?= reports
PYTEST := $(PY) -m pytest -c pytest.ini --report-dir=$(REPORTS) $(if $(EVIDENCE),--evidence=$(EVIDENCE)) \
	$(if $(KNOWN),--known-failures=$(KNOWN)) $(if $(QUICK),--quick)
SOAK = $(if $(DURATION),--duration=$(DURATION)) $(if $(RESUME),--resume=$(RESUME))
TWIN := $(PY) -m twin
.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sort | awk -F ':.*## *' '{printf "%-14s %s\n", $$1, $$2}'

# The stamp is named for what the lock holds: another lock redoes the set-up, and a file time never does.
READY := $(VENV)/.ready-$(firstword $(shell cksum requirements.lock))
$(READY):
	@echo "setting up $(VENV) from requirements.lock (once; redone when the lock changes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PY) deploy/setup.py requirements.lock
	@touch $@

.PHONY: setup
setup: $(READY)  ## install what is locked, into .venv

# --- verifying -------------------------------------------------------------------------------------------------

.PHONY: verify-local
verify-local: $(READY)  ## smoke phase on the embedded twin [STATE=fixed|as-reported|as-written] [FAULT=id,...] [QUICK=1]
	@$(TWIN) exec --state $(STATE) $(if $(FAULT),--fault $(FAULT)) -- $(PYTEST) --target=local

.PHONY: verify-staging
verify-staging: $(READY)  ## smoke phase on a configured target [TARGET=staging] [QUICK=1] [EVIDENCE=url] [KNOWN=file]
	@$(PYTEST) --target=$(TARGET)

.PHONY: day-local
day-local: $(READY)  ## day phase on an embedded twin whose revisions have been serving for a while [AGE=25h] [FAULT=id,...]
	@$(TWIN) exec --state $(STATE) --age $(or $(AGE),25h) $(if $(FAULT),--fault $(FAULT)) -- \
		$(PYTEST) --target=local --phase=day

.PHONY: day-staging
day-staging: $(READY)  ## day phase: the hours since the last one; run it by the hour [TARGET=staging] [EVIDENCE=url]
	@$(PYTEST) --target=$(TARGET) --phase=day

.PHONY: report
report: $(READY)  ## Allure's HTML of the last run, one file that works offline; needs Node.js 20 [REPORTS=folder]
	@$(PY) -m commands report --reports $(REPORTS)

.PHONY: gate
gate: $(READY)  ## judge a revision by all its runs [TARGET=staging] [REVISION=...] [EVIDENCE=url] [DISCARD="run ..." BECAUSE="..." OWNER=...] [REJUDGE=folder] [EXPLAIN=check]
	@$(PY) -m commands gate $(if $(REJUDGE),--rejudge='$(REJUDGE)') --target=$(TARGET) --report-dir=$(REPORTS) \
		$(if $(REVISION),--revision=$(REVISION)) $(if $(EVIDENCE),--evidence='$(EVIDENCE)') \
		$(if $(DISCARD),--discard $(DISCARD)) $(if $(BECAUSE),--because='$(BECAUSE)') $(if $(OWNER),--owner='$(OWNER)') \
		$(if $(EXPLAIN),--explain='$(EXPLAIN)')

.PHONY: soak-local
soak-local: $(READY)  ## soak phase on the embedded twin [DURATION=1h] [CUT=20s: what an hour takes] [FAULT=id,...] [RESUME=run|last]
	@$(TWIN) exec --state $(STATE) --cut $(or $(CUT),20s) $(if $(FAULT),--fault $(FAULT)) -- \
		$(PYTEST) --target=local --phase=soak $(SOAK)

.PHONY: soak-staging
soak-staging: $(READY)  ## soak phase on a configured target [TARGET=staging] [DURATION=1h] [RESUME=run|last]
	@$(PYTEST) --target=$(TARGET) --phase=soak $(SOAK)

# --- the twin --------------------------------------------------------------------------------------------------

.PHONY: up
up: $(READY)  ## start the twin alone; its addresses are in .twin/addresses.json [STATE=...] [FAULT=...]
	@$(TWIN) up --state $(STATE) $(if $(FAULT),--fault $(FAULT))

.PHONY: down
down: $(READY)  ## stop it
	@$(TWIN) down

.PHONY: faults
faults: $(READY)  ## every fault that the twin can show
	@$(TWIN) faults

# --- rows and migrations --------------------------------------------------------------------------------------

.PHONY: reap
reap: $(READY)  ## remove rows that killed runs left behind, TARGET=... [OLDER_THAN=1h]
	@$(PY) -m commands reap --target $(TARGET) --older-than $(or $(OLDER_THAN),1h)

.PHONY: repair-plan
repair-plan: $(READY)  ## count rows of bad shape and write the SQL that mends them, for review, TARGET=...
	@$(PY) -m commands repair-plan --target $(TARGET)

.PHONY: preflight
preflight: $(READY)  ## apply migrations to a scratch database and judge them [ALEMBIC=folder] [SINCE=revision]
	@$(TWIN) scratch -- $(PY) -m commands preflight --alembic $(or $(ALEMBIC),twin/backend/migrations) \
		--since $(or $(SINCE),base)

.PHONY: errors
errors: $(READY)  ## the 5xx in an exported log of any size, by route and signature, EXPORT=file-or-url [SERVICE=name]
	@$(PY) -m commands errors '$(EXPORT)' $(if $(SERVICE),--service $(SERVICE))

# --- proving the suite itself ----------------------------------------------------------------------------------

.PHONY: prove
prove: $(READY)  ## one fault at a time against the smoke phase: the matrix [ONLY='threads.*'] [SHARD=1/4] [JOBS=2]
	@$(PY) -m tests.prove $(if $(ONLY),--only $(ONLY)) $(if $(SHARD),--shard $(SHARD)) $(if $(JOBS),--jobs $(JOBS))

.PHONY: reproduce
reproduce: $(READY)  ## the report's story fix by fix: which checks turn (about 3 minutes)
	@$(PY) -m tests.prove.reproduce

.PHONY: test
test: $(READY)  ## the self-tests [ARGS='tests/gate -k verdict']
	@$(PY) -m pytest -c tests/pytest.ini --rootdir=. $(or $(ARGS),tests)

.PHONY: lint
lint: $(READY)  ## ruff with all rules, mypy strict
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy .

.PHONY: lock
lock: $(READY)  ## resolve both requirements files anew: hashed, universal, without hosts
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes \
		requirements.in -o requirements.lock
	@$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes \
		-c requirements.lock requirements-suite.in -o requirements-suite.lock

.PHONY: bench
bench: $(READY)  ## measurements beside the plain way, on an idle machine [ONLY=runs|gate|rows|latency|websocket]
	@$(PY) -m bench $(ONLY)
