# Everything one does with the project, by name. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
STACK := $(BIN)/hufu-stack
# Debian 12 has 3.11.2: what is locked must run there.
UV_COMPILE := .tools/uv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header
CODE := registry admin-ui sync-worker keycloak-config stack tests bench setup docs docker

.PHONY: help setup setup-tests demo demo-stop demo-status demo-reset \
	lint types imports templates unit check java test test-stack test-others soak bench performance fmt lock screenshots

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## install what is missing (Debian packages, Python, npm, Maven, Keycloak)
	@$(PYTHON) setup/install.py

setup-tests: ## the same with Chromium and Chinese fonts
	@$(PYTHON) setup/install.py --tests

demo: setup ## set up and start the demo; AD=none for one without a directory
	@$(STACK) demo $(if $(filter none,$(AD)),--directory=none)

demo-stop: ## stop the demo, keep its data
	@$(STACK) demo-stop

demo-status: ## show the demo's servers
	@$(STACK) demo-status

demo-reset: ## stop the demo and delete its data
	@$(STACK) demo-reset

lint: ## ruff
	@$(BIN)/ruff check --quiet $(CODE)
	@$(BIN)/ruff format --check --quiet $(CODE)

types: ## mypy, strict
	@$(BIN)/mypy

imports: ## the law of who may look into whom
	@$(BIN)/lint-imports

templates: ## the form of the templates
	@$(BIN)/djlint --configuration pyproject.toml --check --quiet admin-ui docs/examples

unit:
	@$(BIN)/pytest tests/unit

check: setup lint types imports templates unit ## the fast door: lint, types, imports, templates, unit tests

java: ## format and tests of the Keycloak extensions
	@mvn --quiet --batch-mode -f extensions/pom.xml verify

test: setup-tests lint types imports templates java ## everything
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync test-stack test-others

test-stack: ## those that need the real servers with a directory, one after the other
	@$(BIN)/pytest tests -m stack

# Those with servers come last: they find Keycloak built by the other half.
test-others: ## all others; they may run beside those
	@$(BIN)/pytest tests/unit tests/contract tests/integration tests/faults tests/browser -m "not stack" -p no:cacheprovider

soak: setup-tests ## long random stories of acts and failures, SOAK_MINUTES=20; SOAK_SEED repeats one
	@$(BIN)/python -m tests.soak.run

bench: setup ## all figures, or one: make bench NAME=push
	@$(BIN)/python bench/run.py $(NAME)

performance: setup ## docs/performance.md from the results there are
	@$(BIN)/python -m bench.document

fmt: ## bring all code into form
	@$(BIN)/ruff check --fix --quiet $(CODE) || true
	@$(BIN)/ruff format --quiet $(CODE)
	@$(BIN)/djlint --configuration pyproject.toml --reformat --quiet admin-ui docs/examples || true

lock: ## renew the lock files from requirements/*.in
	@$(UV_COMPILE) --python-version 3.11.2 requirements/base.in -o requirements/base.txt
	@$(UV_COMPILE) --python-version 3.11.2 -c requirements/base.txt requirements/dev.in -o requirements/dev.txt
	@$(UV_COMPILE) --universal setup/uv.in -o setup/uv.txt
	@$(UV_COMPILE) --python-version 3.11 docker/build.in -o docker/build.txt

screenshots: setup-tests ## make the documents' pictures anew
	@HUFU_SCREENSHOTS=1 $(BIN)/pytest tests/browser -m screenshots
