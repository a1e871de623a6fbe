# make demo: set up, and run the demo. make test: set up, and run the tests.
PYTHON ?= python3
BIN := .venv/bin

# two processes that compute at once on the same cores: waiting threads must sleep, not spin
test test-slow: export OMP_WAIT_POLICY = passive
INSTALLED := .venv/.installed

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[adapters,classifiers,databases,demo,dev,stores]'
	touch $@

.PHONY: install demo smoke test test-slow lint current clean
install: $(INSTALLED)

demo: $(INSTALLED)
	$(BIN)/specforge run specs/same_cart.yaml

# The demo on a part of its data, with no claim about quality.
smoke: $(INSTALLED)
	$(BIN)/specforge run specs/same_cart.yaml --limit 200000 --set objectives.same_cart.min_groups=50

# by file, so that what the tests of one share is made once
test: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 --dist loadfile

test-slow: $(INSTALLED)
	$(BIN)/python -m pytest -n 2 -m slow

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	for folder in generated/*/; do (cd $$folder && ../../$(BIN)/mypy --config-file ../mypy.ini --cache-dir ../../.mypy_cache/$$folder .) || exit 1; done

current: $(INSTALLED)
	$(BIN)/specforge compile --check specs/*.yaml

clean:
	rm -rf runs .mypy_cache .pytest_cache .ruff_cache .hypothesis
