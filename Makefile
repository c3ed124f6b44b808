# The commands of the house. `make demo` and `make test` are all that a new machine needs.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: install demo test unit check lock corpus clean
.DEFAULT_GOAL := install

install: $(INSTALLED)

# The environment follows the lock file; a changed lock or project file installs again.
$(INSTALLED): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v in ((3, 11), (3, 12)) else "Seraph needs Python 3.11 or 3.12, and %s is %d.%d: make install PYTHON=python3.12" % (sys.executable, *v))'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'pip==26.1.2'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable . --group dev
	touch $@

demo: $(INSTALLED)
	$(BIN)/seraph demo

# What starts the local stack comes after the rest. Two stacks at once: much of such a test is waiting.
test: $(INSTALLED)
	$(BIN)/python -m pytest tests -m 'not stack' -n auto --dist loadfile
	$(BIN)/python -m pytest tests -m stack -n 2 --dist loadfile

unit: $(INSTALLED)
	$(BIN)/python -m pytest tests -m 'not stack and not slow' -n auto --dist loadfile

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Resolve the lock again (uv resolves; pip installs with the result as constraints).
lock: $(INSTALLED)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --universal --python-version 3.11 --group dev --group corpus --no-header --no-annotate --upgrade pyproject.toml -o constraints.txt

# Build the demo corpus and train the demo checkpoints again (about half an hour on 2 cores).
corpus: $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --group corpus
	$(BIN)/python datasets/demo/build.py

clean:
	-$(BIN)/seraph down
	rm -rf .venv .seraph build *.egg-info .pytest_cache .mypy_cache .ruff_cache
