# The engine of the book. `make help` lists what it can do.

PYTHON  ?= python3
DATASET ?= mini
BIN     := .venv/bin
RUNS    := _build/runs/$(DATASET)
PAGE    := _build/html/index.html

NOTEBOOKS := $(sort $(wildcard notebooks/[0-9]*.ipynb))
EXECUTED  := $(NOTEBOOKS:notebooks/%=$(RUNS)/%)
PACKAGE   := $(wildcard mnist_helpers/*.py mnist_helpers/*.mplstyle mnist_helpers/data/*)
PAGES     := _config.yml _toc.yml $(shell find book -type f)
INSTALLED := .venv/.installed

ifeq ($(filter $(DATASET),mini mnist),)
  $(error DATASET is "$(DATASET)"; choose mini or mnist)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help install book test lint format strip lab serve record sync lock clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  DATASET=mini (5,000 images, the default) or DATASET=mnist (all 70,000) goes with book and record."

install: $(INSTALLED)  ## create .venv and install everything, as pinned in requirements.txt

$(INSTALLED): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or later is needed; $(PYTHON) is older. Try: make PYTHON=python3.12"; exit 1; }
	@echo "Installing into .venv (once; about 1.5 GB)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

book: _build/html/.$(DATASET)  ## run the notebooks that changed, build the pages and check them
	@echo "Open $(PAGE)"

$(RUNS)/%.ipynb: notebooks/%.ipynb $(PACKAGE) tools/run_notebook.py $(INSTALLED)
	@mkdir -p $(RUNS)/results
	@MNIST_RESULTS=$(abspath $(RUNS)/results) $(BIN)/python tools/run_notebook.py $< $@ dataset=$(DATASET)

_build/html/.$(DATASET): $(EXECUTED) $(PAGES) $(wildcard tools/*.py)
	@rm -rf _build/html _build/.doctrees
	@$(BIN)/python tools/stage.py $(DATASET)
	@$(BIN)/jupyter-book build _build/book --path-output . -W -n --keep-going --quiet > _build/sphinx.log 2>&1 || \
	  { cat _build/sphinx.log; exit 1; }
	@$(BIN)/python tools/check_html.py _build/html
	@touch $@

test: $(INSTALLED)  ## run the tests
	@$(BIN)/python -m pytest

lint: $(INSTALLED)  ## check code, notebooks, stripped outputs, spelling
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/nbstripout --verify --keep-id $(NOTEBOOKS)
	@$(BIN)/python tools/sync.py --check
	@$(BIN)/codespell README.md book mnist_helpers notebooks tests tools Makefile *.yml

format: $(INSTALLED) strip  ## put code into the common form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

strip: $(INSTALLED)  ## take the outputs out of the notebooks
	@$(BIN)/nbstripout --keep-id $(NOTEBOOKS)

lab: $(INSTALLED)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

serve: book  ## show the built book on this machine
	@echo "http://127.0.0.1:8000 (Ctrl+C ends it)"
	@$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

record: $(EXECUTED)  ## store this run's numbers in book/results/$(DATASET).json
	@$(BIN)/python tools/record.py $(DATASET)

sync: $(INSTALLED)  ## write links, set-up cells and times into the notebooks; REPOSITORY=owner/name moves the book
	@$(BIN)/python tools/sync.py $(REPOSITORY)

lock: $(INSTALLED)  ## compile requirements.txt from pyproject.toml
	@$(BIN)/uv pip compile --quiet --universal --all-extras --no-header --no-emit-index-url pyproject.toml -o requirements.txt

clean:  ## delete everything that was built (.venv stays)
	rm -rf _build .pytest_cache .ruff_cache *.egg-info
