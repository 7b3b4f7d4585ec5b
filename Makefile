# Every command of the project. Each sets up what it needs, once: see `$(READY)`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STATE ?= fixed
TARGET ?= staging
REPORTS ?= reports
RUN := -m gate.session -c pytest.ini --report-dir=$(REPORTS) $(if $(EVIDENCE),--evidence=$(EVIDENCE)) \
	$(if $(KNOWN),--known-failures=$(KNOWN)) $(if $(filter-out 0 no false,$(QUICK)),--quick) \
	$(if $(CHECK),--check='$(CHECK)') $(if $(filter-out 0 no false,$(LF)),--lf)
PYTEST := $(PY) $(RUN)
# What a report prints for running a case again: this very command, up to the case.
GIVEN = $(foreach name,TARGET TAG SHARE STATE FAULT BOTH QUICK DURATION CUT AGE REPORTS,$(if $(filter command% environment%,$(origin $(name))),$(name)='$($(name))'))
RERUN = NETRA_RERUN="make $@ $(strip $(GIVEN)) CHECK="
# What a command needs is checked before anything starts, and named in one sentence; make itself exits with 2.
needs = $(if $($(1)),,@echo "make $@ needs $(1): make $@ $(1)=$(2)" >&2; exit 4)
on-its-own = $(if $(filter command%,$(origin TARGET)),@echo "make $@ looks at the embedded twin alone: for TARGET=$(TARGET) it is make $(1) TARGET=$(TARGET)" >&2; exit 4)
lasting = $(if $(DURATION),@$(1) -m targets.durations '$(DURATION)')
SOAK = $(if $(DURATION),--duration=$(DURATION)) $(if $(RESUME),--resume=$(RESUME))
TWIN := $(PY) -m twin
.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@awk '/^#@ / { print "\n" substr($$0, 4); next } /^#: / { about[++n] = substr($$0, 4); next } \
		/^[a-z-]+:.*## / { split($$0, part, /:.*## /); printf "  %-15s %s\n", part[1], part[2]; \
			for (i = 1; i <= n; i++) printf "  %-15s %s\n", "", about[i]; n = 0 }' $(MAKEFILE_LIST)

# Two environments: everything (.venv: the twin, the self-tests), and the suite alone (.venv-suite: a tenth of it), which is
# not made where the first is there. The stamp is named for what the lock holds: another lock redoes the set-up, and a
# file's time never does.
READY := $(VENV)/.ready-$(firstword $(shell cksum requirements.lock))
LOCK := requirements-suite$(if $(filter-out 0 no false,$(EXTRAS)),-extras).lock
SUITE_VENV := $(if $(wildcard $(READY)),$(VENV),$(VENV)-suite)
SUITE_READY := $(if $(wildcard $(READY)),$(READY),$(SUITE_VENV)/.ready-$(firstword $(shell cksum $(LOCK))))
SUITE := $(SUITE_VENV)/bin/python
set-up = @echo "setting up $(1) from $(2) (once; redone when the lock changes)" \
	&& $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")' \
	&& rm -rf $(1) && $(PYTHON) -m venv $(1) && $(1)/bin/python deploy/setup.py $(2) && touch $@
$(VENV)/.ready-%:
	$(call set-up,$(VENV),requirements.lock)
$(VENV)-suite/.ready-%:
	$(call set-up,$(VENV)-suite,$(LOCK))

#@ Start here

.PHONY: verify-local
#: [STATE=fixed|as-reported|as-written|as-deployed] [FAULT=id,...]
#: [QUICK=1] [KNOWN=file] [CHECK='threads.*'] [LF=1: what failed last]
verify-local: $(READY)  ## is the embedded copy of the system good? smoke phase, about half a minute
	$(call on-its-own,verify-staging)
	@$(RERUN) $(TWIN) exec --state $(STATE) $(if $(FAULT),--fault $(FAULT)) -- $(PYTEST) --target=$(if $(filter as-deployed%,$(STATE)),as-deployed,local)

.PHONY: verify-staging
#: [TARGET=staging] [QUICK=1] [EVIDENCE=url] [KNOWN=file]
#: [CHECK='threads.*'] [LF=1: what failed last]
verify-staging: $(SUITE_READY)  ## smoke phase on a configured target; without configuration it says what it needs
	@$(RERUN) $(SUITE) $(RUN) --target=$(TARGET)

#@ Before traffic

.PHONY: candidate-local
#: [FAULT=id,...: in the candidate alone] [BOTH=id,...] [QUICK=1]
candidate-local: $(READY)  ## judge a revision without traffic beside the one that serves, on an embedded twin
	$(call on-its-own,candidate)
	@$(RERUN) $(TWIN) exec --candidate $(addprefix --candidate-fault=,$(FAULT) $(BOTH)) $(if $(BOTH),--fault $(BOTH)) -- \
		$(PYTEST) --target=local --phase=candidate --tag=verify

.PHONY: candidate
#: TAG=verify [TARGET=staging] [SHARE=10] [QUICK=1] [EVIDENCE=url]
candidate: $(SUITE_READY)  ## the same on a configured target: what was deployed with --no-traffic --tag
	$(call needs,TAG,verify)
	@$(RERUN) $(SUITE) $(RUN) --target=$(TARGET) --phase=candidate --tag=$(TAG) $(if $(SHARE),--share=$(SHARE))

.PHONY: target
#: NAME=mine BACKEND=https://... [AUTH=https://...]
#: [DIR=targets] [DOCUMENT=/openapi.json]
target: $(SUITE_READY)  ## write the first TOML of a target by looking at its service
	@$(SUITE) -m commands target --name '$(NAME)' --backend '$(BACKEND)' $(if $(AUTH),--auth '$(AUTH)') \
		$(if $(DIR),--dir '$(DIR)') $(if $(DOCUMENT),--document '$(DOCUMENT)')

.PHONY: rollout
#: TAG=verify [TARGET=staging] [STEPS=1,10,50,100]
rollout: $(SUITE_READY)  ## traffic in steps: the commands, and what each step has to prove
	$(call needs,TAG,verify)
	@$(SUITE) -m commands rollout --target=$(TARGET) --tag=$(TAG) --report-dir=$(REPORTS) $(if $(STEPS),--steps=$(STEPS))

#@ The hour, the day, the gate

.PHONY: soak-local
#: [DURATION=1h] [CUT=20s: what an hour takes] [FAULT=id,...] [RESUME=run|last]
soak-local: $(READY)  ## soak phase on the embedded twin
	$(call on-its-own,soak-staging)
	$(call lasting,$(PY))
	@$(RERUN) $(TWIN) exec --state $(STATE) --cut $(or $(CUT),20s) $(if $(FAULT),--fault $(FAULT)) -- \
		$(PYTEST) --target=local --phase=soak $(SOAK)

.PHONY: soak-staging
#: [TARGET=staging] [DURATION=1h] [RESUME=run|last]
soak-staging: $(SUITE_READY)  ## soak phase on a configured target
	$(call lasting,$(SUITE))
	@$(RERUN) $(SUITE) $(RUN) --target=$(TARGET) --phase=soak $(SOAK)

.PHONY: day-local
#: [AGE=25h] [FAULT=id,...]
day-local: $(READY)  ## day phase on an embedded twin that has been serving for a while
	$(call on-its-own,day-staging)
	@$(RERUN) $(TWIN) exec --state $(STATE) --age $(or $(AGE),25h) $(if $(FAULT),--fault $(FAULT)) -- \
		$(PYTEST) --target=local --phase=day

.PHONY: day-staging
#: [TARGET=staging] [EVIDENCE=url]
day-staging: $(SUITE_READY)  ## day phase: the hours since the last one; run it every hour
	@$(RERUN) $(SUITE) $(RUN) --target=$(TARGET) --phase=day

.PHONY: gate
#: [TARGET=staging] [REVISION=...] [EVIDENCE=url] [REJUDGE=folder] [EXPLAIN=check]
#: [DISCARD=run BECAUSE=... OWNER=...]
gate: $(SUITE_READY)  ## judge a revision by all of its runs
	@$(SUITE) -m commands gate $(if $(REJUDGE),--rejudge='$(REJUDGE)') --target=$(TARGET) --report-dir=$(REPORTS) \
		$(if $(REVISION),--revision=$(REVISION)) $(if $(EVIDENCE),--evidence='$(EVIDENCE)') \
		$(if $(DISCARD),--discard $(DISCARD)) $(if $(BECAUSE),--because='$(BECAUSE)') $(if $(OWNER),--owner='$(OWNER)') \
		$(if $(EXPLAIN),--explain='$(EXPLAIN)')

.PHONY: history
#: TARGET=staging [EVIDENCE=url]
history: $(SUITE_READY)  ## one page over a target's runs; it decides nothing
	@$(SUITE) -m commands history --target=$(TARGET) --report-dir=$(REPORTS) $(if $(EVIDENCE),--evidence='$(EVIDENCE)')

.PHONY: report
#: [REPORTS=folder]
report: $(SUITE_READY)  ## the last run as Allure's page, one file that works offline; needs Node.js 20
	@$(SUITE) -m commands report --reports $(REPORTS)

#@ The twin: the audited system on this machine

.PHONY: up
#: [STATE=...] [FAULT=...]
up: $(READY)  ## start the twin alone; its addresses are in .twin/addresses.json
	@$(TWIN) up --state $(STATE) $(if $(FAULT),--fault $(FAULT))

.PHONY: down
down: $(READY)  ## stop it
	@$(TWIN) down

.PHONY: faults
faults: $(READY)  ## every fault that the twin can show
	@$(TWIN) faults

#@ Rows, migrations, logs

.PHONY: reap
#: TARGET=staging [OLDER_THAN=1h]
reap: $(SUITE_READY)  ## remove rows that killed runs left behind, and what the service made for our users
	@$(SUITE) -m commands reap --target $(TARGET) --older-than $(or $(OLDER_THAN),1h)

.PHONY: repair-plan
#: TARGET=staging
repair-plan: $(SUITE_READY)  ## count rows of bad shape and write the SQL that mends them, for review
	@$(SUITE) -m commands repair-plan --target $(TARGET)

.PHONY: preflight
#: [ALEMBIC=folder] [SINCE=revision] [INI=file]
#: [URL_VARIABLE=name] [PASS="name ..."]
preflight: $(READY)  ## apply migrations to a scratch database with rows in it, and judge what they do
	@$(TWIN) scratch -- $(PY) -m commands preflight --alembic $(or $(ALEMBIC),twin/backend/migrations) \
		--since $(or $(SINCE),base) $(if $(INI),--ini=$(INI)) $(addprefix --url-variable=,$(URL_VARIABLE)) \
		$(addprefix --pass=,$(PASS))

.PHONY: errors
#: EXPORT=file-or-url [SERVICE=name] [REVISION=name]
errors: $(SUITE_READY)  ## the 5xx in an exported log of any size, by route and signature
	$(call needs,EXPORT,file.json)
	@$(SUITE) -m commands errors '$(EXPORT)' $(if $(SERVICE),--service '$(SERVICE)') $(if $(REVISION),--revision '$(REVISION)')

#@ Proving the suite itself

.PHONY: prove
#: [ONLY='threads.*'] [SHARD=1/4] [JOBS=2] [WHOLE=1]
prove: $(READY)  ## one fault at a time: which checks turn red, and no others
	@$(PY) -m tests.prove $(if $(ONLY),--only $(ONLY)) $(if $(SHARD),--shard $(SHARD)) $(if $(JOBS),--jobs $(JOBS)) \
		$(if $(filter-out 0 no false,$(WHOLE)),--whole)

.PHONY: hostile
#: [RUNS=20] [SEED=1] [WHOLE=0]
#: [AGAIN='auth, 503, 0.3, seed 5': one run, as it was printed]
hostile: $(READY)  ## runs behind a proxy that spoils answers
	@$(PY) -m tests.hostile $(or $(RUNS),20) $(or $(SEED),1) $(or $(WHOLE),0) $(if $(AGAIN),--again '$(AGAIN)')

.PHONY: smokes
#: [N=30] [AT_ONCE=1]
smokes: $(READY)  ## quick smokes in a row against one standing twin: all must be GO
	@$(PY) -m tests.smokes $(or $(N),30) $(or $(AT_ONCE),1)

.PHONY: reproduce
reproduce: $(READY)  ## the report's story fix by fix: which checks turn (about 3 minutes)
	@$(PY) -m tests.prove.reproduce

.PHONY: setup
setup: $(READY)  ## install everything that is locked, into .venv

.PHONY: setup-suite
#: [EXTRAS=1: spans to a collector, gs:// buckets, chat and mail]
setup-suite: $(SUITE_READY)  ## install what a run on a configured target needs, into .venv-suite

.PHONY: road
#: CHECK=threads.metadata (any check, or a fault)
road: $(READY)  ## where a check is declared, fed, broken on purpose and reported, as path:line
	$(call needs,CHECK,threads.metadata)
	@$(PY) -m tests.road '$(CHECK)'

.PHONY: test
#: [ARGS='tests/gate -k verdict'] [JOBS=2: at once]
test: $(READY)  ## the self-tests
	@$(PY) -m pytest -c tests/pytest.ini --rootdir=. -n $(or $(JOBS),2) --dist loadfile -rs $(or $(ARGS),tests)

.PHONY: lint
lint: $(READY)  ## ruff with all rules, mypy strict
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy .

COMPILE = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes pyproject.toml
.PHONY: lock
lock: $(READY)  ## resolve the three locks again: hashed, universal, without hosts
	@$(COMPILE) requirements.in --all-extras -o requirements.lock
	@$(COMPILE) -c requirements.lock -o requirements-suite.lock
	@$(COMPILE) -c requirements.lock --extra otlp --extra stores --extra tell -o requirements-suite-extras.lock

.PHONY: bench
#: [ONLY=runs|gate|rows|latency|websocket]
bench: $(READY)  ## measurements beside the plain way, on an idle machine
	@$(PY) -m bench $(ONLY)
