# Everything a person does here has a short name. Settings go after it: `make up PORT=9000 KHRONOS_HOME=/srv/khronos`.

PY = .venv/bin/python

# A foreign environment's variables would bend ours.
unexport PYTHONHOME PYTHONPATH PYTHONDONTWRITEBYTECODE VIRTUAL_ENV

.PHONY: help setup up down ps validate test lint fmt bench chaos lock
.SILENT: help setup up down ps validate test lint bench chaos

help: ## show this list
	awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

setup: ## a few questions: bot, address, keys; writes .env
	deploy/bootstrap && exec $(PY) manage.py setup

up: ## start Khronos in the foreground; Ctrl-C stops it
	deploy/bootstrap && exec $(PY) manage.py up

down: ## stop it from another terminal
	test -x $(PY) || deploy/bootstrap; exec $(PY) manage.py down

ps: ## what runs: every process, its state, memory and restarts
	test -x $(PY) || deploy/bootstrap; exec $(PY) manage.py ps

validate: ## is all well? one line a part; 0 only when all of them are good
	test -x $(PY) || deploy/bootstrap; exec $(PY) manage.py validate $(ARGS)

# Without ARGS all of them, and what has a database on PostgreSQL as well.
test: ## run the tests; ARGS goes to pytest
	deploy/bootstrap --dev && exec $(PY) -m $(if $(ARGS),pytest $(ARGS),tests)

# All of them, so that one look shows everything that is amiss.
lint: ## check form, types, imports and migrations
	deploy/bootstrap --dev
	amiss=; for check in \
	    'ruff format --check --quiet .' \
	    'ruff check --quiet .' \
	    'mypy khronos tasks settings deploy bench tests' \
	    'lint-imports --no-logo' \
	    'python manage.py makemigrations --check --dry-run --settings=settings.test'; \
	do if .venv/bin/$$check; then echo "✅ $$check"; else echo "❌ $$check"; amiss=1; fi; done; test -z "$$amiss"

fmt: ## put the code in form, and mend what can be mended by itself
	@deploy/bootstrap --dev
	.venv/bin/ruff check --fix-only --quiet .
	.venv/bin/ruff format .

bench: ## measure; ARGS names what
	deploy/bootstrap --dev && exec $(PY) -m bench $(ARGS)

CHAOS = $(foreach name,SECONDS SEED MODE CHATS RATE,$(if $($(name)),--$(shell echo $(name) | tr A-Z a-z) $($(name))))

chaos: ## break everything at random, and judge; SECONDS= SEED= MODE=send CHATS= RATE=
	deploy/bootstrap --dev && exec $(PY) -m bench.chaos $(CHAOS) $(ARGS)

# Run it on the oldest Python we serve or any other: the result is the same for all.
COMPILE = .venv/bin/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes --no-header

lock: ## lock the versions anew from pyproject.toml; ARGS=--upgrade takes newer ones
	@deploy/bootstrap --dev
	$(COMPILE) pyproject.toml -o requirements.txt $(ARGS)
	$(COMPILE) --group dev -c requirements.txt -o tests/requirements.txt $(ARGS)
	@deploy/bootstrap --dev
