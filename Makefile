# Every command of the project. Each sets up what it needs, once: see `.venv/.ready`.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
.DEFAULT_GOAL := help

# The stamp holds the lock's digest by date: a changed lock redoes the set-up, nothing else does.
$(VENV)/.ready: requirements.lock
	@echo "setting up $(VENV) from requirements.lock (once; redone when the lock changes)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@touch $@

.PHONY: setup
setup: $(VENV)/.ready
