# make run    repeat the NAS-Bench-201 paper's comparison: its figures beside ours in the terminal, a picture in results/
# make test   the test suite, but for what is slow (make test-slow), trains (make test-train) or needs published data
# make lint   ruff and strict mypy
# make bench  speed, beside what a user would otherwise pick
# make fuzz   damaged and hostile files for everything that reads one
# make audit  no dependency is allowed, or installed, with a known hole
# make release-check  what is in the source archive and the wheel, and what the package index shows
# make dist   the two of them, checked, ready to be uploaded
# make test-matrix    the tests on the oldest and on the newest versions that are supported
# make examples  the notebooks of examples/, executed, as pages in results/examples (installs Jupyter and torch)
# make tables the bundled stores again, bit for bit, from their published sources: make tables SOURCE=folder
# make docs   the documentation site: open build/site/index.html
# make pictures  the pictures of the README and the docs (this was make docs)
# make figures  every kind of figure, in every style and width, to look at: results/figures/index.html
# make clean  remove everything that was made
#
# Every verb does its own set-up in .venv, on Python 3.11 or newer: make PYTHON=python3.13 picks another.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# pip's cache and messages are the user's own business; what is pinned for CI comes by PIP_CONSTRAINT
# Python compiles what is imported; pip would compile everything, which takes longer than the rest of it
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# without it, each of some hundred processes that the tests start would compile everything it imports anew
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test lint bench docs pictures examples figures tables clean fuzz audit install-all dist release-check test-matrix test-published test-slow test-train

run: $(VENV)/.run
	@mkdir -p results
	@$(BIN)/nasbench-kit reproduce nb201-cifar10 --plot results/nb201.png
	@echo "the picture is results/nb201.png"

# there is a test process for each core: further threads in each would only wait for each other
test test-slow test-train test-published: export OMP_NUM_THREADS ?= 1
test test-slow test-train test-published: export OPENBLAS_NUM_THREADS ?= 1

# with ALL=1, as in CI, also what is slow and what trains
test: $(VENV)/$(if $(ALL),.train,.test)
	$(BIN)/python -m pytest $(if $(ALL),-m "",--ignore=tests/training)

# seconds each: damage at every byte, kills at every moment, statistics
test-slow: $(VENV)/.test
	$(BIN)/python -m pytest -m slow

# the same suite's checks on published data: make test-published NASBENCH_KIT_PUBLISHED=folder
test-published: $(VENV)/.test
	NASBENCH_KIT_PUBLISHED=$(abspath $(NASBENCH_KIT_PUBLISHED)) $(BIN)/python -m pytest tests/published

# trains networks for real: needs torch, scikit-learn and, for one test, dask
test-train: $(VENV)/.train
	$(BIN)/python -m pytest tests/training

# damaged and hostile files for everything that reads one; for hours by hand: make fuzz FUZZ_SECONDS=7200 FUZZ_SEED=1
FUZZ_SECONDS ?= 60
FUZZ_SEED ?= 0
fuzz: $(VENV)/.test
	$(BIN)/python -m tests.fuzz --seconds $(FUZZ_SECONDS) --seed $(FUZZ_SEED)

audit: $(VENV)/.test
	@$(INSTALL) pip-audit 2>/dev/null || echo "pip-audit cannot be installed here: the list in .ci is what is checked"
	$(BIN)/python tools/audit.py

release-check: $(VENV)/.release
	$(BIN)/python tools/release_check.py

# both files, checked, ready to be uploaded
dist: $(VENV)/.release
	rm -rf dist
	$(BIN)/python tools/release_check.py dist

# one of the two, or some of the tests: make test-matrix CELLS="oldest tests/store"
test-matrix: $(VENV)/.made
	$(INSTALL) uv
	$(BIN)/python tools/test_matrix.py $(CELLS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

# a warning, such as a link that leads nowhere, is an error; nothing is downloaded, and the pages load nothing from elsewhere
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --jobs auto --doctree-dir build/doctrees docs build/site
	@echo "the site is build/site/index.html"

pictures: $(VENV)/.run
	$(BIN)/python docs/pictures.py

figures: $(VENV)/.run
	$(BIN)/python tools/figure_sheet.py results/figures

# some of them: make examples EXAMPLES="lesson own_crossover"
examples: $(VENV)/.examples
	$(BIN)/python tools/run_examples.py results/examples $(EXAMPLES)

# the date that the stores were first made; the same sources give the same bytes
SOURCE_DATE_EPOCH ?= 1795824000
tables: $(VENV)/.run
	@test -n "$(SOURCE)" || { echo "make tables needs the folder of the published sources: make tables SOURCE=FOLDER"; exit 2; }
	SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) $(BIN)/python tools/make_tables.py $(SOURCE)

clean:
	rm -rf $(VENV) results dist build docs/notebooks docs/searching.page .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	$(PYTHON) tools/make_venv.py $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml
	$(INSTALL) --editable '.[plot]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	$(INSTALL) --group test
	@$(INSTALL) --group oracle 2>/dev/null || echo "DEAP, h5netcdf, iohinspector, LightGBM, nats-bench, netCDF4, Numba, ONNX, Optuna, Playwright, pymoo, pynauty and XGBoost cannot all be installed here: the tests of what is absent are skipped"
	@touch $@

$(VENV)/.lint: $(VENV)/.run
	$(INSTALL) --group lint
	@touch $@

$(VENV)/.docs: $(VENV)/.run
	$(INSTALL) --group docs
	@touch $@

$(VENV)/.release: $(VENV)/.made pyproject.toml
	$(INSTALL) --group release
	@touch $@

$(VENV)/.train: $(VENV)/.test
	$(INSTALL) --editable '.[dask,train]'
	@$(INSTALL) --editable '.[onnx]' onnxruntime 2>/dev/null || echo "onnx, onnxscript and onnxruntime cannot all be installed here: their test is skipped"
	@touch $@

$(VENV)/.examples: $(VENV)/.run
	$(INSTALL) --editable '.[plot,train]' --group notebook
	@touch $@

# all that CI needs by one call of pip instead of one for each verb; here, what cannot be installed is an error
install-all: $(VENV)/.all

$(VENV)/.all: $(VENV)/.made pyproject.toml
	$(INSTALL) --editable '.[plot,dask,train,onnx]' --group test --group oracle --group lint --group docs --group release
	@touch $(VENV)/.run $(VENV)/.test $(VENV)/.lint $(VENV)/.docs $(VENV)/.release $(VENV)/.train $@

$(VENV)/.bench: $(VENV)/.test
	$(INSTALL) --editable '.[bench]'
	@touch $@
