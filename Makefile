# Thin: every target is one command of the project's own tools. `make setup` makes .venv; the others make it when it is missing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=

.PHONY: setup demo test check docs peers cts cts-full cts-perf bench bench-large bench-peers clean lock
setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: $(STAMP)
	@$(BIN)/cohort-sync demo $(ARGS)

# Much of it waits for processes and brokers, so that several at a time take half as long.
test: $(STAMP)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/cohort-sync types check

# docs/reference is made from the code; a test says when it is not current.
docs: $(STAMP)
	$(BIN)/python docs/tools/make_reference.py

peers: $(STAMP)
	$(BIN)/python -m pytest tests/peers --timeout=600 $(ARGS)

# Egeria's own exam of our worker; summaries in build/cts*.json.
cts: $(STAMP)
	@PYTHONPATH=tests $(BIN)/python -m cts functional $(ARGS)

cts-full: $(STAMP)
	@PYTHONPATH=tests $(BIN)/python -m cts full $(ARGS)

cts-perf: $(STAMP)
	@PYTHONPATH=tests $(BIN)/python -m cts perf $(ARGS)

bench: $(STAMP)
	$(BIN)/python -m bench $(ARGS)

# A million entities: 13 GB of disk, 20 minutes; build/bench-large.json.
bench-large: $(STAMP)
	$(BIN)/python -m bench.large $(ARGS)

# Beside Apache Kafka and Egeria servers (Java 17, Maven), about four minutes; build/bench-peers.json.
bench-peers: $(STAMP)
	$(BIN)/python -m bench.peers $(ARGS)

# Resolves the newest versions that pyproject.toml allows and pins them.
lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet -e ".[dev]"
	{ echo "# The versions that the tests ran with; made by 'make lock'."; build/lock/bin/python -m pip freeze --exclude-editable; } > requirements.lock
	rm -rf build/lock

clean:
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache $(VENV)
