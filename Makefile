# Two commands matter: `make run` and `make test`. Neither needs root.

PYTHON ?= python3
WORKERS ?= auto
MINUTES ?= 10
LONG ?= none
DURATIONS ?= --durations=30
VENV := .venv
BIN := $(VENV)/bin
# Most of what comes along is never imported: compiling all of it would take most of the time.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile
TORCH := torch==2.13.0
FUZZER := atheris==3.0.0
NODE_PACKAGES := hyperformula@3.5.0 pyodide@314.0.7 pyright@1.1.414
# Each version compiles to other bytes: after another is named here, `make modules`.
ZIG := ziglang==0.17.1
GENERATOR := zensical==0.0.73
UV := uv==0.13.9

ifneq ($(filter-out 0,$(REQUIRE_ALL)),)
WITNESSES := $(VENV)/with-torch $(VENV)/with-generator
endif

# Tests start hundreds of commands: each would compile the package again.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test pytest everything lint format bench record fuzz extension modules languages constraints site package release-check clean

help: ## Say what can be made
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

run: $(VENV)/with-gradbook $(VENV)/with-compiler ## Set up, run `gradbook demo` and write everything to out/
	@$(BIN)/gradbook demo

test: $(VENV)/with-tests $(WITNESSES) ## Set up and run the tests; LONG=COMMIT long ones too, of what differs from it; with REQUIRE_ALL=1 no witness may be missing
	@$(MAKE) --no-print-directory --jobs=2 lint pytest  # types are read on one processor

pytest: | $(VENV)/with-tests
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --long $(LONG) $(DURATIONS)

everything: ## All tests with all witnesses, and more of each family
	REQUIRE_ALL=1 THOROUGH=1 $(MAKE) test LONG=all

lint: $(VENV)/with-tests ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint src tests bench
	$(BIN)/mypy

format: $(VENV)/with-tests ## Put the code into the one form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/with-tests ## Measure ourselves; figures are printed, nothing is judged
	@for name in startup engine kills check_speed photos; do \
		$(BIN)/python bench/$$name.py || exit 1; done

record: $(VENV)/with-tests ## Train what ENTRY=NAME of bench/records claims, and say whether it holds
	$(BIN)/python -m bench.records $(ENTRY)

fuzz: $(VENV)/with-fuzzer ## Search every reader for faults, for MINUTES=10; finds become tests
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

extension: $(VENV)/with-tests ## Write out/gradbook.oxt, the extension of LibreOffice Calc, and out/excel.xml, by which Excel takes the site's page
	$(BIN)/python -m scripts.extension
	$(BIN)/python -m scripts.excel_manifest

modules: $(VENV)/with-tests ## Compile what pages of the built-in recipes run, after the engine's C has changed
	$(PIP) '$(ZIG)'
	$(BIN)/python -m scripts.pack_modules

languages: $(VENV)/with-tests ## Gather the messages that the code has now into every catalogue, and compile them
	$(BIN)/python -m scripts.catalogues

constraints: $(VENV)/with-tests ## Choose the newest versions of what tests and types are checked with, for every Python that we support
	$(PIP) '$(UV)'
	$(BIN)/uv pip compile pyproject.toml --group test --universal --python-version 3.11 --upgrade \
		--no-header --no-annotate --no-emit-index-url --quiet --output-file constraints.txt

site: $(VENV)/with-generator ## Build the documentation into out/site, or into PUBLISHED=FOLDER beside that of other releases
	$(BIN)/python -m $(if $(PUBLISHED),scripts.site_versions '$(PUBLISHED)',scripts.site)

package: $(VENV)/with-tests ## Build what is published, a wheel, the sources and the extension, in dist/, and check it
	$(PIP) build twine
	rm -rf dist
	$(BIN)/python -m build
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m scripts.extension dist/gradbook.oxt
	$(BIN)/python -m scripts.release --recipe

release-check: $(VENV)/with-tests ## Say what stands against a release of this version
	$(BIN)/python -m scripts.release_check

clean: ## Take away everything that was made
	rm -rf $(VENV) out dist build .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "gradbook needs Python 3.11 or newer: make PYTHON=python3.11 …" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --upgrade pip  # an older one writes a slower start into the command

$(VENV)/with-gradbook: pyproject.toml | $(BIN)/python
	$(PIP) --editable .
	@touch $@

$(VENV)/with-compiler: | $(VENV)/with-gradbook
	@for name in $${GRADBOOK_CC:-gcc cc clang}; do command -v $$name >/dev/null && exit; done; \
		echo "no C compiler here: taking one as a wheel"; $(PIP) --editable '.[zig]' || \
		echo "that didn't work either: training goes on in NumPy, slowly" >&2
	@touch $@

$(VENV)/with-tests: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable . --group test --constraint constraints.txt
	@touch $@ $(VENV)/with-gradbook

$(VENV)/with-fuzzer: Makefile | $(VENV)/with-tests
	$(PIP) '$(FUZZER)'
	@touch $@

$(VENV)/with-generator: Makefile | $(VENV)/with-tests
	$(PIP) '$(GENERATOR)'
	@touch $@

$(VENV)/with-torch: Makefile | $(VENV)/with-tests
	$(PIP) '$(TORCH)' onnx onnxruntime onnxscript skl2onnx keras h5py pyarrow '$(ZIG)'
	$(PIP) --no-deps markdown moodle-xml-parser pygiftparser pyslet yattag
	$(PIP) build hatchling twine
	$(PIP) --no-deps axe-playwright-python  # for its script
	if command -v npm >/dev/null; then \
		npm install --silent --no-save --no-audit --no-fund --prefix $(VENV) $(NODE_PACKAGES); fi
	@touch $@
