# make demo          the walk of README.md on namespaces of this machine; takes about half a minute once set up
# make test          all tests; ARGS='-k walk' goes to pytest
# make demo-kubernetes  the walk in a cluster, with kubectl: a real kube-apiserver, meshd injected into pods; takes two minutes once set up
# make test-kubernetes  the tests that need a real kube-apiserver; builds it where it is missing, which takes five minutes once
# make test-observed what a real Envoy answered in some 560 recorded cases, held against meshd (the records are no part of the checkout)
# make lint          ruff, mypy, and the news fragments
# make bench         CPU per request beside a real Envoy, HAProxy and nginx; QUICK=1 SCENARIO=a,g JSON=FILE PICTURE=FILE (docs/performance.md)
# make venv          only the set-up, for working on meshd; prints the virtual environment
# make requirements  pin and hash requirements*.in anew (needs pip-tools)
# make clean         remove what the above left in the checkout
#
# Each does its own set-up first (packaging/prepare.sh): as root on Debian it installs what is missing.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.PHONY: demo demo-kubernetes test test-kubernetes test-observed lint bench venv requirements clean

demo:
	@venv=$$(packaging/prepare.sh demo); exec "$$venv/bin/python" -m tests.demo

demo-kubernetes:
	@venv=$$(packaging/prepare.sh kubernetes); exec "$$venv/bin/python" -m tests.kubernetes.demo

test:
	@venv=$$(packaging/prepare.sh test); exec "$$venv/bin/python" -m pytest $(ARGS)

test-kubernetes:
	@venv=$$(packaging/prepare.sh kubernetes); exec "$$venv/bin/python" -m pytest tests/kubernetes $(ARGS)

test-observed:
	@venv=$$(packaging/prepare.sh test); exec "$$venv/bin/python" -m tests.observed $(ARGS)

lint:
	@venv=$$(packaging/prepare.sh test); "$$venv/bin/ruff" check .; "$$venv/bin/mypy"; \
		"$$venv/bin/towncrier" build --draft --version next > /dev/null

bench: export QUICK := $(QUICK)
bench: export SCENARIO := $(SCENARIO)
bench: export JSON := $(JSON)
bench: export PICTURE := $(PICTURE)
bench: export ROUNDS := $(ROUNDS)
bench: export LENGTH := $(LENGTH)
bench:
	@venv=$$(packaging/prepare.sh bench); exec "$$venv/bin/python" -m tests.bench

venv:
	@packaging/prepare.sh test

PIP_COMPILE = CUSTOM_COMPILE_COMMAND='make requirements' PIP_FIND_LINKS= python3 -m piptools compile --quiet --generate-hashes --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host
requirements:
	@$(PIP_COMPILE) -o requirements.txt requirements.in
	@$(PIP_COMPILE) --allow-unsafe -o requirements-build.txt requirements-build.in
	@$(PIP_COMPILE) -o requirements-go.txt requirements-go.in
	@$(PIP_COMPILE) -o requirements-test.txt requirements-test.in

clean:
	@rm -rf .venv build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .cache
	@find . -name __pycache__ -prune -exec rm -rf {} +
