# `make help` prints every target with the comment behind its two hashes.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SERVICES := partners initiatives notifications
CODE := $(wildcard shared services deploy tests bench)
PY := .venv/bin/python

# Any of these that can make a virtual environment; another one: make PYTHON=/path/to/python demo
PYTHON ?= $(shell for each in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$each -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null && echo $$each && break; done)
INSTALL = $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r
COMPILE = .venv/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header

.PHONY: help demo up test faults faults-long guards check fix bench migrate new-migration freeze asyncapi lock clean

help: ## print this
	@awk -F ':.*## ' '/^[a-z.-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.runtime ## play both stories on this machine; BUS=kafka uses a real Apache Kafka, ONCE=1 ends with the stories
	@$(PY) -m deploy.embedded.demo $(if $(BUS),--bus $(BUS))

up: .venv/.runtime ## start the whole product on this machine, without the stories; BUS=kafka as above
	@$(PY) -m deploy.embedded up $(if $(BUS),--bus $(BUS))

check: .venv/.dev ## style, types, boundaries, contracts: seconds, and what CI runs first
	@$(PY) -m ruff check $(CODE)
	@$(PY) -m ruff format --check $(CODE)
	@$(PY) -m mypy $(CODE)
	@.venv/bin/lint-imports --no-cache --no-logo
	@$(PY) -m pytest --quiet tests/contracts

fix: .venv/.dev ## format, and mend what the linter can
	@$(PY) -m ruff check --fix-only --quiet $(CODE)
	@$(PY) -m ruff format --quiet $(CODE)

test: .venv/.dev ## every test, on both buses; ARGS="-k name" narrows
	@$(PY) -m pytest $(ARGS)

faults: .venv/.dev ## the fault rows, slow ones too; writes tests/faults/RESULTS.md; ARGS="-k r7" narrows
	@INTERURBE_SLOW_FAULTS=1 INTERURBE_FAULT_RESULTS=tests/faults/RESULTS.md $(PY) -m pytest tests/faults $$($(PY) -m tests.faults.rows) $(ARGS)

faults-long: .venv/.dev ## random schedules of faults for MINUTES (10), half on each bus; ARGS=--hypothesis-seed=SEED begins with that one
	@INTERURBE_SLOW_FAULTS=1 INTERURBE_SCHEDULE_MINUTES=$(or $(MINUTES),10) $(PY) -m pytest --quiet --capture=no $(ARGS) \
		tests/faults/test_schedules.py::test_whatever_goes_wrong_in_whatever_order_nothing_is_lost_or_done_twice

guards: .venv/.dev ## take each guard of the promise away once, on a copy, and see that its rows notice; ARGS=fencing for one
	@$(PY) -m tests.faults.guards $(ARGS)

bench: .venv/.dev ## speed as ratios against bare baselines measured in the same run; ARGS=relay for one
	@$(PY) -m bench $(ARGS)

.env: ## choose random passwords for docker compose; never overwrites
	@$(or $(PYTHON),python3) -c 'import re, secrets, sys; fresh = lambda: next(t for t in iter(lambda: secrets.token_urlsafe(16), "") if t[0] != "-"); \
		sys.stdout.write(re.sub(r"(?m)^(\w+)=$$", lambda name: f"{name[1]}={fresh()}", sys.stdin.read()))' < .env.example > $@
	@chmod 600 $@

migrate: .venv/.runtime ## bring the databases in the environment up to date, each service its own
	@for service in $(SERVICES); do $(PY) -m services.$$service migrate; done

new-migration: .venv/.dev ## write what the models of SERVICE need: make new-migration SERVICE=partners NAME=add_seats
	@$(PY) -m deploy.contracts.migration $(or $(SERVICE),$(error SERVICE is missing: $(SERVICES))) $(or $(NAME),$(error NAME is missing: what changes, in_snake_case))

freeze: .venv/.dev ## freeze new event versions: schema and golden samples; never touches a frozen one
	@$(PY) -m deploy.contracts.freeze

asyncapi: .venv/.dev ## write shared/events/asyncapi.yaml from the event classes
	@$(PY) -m deploy.contracts.asyncapi

lock: .venv/.dev ## pin every dependency again; PACKAGE=name moves only that one, UPGRADE=1 all
	@$(COMPILE) $(if $(UPGRADE),--upgrade) $(if $(PACKAGE),--upgrade-package $(PACKAGE)) \
		--extra partners --extra initiatives --extra notifications --extra embedded --output-file requirements.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) $(if $(PACKAGE),--upgrade-package $(PACKAGE)) \
		--all-extras --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove what tools leave behind; keeps .venv and the data in var/
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

$(PY):
	@test -n "$(PYTHON)" || { echo "Python 3.11 to 3.14 with its venv module is needed (Debian: apt install python3 python3-venv)." \
		"Have one elsewhere? make PYTHON=/path/to/python $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv

.venv/.runtime: requirements.lock | $(PY)
	@echo "installing what the product needs into .venv …"
	@$(INSTALL) requirements.lock
	@touch $@

# The development lock holds the runtime one too.
.venv/.dev: requirements-dev.lock | $(PY)
	@echo "installing what development needs into .venv …"
	@$(INSTALL) requirements-dev.lock
	@touch .venv/.runtime $@
