# One environment, in .venv, from the lock in requirements.txt.
PYTHON ?= python3
BIN := .venv/bin
# Its builds differ by machine and so have no common digest; what it needs is locked.
TORCH := $(shell sed -n 's/^ *\(torch .*\)/\1/p' setup.cfg | head -1)

.PHONY: install demo test soak speed lock clean

install: .venv/installed

demo: .venv/installed
	@$(BIN)/python -m experiments.names

test: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/pytest -n auto --dist loadgroup

soak: .venv/installed
	$(BIN)/python tests/soak

speed: .venv/installed
	sed -e '/--hash=/d' -e 's/ \\$$//' requirements.txt > .venv/constraints.txt
	$(BIN)/pip install --quiet --constraint .venv/constraints.txt --editable '.[speed]'
	$(BIN)/python -m experiments.speed --quick

.venv/installed: requirements.txt setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "seqjax needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; name another by make PYTHON=...")'
	$(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --no-deps '$(TORCH)'
	$(BIN)/pip install --quiet --no-deps --editable .
	@touch $@

lock: .venv/installed
	$(BIN)/pip install --quiet pip-tools
	CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra test --extra text --extra sound --extra images --extra series --extra dna --extra export --output-file requirements.txt setup.cfg
	sed -i '/^torch==/,/# via/d' requirements.txt
	$(BIN)/pip install --quiet --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet pip-licenses
	$(BIN)/pip-licenses --format=markdown --order=license --ignore-packages seqjax --output-file=THIRD_PARTY_LICENSES.md

clean:
	rm -rf .venv
