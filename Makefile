# emostream: `make demo` shows the whole system, `make test` proves it. Both set up .venv when needed.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
# Tests spread over the cores; the ones that start the whole stack run one at a time (see tests/conftest.py).
PYTEST ?= $(BIN)/pytest -n 2 --dist loadgroup

.PHONY: demo test test-slow lint format clean docs docs-site tutorials bench faults nodes triton soak page-soak fuzz fuzz-bytes alerts-test help

demo: $(READY) ## run the whole system on this machine; ARGS="--seconds 40 --report demo.json"
	$(BIN)/emostream demo $(ARGS)

test: $(READY) ## all tests but the slow suites
	$(PYTEST) tests $(ARGS)

test-slow: $(READY) ## whole systems with their page in Chromium, Prometheus, tutorials: one after the other
	$(BIN)/pytest -m slow tests $(ARGS)

lint: $(READY) ## style, types, import contracts, unsafe code and dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive pipeline serving
	$(BIN)/python -m tests.audit

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## write the generated pages: settings, metrics, schemas
	$(BIN)/python -m pipeline.docs docs

docs-site: $(READY) ## docs/ as a site with search, into build/site; any web server shows it
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)
	@echo "build/site is ready: $(BIN)/python -m http.server -d build/site 8600"

tutorials: $(READY) ## every tutorial as a reader follows it, those that start a system of their own, too
	EMOSTREAM_TUTORIALS=all $(BIN)/pytest --timeout 600 -s tests/e2e/test_tutorials.py $(ARGS)

bench: $(READY) ## frames per second of the pipeline beside a bare loop
	$(BIN)/emostream bench pipeline $(ARGS)

soak: $(READY) ## an hour of wear on the whole system, its processes watched; ARGS="--minutes 30 --plot soak.png"
	$(BIN)/python -m tests.soak $(ARGS)

page-soak: $(READY) ## sixty cameras on the page for half an hour, in Chromium; ARGS="--minutes 5"
	$(BIN)/python -m tests.page.soak $(ARGS)

faults: $(READY) ## the system under kills, outages and garbage; ARGS="--seed 7 --only NAME --report faults.json"
	$(BIN)/python -m tests.faults $(ARGS)

nodes: $(READY) ## three hosts, and one of them, a broker, a model server, Ray's head lost; ARGS="--report nodes.json"
	$(BIN)/python -m tests.nodes $(ARGS)

fuzz: $(READY) ## 10,000 made-up requests to the control API; EMOSTREAM_API_SEED=7 makes others
	EMOSTREAM_API_CASES=10000 $(BIN)/pytest --timeout 3600 -s tests/integration/test_api_schema.py $(ARGS)

fuzz-bytes: $(READY) ## everything that parses bytes from outside, a minute each; ARGS="jpeg --seconds 600"
	$(BIN)/python -m tests.fuzz $(ARGS)

alerts-test: $(READY) ## every alert made to fire and clear; ARGS="--only cameras --report alerts.json"
	$(BIN)/python -m tests.alerts_real $(ARGS)

# Triton's Python backend runs the python that is first in PATH, isolated, and needs numpy 1. Torch it gets from $(VENV).
triton: $(READY) ## a Triton Inference Server for the classifier's tests: 55 MB to download
	$(PYTHON) -m venv $(VENV)-triton
	$(VENV)-triton/bin/python -m pip install --disable-pip-version-check --quiet nvidia-pytriton==0.7.0
	$(BIN)/python -c "import sysconfig; print(sysconfig.get_path('purelib'))" > $(VENV)-triton/lib/python3.11/site-packages/emostream.pth

$(READY): requirements.lock pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "emostream needs Python 3.11: install it, or name it with PYTHON=..."; exit 1; }
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the dependencies: about 3 GB to download the first time, 5.6 GB on disk; some minutes"
	$(BIN)/python -m pip install --disable-pip-version-check --require-hashes --no-deps --progress-bar $(if $(CI),off,on) -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps --editable .
	@touch $@

lock: ## resolve the dependencies anew, after a change of pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--python-version 3.11 --output-file requirements.lock

clean: ## remove the virtual environment and caches; the fetched Kafka stays in the user's cache
	rm -rf $(VENV) $(VENV)-triton .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache runs dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

help:
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'
