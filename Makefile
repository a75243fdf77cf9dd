# The two commands of the README are `make annotate` and `make test`; everything else is for those
# who change the code. `.venv` is made anew when the pins or the dependencies change.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN = .venv/bin
RUN = $(CURDIR)/$(BIN)

.venv/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $@

.PHONY: annotate test check thorough hostile torture reproduce clean

annotate: .venv/.ready
	$(BIN)/llmner annotate examples/texts.jsonl -o runs/annotated.jsonl --html runs/annotated.html

# Two processes, a file of tests in one of them: the files stand alone.
test: .venv/.ready
	$(BIN)/pytest -q -n 2 --dist loadfile

check: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/core --cov --cov-report=term
	$(BIN)/pytest -q -n 2 --dist loadfile

# Ten thousand hostile texts through every codec; minutes instead of seconds.
thorough: .venv/.ready
	HYPOTHESIS_PROFILE=thorough $(BIN)/pytest -q tests/core/test_tagging.py

# Five thousand hostile texts through the pipeline with the embedded model.
hostile: .venv/.ready
	HYPOTHESIS_PROFILE=hostile $(BIN)/pytest -q tests/pipelines/test_texts.py -k hostile

# Changed files, hostile model folders, killed runs, two writers, a full disk; hours. Figures stand in
# docs/reliability.md. OPTIONS="--files 100 --models 20 --kills 2 --train-kills 1" for minutes.
torture: .venv/.ready
	$(BIN)/python -m tests.torture $(OPTIONS)

# The paper's tables, run by run, on the embedded model or on one of the paper's backbones, which
# needs a GPU: make reproduce BACKBONE=glm4-9b OPTIONS=--dry-run; see docs/reproduce.md.
BACKBONE ?= embedded
reproduce: .venv/.ready
	$(BIN)/python -m recipes.reproduce $(BACKBONE) $(OPTIONS)

clean:
	rm -rf .venv runs build *.egg-info
