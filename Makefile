# Everything one does with the project, by name. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
STACK := $(BIN)/hufu-stack
# Debian 12 has 3.11.2: what is locked must run there.
UV_COMPILE := .tools/uv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header
DEMO := $(if $(filter none,$(AD)),demo-none,demo)
CATALOG := admin-ui/hufu_console/translations/zh_Hant_TW/LC_MESSAGES/messages.po
# People sign in there so often that most of the time goes by until their phone shows another code.
WAITING := tests/integration/test_second_factor.py tests/integration/test_sign_in_pages.py
# What pybabel writes into the head of a catalog and nobody reads.
UNWANTED := Report-Msgid-Bugs-To|POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Generated-By
# Each program would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
CODE := registry admin-ui sync-worker keycloak-config stack tests bench setup docs docker

.PHONY: help setup setup-tests demo demo-stop demo-status demo-reset \
	lint types imports templates unit check java test test-stack test-faults test-others t t-stop compose-test coverage soak bench \
	performance fmt lock catalog migration feature console screenshots

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

test: setup-tests ## everything
	@$(MAKE) --no-print-directory --jobs=2 --output-sync types java lint imports templates
	@$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync test-stack test-faults test-others

test-stack: ## those that need the real servers with a directory, one after the other
	@$(BIN)/pytest tests --ignore=tests/faults $(addprefix --ignore=,$(WAITING)) -m stack

test-faults: ## those that hurt the real servers, or wait on them for a next one-time password; they have some of their own
	@HUFU_TEST_PROFILE=test-faults $(BIN)/pytest tests/faults $(WAITING) -m stack -p no:cacheprovider

# Those with servers come last: they find Keycloak built by the others.
test-others: ## all others; the three may run side by side
	@$(BIN)/pytest tests/unit tests/contract tests/integration tests/faults tests/browser -m "not stack" -p no:cacheprovider

t: ## tests of one path on servers that keep running between: make t T=tests/integration/test_cases.py
	@HUFU_KEEP_STACK=1 $(BIN)/pytest $(T)

t-stop: ## stop the servers that `make t` left running, and delete their data
	@$(STACK) test-reset

compose-test: setup ## docker-compose.yml on a real Docker (with Compose and BuildKit): built, started, signed in to; some minutes
	@docker/prepare.sh development
	@$(BIN)/pytest tests/compose -p no:cacheprovider

coverage: ## which lines of code and tests the unit and integration tests without real servers reach
	@$(BIN)/coverage run -m pytest tests/unit tests/integration -m "not stack" -p no:cacheprovider
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

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

catalog: ## bring new and changed messages into the Chinese catalog
	@cd admin-ui && ../$(BIN)/pybabel --quiet extract -F babel.cfg -k _l -k lazy_gettext --no-location --sort-output \
		-w 110 -o messages.pot .
	@cd admin-ui && ../$(BIN)/pybabel --quiet update -i messages.pot -d hufu_console/translations -l zh_Hant_TW -w 110 \
		--no-fuzzy-matching --ignore-obsolete
	@rm admin-ui/messages.pot
	@sed -i -E -e '/^"($(UNWANTED)):/d' -e '$${/^$$/d}' $(CATALOG)
	@$(BIN)/pybabel --quiet compile -d admin-ui/hufu_console/translations

migration: ## the migration that brings the tables to what the code says: make migration NAME=shared_accounts
	@$(STACK) migration $(NAME)

feature: ## lay out a new feature, NAME=bookings WORD=借用: folders, tests, a line in each composition
	@$(STACK) feature $(NAME) $(if $(WORD),--word $(WORD))

console: ## the demo's console in place of the running one, with reload; AD=none for the demo without a directory
	@$(STACK) --profile $(DEMO) stop console
	@eval "$$($(STACK) --profile $(DEMO) env console)" && \
		$(BIN)/flask --app "hufu_console.wsgi:create" run --debug

screenshots: setup-tests ## make the documents' pictures anew
	@HUFU_SCREENSHOTS=1 $(BIN)/pytest tests/browser -m screenshots
