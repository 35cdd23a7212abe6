# Every target sets up what it needs, with python3.11 or newer, pip and make alone.
PYTHON ?= python3
PIP := .venv/bin/python -m pip --disable-pip-version-check -q
# Two contenders of the benchmark need 3.12 or newer; without one they are named as not run.
PYTHON312 ?= $(shell for each in python3.14 python3.13 python3.12 $(foreach v,14 13 12,$(HOME)/.pyenv/versions/3.$(v)*/bin/python); do \
	"$$each" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && echo "$$each" && break; done)
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help install demo test fuzz model chaos bench bench-growth bench-reading bench-hot-record bench-desk browser contract lint check build clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 15

install: .venv/.lint ## create .venv with everything for development

demo: .venv/.demo ## run the demo; SERVE=1 leaves the admin running, SERVE=0 does not
	@PASSPORT_DEMO_SERVE="$(SERVE)" .venv/bin/python manage.py demo $(ARGS)

# What does not depend on the database is tested once.
test: .venv/.test ## run the tests on PostgreSQL, then on SQLite
	@.venv/bin/python -m pytest --database=postgresql $(ARGS)
	@.venv/bin/python -m pytest --database=sqlite -m "not any_database" $(ARGS)

# Reading needs no server of its own, so the cheaper database will do.
fuzz: .venv/.test ## 100,000 hostile inputs for the reader, in some minutes
	@.venv/bin/python -m pytest --database=sqlite --hypothesis-profile=fuzz tests/wire/test_properties.py $(ARGS)

model: .venv/.test ## 400 examples of everything that can happen, against a model of what must come of it
	@.venv/bin/python -m pytest --database=postgresql --hypothesis-profile=fuzz -s tests/model/test_model.py $(ARGS)

chaos: .venv/.test ## kill, cut and freeze everything, and look for losses; SIZE=small|normal|full SEED= ABLATIONS=1
	@.venv/bin/python -m tests.chaos --size $(or $(SIZE),normal) $(if $(SEED),--seed $(SEED)) $(if $(ABLATIONS),--ablations) $(ARGS)

bench: .venv/.bench .venv/.bench-modern ## the same work for us, for peers and for the floor, in about 15 minutes; ARGS=--quick takes a few
	@.venv/bin/python -m benchmarks.throughput --python312 .venv/modern/bin/python $(ARGS)

bench-growth: .venv/.bench ## the same while the inbox, organizations, processes or bodies grow; ARGS='--soak 60' for an hour more
	@.venv/bin/python -m benchmarks.growth $(ARGS)

bench-reading: .venv/.test ## how many events a second one core reads
	@.venv/bin/python -m benchmarks.reading $(ARGS)

bench-hot-record: .venv/.test ## what the Redis lock saves on a hot record, in a minute or two
	@.venv/bin/python -m benchmarks.hot_record $(ARGS)

bench-desk: .venv/.test ## server time and queries of the desk's pages over 1,000,000 messages, in some minutes
	@.venv/bin/python -m benchmarks.desk $(ARGS)

browser: .venv/.browser ## click through the admin with Chromium; ARGS=--screenshots takes the pictures of README
	@.venv/bin/python -m tests.browser.chromium
	@.venv/bin/python -m pytest --database=postgresql tests/browser $(ARGS)

contract: .venv/.test ## generate schemas and AsyncAPI again, and put them into an archive in dist/
	@.venv/bin/python -m passport_events.contract.build dist

lint: .venv/.lint ## ruff, mypy, the direction of imports, missing migrations
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python manage.py makemigrations --check --dry-run
	.venv/bin/python manage.py makemigrations --check --dry-run --settings=tests.settings
	.venv/bin/python manage.py makemigrations --check --dry-run --settings=tests.monolith.settings

# pytest without paths would run everything.
check: lint ## the fast loop: lint, then the tests of folders that changed since main, on SQLite
	@tests=$$(.venv/bin/python -m tests.harness.changed_tests) && \
	if [ -n "$$tests" ]; then .venv/bin/python -m pytest --database=sqlite $$tests $(ARGS); \
	else echo "check: no tests to run: nothing with tests changed since main"; fi

build: .venv/.lint ## build the sdist and the wheel into dist/
	@.venv/bin/python -m build

clean: ## remove .venv and everything that was generated
	rm -rf .venv build dist *.egg-info .demo .*_cache .hypothesis .coverage*
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the files it was installed from.
.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: .venv/.python requirements/base.txt requirements/demo.txt
	@$(PIP) install -r requirements/demo.txt
	@touch $@

.venv/.test: .venv/.demo requirements/test.txt
	@$(PIP) install -r requirements/test.txt
	@touch $@

.venv/.bench: .venv/.test requirements/bench.txt
	@$(PIP) install -r requirements/bench.txt
	@touch $@

.venv/.bench-modern: .venv/.python requirements/bench-modern.txt
	@$(if $(PYTHON312),"$(PYTHON312)" -m venv .venv/modern && .venv/modern/bin/python -m pip \
		--disable-pip-version-check -q install -r requirements/bench-modern.txt || \
		echo "$(PYTHON312) takes no requirements/bench-modern.txt: two contenders will not run")
	@touch $@

.venv/.browser: .venv/.test requirements/browser.txt
	@$(PIP) install -r requirements/browser.txt
	@touch $@

.venv/.lint: .venv/.test requirements/lint.txt
	@$(PIP) install -r requirements/lint.txt
	@touch $@
