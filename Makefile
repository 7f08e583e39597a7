# Every task of this project. `make help` lists them; CI runs `make check` and nothing else.

HOST ?= 127.0.0.1
PORT ?= 8000
SERVE ?= 1
# Where the tests find PostgreSQL; without one they are skipped, with CI=true that is an error.
POSTGRES_URL ?= postgres://footnote:footnote@127.0.0.1:5432/footnote

VENV := .venv
BIN := $(VENV)/bin
MANAGE := $(BIN)/python manage.py
CODE := config crm enrichment sources benchmarks tests manage.py
# Your own database and queue are none of the tests' business.
ALONE := env -u DATABASE_URL -u REDIS_URL -u FOOTNOTE_HOME
PYTEST := $(BIN)/pytest -n 2

# Older versions of the client that the API is tested with; each needs a folder of its own.
SDKS := $(patsubst .ci/linkt-sdk-%.txt,$(VENV)/sdk/%/stamp,$(wildcard .ci/linkt-sdk-*.txt))

.DEFAULT_GOAL := help
.PHONY: help demo run test check tools sdk deploy-check services test-sqlite test-postgres bench bench-million torture format clean

help:  ## list the tasks
	@echo "Usage: make <task> [PORT=8000] [HOST=127.0.0.1] [PYTHON=python3.12]"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/run.stamp  ## enrich the shipped sample offline, then serve it (SERVE=0: only the summary)
	@$(MANAGE) demo
	@if [ "$(SERVE)" != "0" ]; then exec $(MANAGE) up --host "$(HOST)" --port "$(PORT)"; fi

run: $(VENV)/run.stamp  ## serve web and workers on your own data
	@exec $(MANAGE) up --host "$(HOST)" --port "$(PORT)"

test: $(VENV)/dev.stamp $(SDKS)  ## the tests; what needs a missing service is skipped with its reason
	@$(ALONE) $(PYTEST) -rfEs

check: tools deploy-check services test-sqlite test-postgres  ## format, lint, types, contracts, migrations, security, tests

# B608, B611: table and column names in SQL come from models, values are always parameters.
# B105: takes the name of a module of Django for a password.
NOT_BANDIT := B105,B608,B611

tools: $(VENV)/dev.stamp
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/bandit -q -c pyproject.toml --skip $(NOT_BANDIT) -r config crm enrichment sources manage.py

# As in production: HTTPS, a named host, a key of its own; a warning is an error.
deploy-check: export FOOTNOTE_HOME = $(CURDIR)/var/check
deploy-check: export FOOTNOTE_HTTPS = 1
deploy-check: export ALLOWED_HOSTS = crm.example.com
deploy-check: export DATABASE_URL = sqlite:///$(CURDIR)/var/check/footnote.sqlite3
deploy-check: $(VENV)/dev.stamp
	@mkdir -p var/check
	$(MANAGE) makemigrations --check --dry-run
	$(MANAGE) check --deploy --fail-level WARNING

# In CI nothing may be skipped for want of a service.
services: $(VENV)/dev.stamp
	@if [ -n "$$CI" ]; then $(BIN)/python .ci/services.py "$(POSTGRES_URL)"; fi

test-sqlite: $(VENV)/dev.stamp $(SDKS)
	$(ALONE) $(PYTEST) -rfEs

# What touches the database, a second time; tests/sources has no database.
test-postgres: $(VENV)/dev.stamp $(SDKS)
	@if $(BIN)/python .ci/services.py --only postgres "$(POSTGRES_URL)"; then \
		echo "$(PYTEST) … on PostgreSQL"; \
		$(ALONE) DATABASE_URL="$(POSTGRES_URL)" $(PYTEST) -rfEs --ignore=tests/sources --ignore=tests/test_architecture.py --ignore=tests/test_docs.py; \
	elif [ -n "$$CI" ]; then exit 1; \
	else echo "The tests on PostgreSQL are left out."; fi

sdk: $(SDKS)

bench: $(VENV)/dev.stamp  ## each path beside its peer and its limit, as ratios
	@$(BIN)/python -m benchmarks

bench-million: $(VENV)/dev.stamp  ## memory that a million rows need, in, enriched and out (takes its time)
	@$(BIN)/python -m benchmarks p9 --million

torture: $(VENV)/dev.stamp  ## kill processes at random under runs, count what was lost or paid twice (TORTURE="--seed 7")
	@$(BIN)/python -m tests.torture $(TORTURE)

format: $(VENV)/dev.stamp  ## put the code in order
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

clean:  ## remove the virtual environment and the caches; your data in var/ stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache htmlcov .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Packages are installed again only when their lock changes.
$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	@echo "Installing packages (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements-dev.txt | $(BIN)/python
	@echo "Installing packages (once) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

$(VENV)/sdk/%/stamp: .ci/linkt-sdk-%.txt | $(VENV)/dev.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target $(@D) -r $<
	@touch $@

$(BIN)/python:
	@sh .ci/make_venv.sh $(VENV) "$(PYTHON)"
