# Every command of the project. Each one sets up what it needs, once: see `$(READY)`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STATE ?= fixed
TARGET ?= staging
REPORTS ?= reports
# The shell's quotes around a text, and around a variable's value as it was given, whatever characters are in it; and an
# option with a variable's value, if that has one.
quoted = '$(subst ','\'',$(1))'
given = $(call quoted,$(value $(1)))
given-or = $(if $(value $(1)),$(call given,$(1)),$(2))
option = $(if $(value $(2)),$(1)$(call given,$(2)))
RUN := -m gate.session -c pytest.ini --report-dir=$(call given,REPORTS) $(call option,--evidence=,EVIDENCE) \
	$(call option,--known-failures=,KNOWN) $(if $(filter-out 0 no false,$(QUICK)),--quick) \
	$(call option,--check=,CHECK) $(if $(filter-out 0 no false,$(LF)),--lf)
PYTEST := $(PY) $(RUN)
# What a report prints for rerunning a case: this command, up to the case.
GIVEN = $(foreach name,TARGET TAG SHARE STATE FAULT BOTH BESIDE QUICK DURATION CUT AGE REPORTS,$(if $(filter command% environment%,$(origin $(name))),$(name)=$(call given,$(name))))
RERUN = NETRA_RERUN=$(call quoted,make $@ $(strip $(GIVEN)) CHECK=)
# A command's variables are checked before anything starts; a missing one is a one-sentence error. make itself exits with 2.
needs = $(if $(value $(1)),,@echo "make $@ needs $(1): make $@ $(1)=$(2)" >&2; exit 4)
on-its-own = $(if $(filter command%,$(origin TARGET)),@echo "make $@ runs only on the embedded twin: for another target use make $(1)" TARGET=$(call given,TARGET) >&2; exit 4)
# A phase refuses a variable of another phase; one from the environment is left to the phase that uses it.
OF_PHASES := STATE FAULT BOTH BESIDE CUT AGE DURATION RESUME TAG SHARE STEPS
unused = $(firstword $(foreach name,$(filter-out $(1),$(OF_PHASES)),$(if $(filter command%,$(origin $(name))),$(name))))
takes = $(if $(call unused,$(1)),@echo "make $@ does not use $(call unused,$(1)); of the phases' variables it takes $(or $(1),none)" >&2; exit 4)
lasting = $(if $(DURATION),@$(1) -m targets.durations $(call given,DURATION))
SOAK = $(call option,--duration=,DURATION) $(call option,--resume=,RESUME)
TWIN := $(PY) -m twin
.DEFAULT_GOAL := help

.PHONY: help
help:  ## this list
	@awk '/^#@ / { print "\n" substr($$0, 4); next } /^#: / { about[++n] = substr($$0, 4); next } \
		/^[a-z-]+:.*## / { split($$0, part, /:.*## /); printf "  %-15s %s\n", part[1], part[2]; \
			for (i = 1; i <= n; i++) printf "  %-15s %s\n", "", about[i]; n = 0 }' $(MAKEFILE_LIST)

# Two environments: everything (.venv: the twin, the self-tests), and only the suite (.venv-suite: a tenth of the size), which is
# not created if the first exists. The stamp's name is the lock's checksum: a changed lock repeats the set-up, a changed
# modification time does not.
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
verify-local: $(READY)  ## run the smoke phase on an embedded copy of the system (half a minute)
	$(call on-its-own,verify-staging)
	$(call takes,STATE FAULT)
	@$(RERUN) $(TWIN) exec --state $(call given,STATE) $(call option,--fault ,FAULT) -- $(PYTEST) --target=$(if $(filter as-deployed%,$(STATE)),as-deployed,local)

.PHONY: verify-staging
#: [TARGET=staging] [QUICK=1] [EVIDENCE=url] [KNOWN=file]
#: [CHECK='threads.*'] [LF=1: what failed last]
verify-staging: $(SUITE_READY)  ## run the smoke phase on a configured target, or list what is missing
	$(call takes)
	@$(RERUN) $(SUITE) $(RUN) --target=$(call given,TARGET)

.PHONY: target
#: NAME=mine BACKEND=https://... [AUTH=https://...]
#: [DIR=targets] [DOCUMENT=/openapi.json]
target: $(SUITE_READY)  ## write the first TOML of a target by inspecting its service
	@$(SUITE) -m commands target --name $(call given,NAME) --backend $(call given,BACKEND) $(call option,--auth ,AUTH) \
		$(call option,--dir ,DIR) $(call option,--document ,DOCUMENT)

#@ Before a revision gets traffic

.PHONY: candidate-local
#: [FAULT=id,...: only in the candidate] [BOTH=id,...]
#: [BESIDE=id,...: in the serving revision, or in what both share] [QUICK=1]
candidate-local: $(READY)  ## judge a revision before it has traffic, on the embedded twin
	$(call on-its-own,candidate)
	$(call takes,FAULT BOTH BESIDE)
	@$(RERUN) $(TWIN) exec --candidate $(call option,--candidate-fault=,FAULT) $(call option,--candidate-fault=,BOTH) \
		$(call option,--fault=,BOTH) $(call option,--fault=,BESIDE) -- \
		$(PYTEST) --target=local --phase=candidate --tag=verify

.PHONY: candidate
#: TAG=verify [TARGET=staging] [SHARE=10] [QUICK=1] [EVIDENCE=url]
candidate: $(SUITE_READY)  ## the same on a target, after a deploy with --no-traffic --tag
	$(call takes,TAG SHARE)
	$(call needs,TAG,verify)
	@$(RERUN) $(SUITE) $(RUN) --target=$(call given,TARGET) --phase=candidate --tag=$(call given,TAG) $(call option,--share=,SHARE)

.PHONY: rollout
#: TAG=verify [TARGET=staging] [STEPS=1,10,50,100]
rollout: $(SUITE_READY)  ## print the commands that move traffic in steps, and what each must prove
	$(call takes,TAG STEPS)
	$(call needs,TAG,verify)
	@$(SUITE) -m commands rollout --target=$(call given,TARGET) --tag=$(call given,TAG) --report-dir=$(call given,REPORTS) $(call option,--steps=,STEPS)

.PHONY: rollout-local
#: [STEPS=1,10,50,100] [FAULT=id,...: only in the candidate]
#: [BESIDE=id,...: in the serving revision, or in what both share] [QUICK=1]
rollout-local: $(READY)  ## move traffic step by step on the embedded twin, with users
	$(call on-its-own,rollout)
	$(call takes,STEPS FAULT BESIDE)
	@$(TWIN) exec --candidate --people=8 $(call option,--candidate-fault=,FAULT) $(call option,--fault=,BESIDE) -- \
		$(PY) -m commands rollout --target=local --tag=verify --report-dir=$(call given,REPORTS) $(call option,--steps=,STEPS) \
		$(if $(QUICK),-- --quick)

#@ Longer phases, the gate, reports

.PHONY: soak-local
#: [DURATION=1h] [CUT=20s: length of an "hour"] [FAULT=id,...] [RESUME=run|last]
soak-local: $(READY)  ## run the soak phase on the embedded twin
	$(call on-its-own,soak-staging)
	$(call takes,STATE FAULT CUT DURATION RESUME)
	$(call lasting,$(PY))
	@$(RERUN) $(TWIN) exec --state $(call given,STATE) --cut $(call given-or,CUT,20s) $(call option,--fault ,FAULT) -- \
		$(PYTEST) --target=local --phase=soak $(SOAK)

.PHONY: soak-staging
#: [TARGET=staging] [DURATION=1h] [RESUME=run|last]
soak-staging: $(SUITE_READY)  ## run the soak phase on a configured target: an hour of WebSocket sessions
	$(call takes,DURATION RESUME)
	$(call lasting,$(SUITE))
	@$(RERUN) $(SUITE) $(RUN) --target=$(call given,TARGET) --phase=soak $(SOAK)

.PHONY: day-local
#: [AGE=25h] [FAULT=id,...]
day-local: $(READY)  ## run the day phase on an embedded twin that has been serving for a day
	$(call on-its-own,day-staging)
	$(call takes,STATE FAULT AGE)
	@$(RERUN) $(TWIN) exec --state $(call given,STATE) --age $(call given-or,AGE,25h) $(call option,--fault ,FAULT) -- \
		$(PYTEST) --target=local --phase=day

.PHONY: day-staging
#: [TARGET=staging] [EVIDENCE=url]
day-staging: $(SUITE_READY)  ## run the day phase: the time since the last run; run it every hour
	$(call takes)
	@$(RERUN) $(SUITE) $(RUN) --target=$(call given,TARGET) --phase=day

.PHONY: gate
#: [TARGET=staging] [REVISION=...] [EVIDENCE=url] [REJUDGE=folder] [EXPLAIN=check]
#: [DISCARD=run BECAUSE=... OWNER=...]
gate: $(SUITE_READY)  ## judge a revision by all its runs
	@$(SUITE) -m commands gate $(call option,--rejudge=,REJUDGE) --target=$(call given,TARGET) --report-dir=$(call given,REPORTS) \
		$(call option,--revision=,REVISION) $(call option,--evidence=,EVIDENCE) \
		$(call option,--discard ,DISCARD) $(call option,--because=,BECAUSE) $(if $(DISCARD),$(call option,--owner=,OWNER)) \
		$(call option,--explain=,EXPLAIN)

.PHONY: history
#: TARGET=staging [EVIDENCE=url]
history: $(SUITE_READY)  ## write one page about all runs of a target; it decides nothing
	@$(SUITE) -m commands history --target=$(call given,TARGET) --report-dir=$(call given,REPORTS) $(call option,--evidence=,EVIDENCE)

.PHONY: report
#: [REPORTS=folder]
report: $(SUITE_READY)  ## build an Allure page of the last run, one offline file (needs Node.js 20)
	@$(SUITE) -m commands report --reports $(call given,REPORTS)

#@ The twin: the audited system on this machine

.PHONY: up
#: [STATE=...] [FAULT=...]
up: $(READY)  ## start only the twin; its addresses are in .twin/addresses.json
	@$(TWIN) up --state $(call given,STATE) $(call option,--fault ,FAULT)

.PHONY: down
down: $(READY)  ## stop the twin
	@$(TWIN) down

.PHONY: faults
faults: $(READY)  ## list every fault of the twin
	@$(TWIN) faults

#@ Rows, migrations, logs

.PHONY: reap
#: TARGET=staging [OLDER_THAN=1h]
reap: $(SUITE_READY)  ## remove rows that killed runs, or the service for our users, left behind
	@$(SUITE) -m commands reap --target $(call given,TARGET) --older-than $(call given-or,OLDER_THAN,1h)

.PHONY: repair-plan
#: TARGET=staging
repair-plan: $(SUITE_READY)  ## count rows with bad metadata and write the SQL that repairs them, for review
	@$(SUITE) -m commands repair-plan --target $(call given,TARGET)

.PHONY: preflight
#: [ALEMBIC=folder] [SINCE=revision] [INI=file]
#: [URL_VARIABLE=name] [PASS="name ..."]
preflight: $(READY)  ## apply migrations to a scratch database with rows in it, and report what they do
	@$(TWIN) scratch -- $(PY) -m commands preflight --alembic $(call given-or,ALEMBIC,twin/backend/migrations) \
		--since $(call given-or,SINCE,base) $(call option,--ini=,INI) $(call option,--url-variable=,URL_VARIABLE) \
		$(addprefix --pass=,$(PASS))

.PHONY: errors
#: EXPORT=file-or-url [SERVICE=name] [REVISION=name]
errors: $(SUITE_READY)  ## list the 5xx in an exported log of any size, by route and signature
	$(call needs,EXPORT,file.json)
	@$(SUITE) -m commands errors $(call given,EXPORT) $(call option,--service ,SERVICE) $(call option,--revision ,REVISION)

#@ Working on the suite

.PHONY: prove
#: [ONLY='threads.*'] [SHARD=1/4] [JOBS=3] [WHOLE=1]
prove: $(READY)  ## switch on one fault at a time: its checks must turn red, and no others
	@$(PY) -m tests.prove $(if $(ONLY),--only $(ONLY)) $(call option,--shard ,SHARD) $(call option,--jobs ,JOBS) \
		$(if $(filter-out 0 no false,$(WHOLE)),--whole)

.PHONY: struck
#: [ONLY='threads.*'] [SHARD=1/4] [JOBS=1]
struck: $(READY)  ## one judgement of the suite struck out at a time: which of them no fault proves
	@$(PY) -m tests.prove.struck $(if $(ONLY),--only $(ONLY)) $(call option,--shard ,SHARD) $(call option,--jobs ,JOBS)

.PHONY: mutants
#: [ONLY='gate twin/auth'] [N=40] [SEED=1] [SHARD=1/4] [JOBS=1]
mutants: $(READY)  ## a sample of small changes to the code: which of them nothing notices
	@$(PY) -m tests.mutants $(if $(ONLY),--only $(ONLY)) $(call option,--size ,N) $(call option,--seed ,SEED) \
		$(call option,--shard ,SHARD) $(call option,--jobs ,JOBS)

.PHONY: sidebyside
#: [ONLY='threads.*'] [N=12] [SEED=1] [ROUNDS=3: of the sound twin] [SHARD=1/4]
sidebyside: $(READY)  ## a sample of the faults, shown to this suite and to what others use
	@$(PY) -m tests.sidebyside $(if $(ONLY),--only $(ONLY)) $(call option,--size ,N) $(call option,--seed ,SEED) $(call option,--rounds ,ROUNDS) $(call option,--shard ,SHARD)

.PHONY: proof
proof: $(READY)  ## put the figures that the long proofs left on docs/proof.md
	@$(PY) -m tests.proof

.PHONY: hostile
#: [RUNS=20] [SEED=1] [WHOLE=0]
#: [AGAIN='auth, 503, 0.3, seed 5': repeat one run, as printed]
hostile: $(READY)  ## run the suite behind a proxy that spoils answers
	@$(PY) -m tests.hostile $(or $(RUNS),20) $(or $(SEED),1) $(or $(WHOLE),0) $(call option,--again ,AGAIN)

.PHONY: smokes
#: [N=30] [AT_ONCE=1] [AFAR=80: ms of round trip]
#: [BUSY=1: with other work on every core]
#: [STATE=as-deployed: held to its table, each on a twin of its own]
smokes: $(READY)  ## run quick smokes in a row against a running twin: all must be GO
	@$(PY) -m tests.smokes $(or $(N),30) $(if $(filter-out fixed,$(STATE)),--state $(call given,STATE)) \
		$(call option,--at-once ,AT_ONCE) $(call option,--afar ,AFAR) $(if $(filter-out 0 no false,$(BUSY)),--busy)

.PHONY: races
#: [N=40]
races: $(READY)  ## races of one answer in twenty, and none: how many are seen
	@$(PY) -m tests.races $(or $(N),40)

.PHONY: reproduce
reproduce: $(READY)  ## apply the report's fixes one by one and show which checks change (3 minutes)
	@$(PY) -m tests.prove.reproduce

.PHONY: setup
setup: $(READY)  ## install everything into .venv, from the lock

.PHONY: setup-suite
#: [EXTRAS=1: spans to a collector, gs:// buckets, chat and mail]
setup-suite: $(SUITE_READY)  ## install only what a run on a target needs, into .venv-suite

.PHONY: wheel
wheel: $(READY)  ## the suite as a wheel, alone in dist/: for pip, uvx and the container
	@rm -f dist/*.whl
	@$(PY) -m build --wheel --no-isolation --outdir dist

.PHONY: sbom
sbom: $(READY)  ## write dist/netra-verify.cdx.json: what is installed, with licences and hashes
	@$(PY) deploy/supply_chain.py sbom dist/netra-verify.cdx.json

.PHONY: audit
audit: $(READY)  ## look up known vulnerabilities of every locked package; 2 when offline
	@$(PY) deploy/supply_chain.py audit

.PHONY: road
#: CHECK=threads.metadata (any check, or a fault)
road: $(READY)  ## show where a check is declared, fed, broken and reported, as path:line
	$(call needs,CHECK,threads.metadata)
	@$(PY) -m tests.road $(call given,CHECK)

# Every process of pytest imports each file that it is given, whatever it then runs of it.
SLOW_FILES = $(shell grep -rlF mark.slow --include='test_*.py' tests)
.PHONY: test
#: [ARGS='tests/gate -k verdict'] [JOBS=4: processes] [LF=1: what failed last]
#: [SLOW=1: those alone that start whole runs, many processes or a build]
#: [WITHIN=600: s after which no file is begun] [FIRST=3: the file to begin with]
test: $(READY)  ## run the self-tests; at its end, what it skipped and why
	@$(PY) -m pytest -c tests/pytest.ini --rootdir=. -n $(or $(JOBS),4) --dist loadfile --no-loadscope-reorder -rs --durations=25 --durations-min=10 \
		$(if $(filter-out 0 no false,$(SLOW)),--runslow -m slow) $(call option,--begin-within=,WITHIN) $(call option,--first=,FIRST) $(if $(filter-out 0 no false,$(LF)),--lf --lfnf=none) \
		$(or $(ARGS),$(if $(filter-out 0 no false,$(SLOW)),$(SLOW_FILES),tests))

.PHONY: lint
lint: $(READY)  ## run ruff with all rules, and mypy in strict mode
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy .

COMPILE = $(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes pyproject.toml
.PHONY: lock
lock: $(READY)  ## update the three locks: hashed, universal, without host names
	@$(COMPILE) requirements.in --all-extras -o requirements.lock
	@$(COMPILE) -c requirements.lock -o requirements-suite.lock
	@$(COMPILE) -c requirements.lock --extra otlp --extra stores --extra tell -o requirements-suite-extras.lock

.PHONY: bench
#: [ONLY=runs|candidate|gate|rows|latency|websocket
#: |logs|users|far|published]
bench: $(READY)  ## compare our probes with the obvious way, on an idle machine
	@$(PY) -m bench $(ONLY)
