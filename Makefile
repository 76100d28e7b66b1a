# make demo and make test are all a newcomer needs; each sets up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: setup demo test lint bench clean
setup: $(VENV)/.stamp

$(VENV)/.stamp: pyproject.toml constraints.txt
	@echo "Setting up $(VENV): this downloads the PyTorch stack, about 3 GB (5.5 GB on disk, 2-5 minutes)."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[tests,tools]'
	touch $@

demo: setup
	$(BIN)/python simulations/demo.py

test: setup
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf out build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
