# What a person does daily. `make demo` and `make test` are all the set-up there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install demo test notebooks published chaos exactness bench statistics mlflow-away lint format clean

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

demo: install
	$(BIN)/hpstudy run studies/optimizers.py
	@echo
	@echo "Now open the MLflow UI:  $(BIN)/hpstudy ui   and visit http://127.0.0.1:5000"

# A file of tests stays in one process, so that what its tests share is made once; tests/conftest.py has their order.
TEST_PROCESSES ?= 2
test: install
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder

# Executes the notebooks again and writes them with their output.
notebooks: install
	$(BIN)/python docs/notebooks/execute.py

published: install
	-$(BIN)/hpstudy run studies/published.py
	$(BIN)/python docs/published.py

CHAOS_SECONDS ?= 600
chaos: install
	$(BIN)/python tests/chaos.py --seconds $(CHAOS_SECONDS) $(if $(SEED),--seed $(SEED))

exactness: install
	HPSTUDY_EXACTNESS_SEEDS=10 HPSTUDY_EXACTNESS_BUDGET=200 $(BIN)/python -m pytest tests/test_exactness.py

# all parts but the longest: make bench; one of them: make bench PART=imdb REPEATS=5
bench: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bench]'
	$(BIN)/python -m benchmarks $(PART) $(if $(REPEATS),--repeats $(REPEATS))

# The simulations of docs/report.md: how sharp and how valid answers are, and adaptive replicates.
statistics: install
	$(BIN)/python -m benchmarks.ranking 200
	$(BIN)/python -m benchmarks.adaptive
	$(BIN)/python -m benchmarks.banks .cache/banks

# A study's time with and without the MLflow server.
mlflow-away: install
	$(BIN)/python benchmarks/mlflow_away.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) .hpstudy build dist .pytest_cache .mypy_cache .ruff_cache
