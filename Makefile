# Builds, tests and publishes the book. `make help` lists the targets.

PYTHON  ?= python3
DATASET ?= mini
BIN     := .venv/bin
RUNS    := _build/runs/$(DATASET)
PAGE    := _build/html/index.html

INSTALLED := .venv/.installed
# One build at a time, by a lock. With `make -j2` two notebooks run side by side.
BUILDING = $(BIN)/python -m tools.build.alone _build/lock
JOBS     = $(or $(patsubst -j%,%,$(filter -j%,$(MAKEFLAGS))),1)

# These programs write to the home folder by default, which may be read-only.
export IPYTHONDIR := $(CURDIR)/_build/home/ipython
export JUPYTER_RUNTIME_DIR := $(CURDIR)/_build/home/jupyter
export MPLCONFIGDIR := $(CURDIR)/_build/home/matplotlib

.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help install book run repeat publish-check test test-notebooks faults test-jax test-package rehearse audit links \
  newest benchmark lint format strip lab serve record pretrained calibrate samples handwriting sync lock status \
  chapter open-issue clean

help:  ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  DATASET=… goes with book, run, status and record: mini, the default, or another of DATASETS in datasets.py."

install: $(INSTALLED)  ## create .venv and install everything, as pinned in requirements.txt

$(INSTALLED): pyproject.toml requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else \
	  "Python 3.11, 3.12 or 3.13 is needed, this is %d.%d. Try: make PYTHON=python3.12" % v)'
	@echo "Installing into .venv (about 2 GB; a few minutes the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

book: $(INSTALLED)  ## run the notebooks that changed, build the pages and check them
	@$(BUILDING) sh -ec '$(BIN)/python -m tools.build.execute $(DATASET) --jobs $(JOBS); \
	  $(BIN)/python -m tools.build.pages $(DATASET)'
	@echo "Open $(PAGE)"

run: $(INSTALLED)  ## run the notebooks that changed, without pages; CHAPTER=large_cnn for one and those that it needs
	@$(BUILDING) $(BIN)/python -m tools.build.execute $(DATASET) $(CHAPTER) --jobs $(JOBS)

status: $(INSTALLED)  ## say which runs and records still belong to the code, and what outdated the others
	@$(BIN)/python -m tools.build.digest $(DATASET)

repeat: run  ## run every notebook a second time, and compare all numbers and figures with the first
	@rm -rf _build/again
	@$(BUILDING) $(BIN)/python -m tools.build.execute $(DATASET) --jobs $(JOBS) --runs _build/again/$(DATASET) --train-anew
	@$(BIN)/python -m tools.build.repeat $(RUNS) _build/again/$(DATASET)

publish-check: book  ## build the book with DATASET, and verify it as before publishing, in a browser, too
	@$(BIN)/python -m tools.build.publish_check $(RUNS)
	@REQUIRE_BROWSER=1 $(BIN)/python -m pytest --quiet tests/book/test_pages.py

test: $(INSTALLED)  ## run the tests, one process for each core, and say what of the package they covered
	@$(BIN)/python -m pytest --cov --durations=12 --numprocesses auto --dist worksteal

test-notebooks: $(INSTALLED)  ## run every chapter, shortened, with the solutions of its exercises
	@$(BIN)/python -m pytest -m slow --durations=12 --numprocesses auto --dist worksteal

faults: $(INSTALLED)  ## break downloads, fill disks, kill what is at work, and see that nothing is lost
	@$(BIN)/python -m pytest -m faults --durations=5 tests/faults

TESTS_OF_JAX := $(patsubst %,tests/mnist_helpers/%.py,test_models test_training test_augmentation test_parallel \
  test_evaluation test_cross_validation handwriting/test_weights handwriting/test_reading)
test-jax: .venv-jax/.installed  ## run the tests of models, training and evaluation on JAX, without TensorFlow
	@KERAS_BACKEND=jax .venv-jax/bin/python -m pytest tests/tools/measure/test_pretrain.py $(TESTS_OF_JAX)

.venv-jax/.installed: pyproject.toml requirements-jax.txt
	@$(PYTHON) -m venv .venv-jax
	@.venv-jax/bin/python -m pip install --quiet --quiet --disable-pip-version-check -r requirements-jax.txt
	@.venv-jax/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

# Built from a copy, because setuptools leaves a build folder, and used outside the checkout, which it must not import.
test-package:  ## build the package, install it into a new environment, read a picture with it; PYTHON=python3.12
	@set -e; place=$$(mktemp -d); trap 'rm -rf "$$place"' EXIT; unset PYTHONPATH; \
	  mkdir "$$place/source"; cp -R pyproject.toml README.md LICENSE book mnist_helpers "$$place/source"; \
	  cp requirements.txt "$$place"; \
	  $(PYTHON) -m venv "$$place/environment"; cd "$$place"; \
	  pip="environment/bin/python -m pip --quiet --quiet --disable-pip-version-check"; \
	  $$pip wheel --no-deps --wheel-dir . ./source; rm -rf source; \
	  $$pip install --constraint requirements.txt ./*.whl; \
	  picture=$$(environment/bin/python -c 'import mnist_helpers; print(mnist_helpers.sample_pictures()[4].path)'); \
	  environment/bin/mnist-helpers predict "$$picture" | tee answer; grep -q 'digit_4.jpg: 4 (' answer

rehearse: $(INSTALLED)  ## run every notebook as Colab does, and as environment.yml says, in new environments
	@$(BIN)/python -m tools.build.rehearse colab
	@$(BIN)/python -m tools.build.rehearse environment

audit: $(INSTALLED)  ## ask for known vulnerabilities of the pinned packages; needs a network
	@$(BIN)/uv tool run pip-audit==2.10.1 --strict --no-deps --disable-pip \
	  --requirement requirements.txt --requirement requirements-jax.txt

links: run  ## ask every host that the pages link to; needs a network
	@$(BUILDING) $(BIN)/python -m tools.build.pages $(DATASET) --links

newest:  ## run the tests with the newest Keras, TensorFlow and everything else, installed anew each time
	@$(PYTHON) -m venv --clear .venv-newest
	@.venv-newest/bin/python -m pip install --quiet --quiet --disable-pip-version-check \
	  --editable '.[book,dask,lab,test,widget]'
	@.venv-newest/bin/python -m pip list | grep -i -E "^(keras|tensorflow|numpy|jax) "
	@.venv-newest/bin/python -m pytest --numprocesses auto --dist worksteal

benchmark: $(INSTALLED)  ## run recipes side by side, and print ratios of time (OPTIONS="mnist --rounds 3")
	@$(BIN)/python -m tools.measure.benchmark $(or $(OPTIONS),mini)

.venv-torch:  # PyTorch for the benchmark, which does without it, too
	@$(PYTHON) -m venv $@
	@$@/bin/python -m pip install --quiet --quiet --disable-pip-version-check numpy torch==2.13.0 || { rm -rf $@; exit 1; }

lint: $(INSTALLED)  ## check code, types, workflows, stripped outputs, spelling
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/zizmor --offline --quiet --no-progress .github/workflows
	@$(BIN)/nbstripout --verify --keep-id notebooks/*.ipynb
	@$(BIN)/python -m tools.build.sync --check
	@$(BIN)/codespell README.md CHANGELOG.md CONTRIBUTING.md book mnist_helpers notebooks tests tools Makefile pyproject.toml *.yml

format: $(INSTALLED) strip  ## put code into the common form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

strip: $(INSTALLED)  ## take the outputs out of the notebooks
	@$(BIN)/nbstripout --keep-id notebooks/*.ipynb

lab: $(INSTALLED)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

serve: $(INSTALLED)  ## show the built book on this machine; builds it only if there is none
	@test -f $(PAGE) || $(MAKE) book
	@echo "http://127.0.0.1:8000 (Ctrl+C ends it)"
	@$(BIN)/python -m http.server 8000 --bind 127.0.0.1 --directory _build/html

record: run  ## store the numbers of a run, or of one chapter (CHAPTER=name), in book/results/$(DATASET).json
	@$(BIN)/python -m tools.build.record $(DATASET)

pretrained: $(INSTALLED)  ## train the network that ships, on all of MNIST, and write its weights and its model card
	@$(BIN)/python -m tools.measure.pretrain

calibrate: $(INSTALLED)  ## choose the threshold of the shipped network anew, without training; READ=0.98 of the digits
	@$(BIN)/python -m tools.measure.pretrain --calibrate $(if $(READ),--read $(READ))

samples: $(INSTALLED)  ## draw the sample pictures in book/samples again
	@$(BIN)/python -m tools.measure.draw_samples

handwriting: $(INSTALLED)  ## measure the reading of real pictures: FOLDER=… with index.tsv, OPTIONS=--record
	@test -n "$(FOLDER)" || { echo "Name a folder of pictures with its index.tsv: make handwriting FOLDER=…"; exit 1; }
	@$(BIN)/python -m tools.measure.handwriting "$(FOLDER)" $(OPTIONS)

chapter: export TITLE := $(TITLE)
chapter: $(INSTALLED)  ## make room for a new chapter: AFTER=3 NAME=attention TITLE="…"; MOVE="tuning=5" renumbers
	@$(BIN)/python -m tools.build.renumber $(MOVE) $(if $(NAME),--add $(NAME)) $(if $(AFTER),--after $(AFTER)) \
	  $(if $(TITLE),--title "$$TITLE")
	@$(BIN)/nbstripout --keep-id notebooks/*.ipynb

sync: $(INSTALLED)  ## write links, set-up cells and times into the notebooks; REPOSITORY=owner/name moves the book
	@$(BIN)/python -m tools.build.sync $(REPOSITORY)

# Every pin stays as long as pyproject.toml allows it, except those that UPGRADE names. A file in which nothing changed
# keeps its time, or everything would be installed again.
LOCK := $(BIN)/uv pip compile --quiet --universal --no-header --no-emit-index-url pyproject.toml \
  $(UPGRADE:%=--upgrade-package %)
lock: $(INSTALLED)  ## compile the requirements files from pyproject.toml; UPGRADE="keras numpy" moves these pins
	@for name in $(UPGRADE); do grep -q "^$$name==" requirements.txt requirements-jax.txt || \
	  { echo "$$name is pinned neither in requirements.txt nor in requirements-jax.txt"; exit 1; }; done
	@mkdir -p _build; cp -p requirements.txt requirements-jax.txt _build
	@$(LOCK) --extra book --extra dask --extra lab --extra test --extra widget -o requirements.txt
	@$(LOCK) --extra dask --extra jax --extra test --constraint requirements.txt --no-emit-package tensorflow \
	  -o requirements-jax.txt
	@for file in requirements.txt requirements-jax.txt; do \
	  if cmp -s _build/$$file $$file; then mv _build/$$file $$file; fi; done

open-issue:  # TITLE="…": on GitHub, unless one with this title is open
	@gh issue list --state open --search "in:title $(TITLE)" --json title --jq '.[].title' | grep -qxF "$(TITLE)" || \
	  gh issue create --title "$(TITLE)" --body "The weekly run found something: $(RUN)"

clean:  ## delete everything that was built (.venv stays)
	rm -rf _build notebooks/results .mypy_cache .pytest_cache .ruff_cache *.egg-info
	find mnist_helpers tests tools -name __pycache__ -prune -exec rm -rf {} +
