# Needs make and Python 3.11.5 or later, nothing else: each target sets up what it lacks, once.
PYTHON ?= python3
ADDR ?= 127.0.0.1:8000

BIN := .venv/bin
# Written when the environment is complete, so a set-up that failed is begun again.
STAMP := .venv/complete

# What is published is dated by its last commit, not by the day on which it was built.
EPOCH = $(shell git log -1 --format=%ct 2>/dev/null)

# Material prints a banner about MkDocs 2 before every build; this silences it.
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help serve site test soak bench lock clean

help:
	@echo "make serve   the site at http://$(ADDR)/, live, while what is stale runs (ADDR=host:port)"
	@echo "make site    the whole site into site/; a warning is an error"
	@echo "             (OFFLINE=1: into site-offline/, to be opened from the folder)"
	@echo "make test    every check and every test"
	@echo "make soak    every test at its full count of examples, kills and pictures: hours, for the night"
	@echo "make bench   how fast replicas train together, and sites build, beside others"
	@echo "make lock    requirements.lock from pyproject.toml (UPGRADE=1 for newer versions)"
	@echo "make clean   remove site/ and the stored results .dlfaq/, keep the environment"
	@echo "Each makes its environment in .venv first (PYTHON=/path/to/python3.11 or later)."

serve: $(STAMP)
	@echo "Serving on http://$(ADDR)/ as soon as the pages are built; what is stale runs meanwhile."
	$(BIN)/mkdocs serve --dev-addr "$(ADDR)"

site: $(STAMP)
	$(if $(EPOCH),SOURCE_DATE_EPOCH=$(EPOCH) )$(if $(OFFLINE),OFFLINE=true )$(BIN)/mkdocs build --strict$(if $(OFFLINE), --site-dir site-offline)

# pytest is last, so that its summary is the last thing one reads.
test: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest

soak: $(STAMP)
	$(BIN)/pytest --soak

bench: $(STAMP)
	$(BIN)/python bench/replicas.py
	$(BIN)/python bench/engine

# uv keeps the pins it finds in its output, hence the copy. The lock is replaced only if it differs:
# a newer file would set the environment up again.
lock: $(STAMP)
	cp requirements.lock .venv/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11.5 --generate-hashes \
	    --no-emit-index-url --no-header --all-extras $(if $(UPGRADE),--upgrade) \
	    --output-file .venv/requirements.lock pyproject.toml
	@if cmp -s .venv/requirements.lock requirements.lock; then echo "requirements.lock is up to date"; \
	else cp .venv/requirements.lock requirements.lock; echo "requirements.lock is new"; fi

clean:
	rm -rf site site-offline .dlfaq

# The project goes in without its dependencies and builds with the locked back end: nothing that is
# not in the lock is ever installed.
$(STAMP): requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { echo "expected Python 3.11.5 or later; got no command" \
	    "'$(PYTHON)'; say where it is: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; got = sys.version_info[:3]; sys.exit(got < (3, 11, 5) and \
	    "expected Python 3.11.5 or later (pymdown-extensions 13 needs it); got %d.%d.%d as " \
	    "$(PYTHON); name another: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" % got)'
	@echo "Setting up .venv from requirements.lock: about two minutes the first time, most of it PyTorch."
	@test -x $(BIN)/pip || "$(PYTHON)" -m venv .venv
	$(BIN)/python -m pip install --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $@
