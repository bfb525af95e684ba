# Two commands matter: `make demo` and `make test`. Both create .venv when it is missing.
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
# PyTorch is a test peer only. Pinned, so that a CPU build named in pip's configuration is taken;
# without one, pip fetches the platform's default build, on Linux with CUDA.
TORCH := torch==2.13.0

# Scripts in a virtual environment, and what it knows of klosed, hold absolute paths. Modules and
# this path let a clone that was moved go on.
export PYTHONPATH := $(CURDIR)/src

.PHONY: help demo test test-all lint docs gallery derivations bench bench-kl clean

help:
	@echo "make demo      train on the embedded digits; leaves a run folder with pictures"
	@echo "make test      install what the tests need and run them"
	@echo "make test-all  the same, slow tests included"
	@echo "make lint      formatter, linter, strict types, floors"
	@echo "make docs      the documentation as HTML under docs/_build"
	@echo "make bench     training and inference beside PyTorch, JAX and NumPy; rewrites docs/speed.md"
	@echo "make gallery   the pictures of docs/gallery.md, drawn anew"
	@echo "make derivations  every derivation shown, then written to docs/derivations"
	@echo "make bench-kl  KL accuracy of klosed and of other libraries; rewrites docs/kl-accuracy.md"
	@echo "make clean     remove .venv and caches"

$(BIN)/pip:
	@sh tools/make_venv.sh $(VENV)

$(VENV)/.klosed: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: pyproject.toml Makefile | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(TORCH)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@ $(VENV)/.klosed

$(VENV)/.docs: pyproject.toml | $(BIN)/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[docs]"
	@touch $@

demo: $(VENV)/.klosed
	@$(BIN)/python -m klosed train digits --likelihood gaussian --batch-size 32 --epochs 100

test: $(VENV)/.dev
	KLOSED_TEST_SEED=1 $(BIN)/python -m pytest -n 2

# draws all its cases, and anew each time; a failure prints the KLOSED_TEST_SEED that repeats it
test-all: $(VENV)/.dev
	KLOSED_TEST_DRAWS=all $(BIN)/python -m pytest -n 2 -m "slow or not slow"

lint: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(VENV)/.docs
	$(BIN)/sphinx-build -W -b html docs docs/_build/html

gallery: $(VENV)/.dev
	$(BIN)/python tools/gallery.py
derivations: $(VENV)/.dev
	$(BIN)/python tools/derivation_pages.py

bench-kl: $(VENV)/.dev
	$(BIN)/python benchmarks/kl_accuracy.py
	$(BIN)/python benchmarks/kl_accuracy.py --table docs/kl-accuracy.md

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/vae/run.py --write

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache docs/_build
