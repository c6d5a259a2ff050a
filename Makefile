# Every verb of this project. `make help` prints them; tools/setup does what a fresh machine still lacks.
SHELL := bash
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
BIN := .venv/bin
# For example: make soak SOAK="--minutes 1 --users 25".
SOAK ?=
# What `make hold` drives: the server that `make run` started in another terminal.
HOLD ?= --url http://127.0.0.1:3000 --database tms.db
# What `make conformance` runs the server on: sqlite or postgresql.
DATABASE ?= sqlite
# What `make scale` leaves out, or how long it takes: --only checks, --only throughput, --seconds 5, --rounds 100.
SCALE ?=

ifneq ($(TLS),)
run: export TMS_STANDIN_TLS = $(TLS)
endif

.PHONY: help run scale test test-postgresql image test-image conformance bench screenshots hold longlife crash soak fuzz login-time audit lint format constraints clean

help: ## print these lines
	@sed -nE 's/^([a-z-]+):.*## (.*)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: .venv/run.stamp ## set up what is missing, migrate, seed and serve on the port of tms.toml; TLS=1 serves https
	@exec $(BIN)/python -m app

test: .venv/test.stamp ## lint, types and every test, with branch coverage of app/
	@tools/setup system
	@tools/setup node
	@tools/setup tapipy
	@tools/setup elsewhere
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict app
	@$(BIN)/python -m pytest -rs --cov -n $$(($$(nproc) + 1)) --dist loadfile --no-loadscope-reorder

test-postgresql: .venv/test.stamp ## the tests of TMS, OAuth and Tapis that run in process, over a real PostgreSQL
	@tools/setup system
	@$(BIN)/python -m tests.on_postgresql

conformance: .venv/test.stamp ## compare with the recordings of the real servers; DATABASE=postgresql on that one
	@tools/setup system
	@$(BIN)/python -m tests.conformance --database $(DATABASE)

bench: .venv/test.stamp ## drive the server with wrk and print the table of speeds
	@tools/setup system
	@$(BIN)/python -m tests.load.bench
	@$(BIN)/python -m tests.load.resets

longlife: .venv/test.stamp ## look for pauses while housekeeping is under way, and for what a million keys cost
	@tools/setup system
	@$(BIN)/python -m tests.load.longlife

image: ## build the image tms-standin without Docker: debootstrap and buildah, as root or by sudo
	@tools/setup image
	@tools/image build

test-image: .venv/test.stamp ## run the built image in containers: size, start, stop, mounts, conformance
	@tools/setup image
	@tools/image test

screenshots: .venv/test.stamp ## walk the pages in chromium and renew the README's pictures of them
	@tools/setup system
	@$(BIN)/python -m tests.browser.screenshots

hold: .venv/test.stamp ## send the running server the load suite at 100 connections for 60 s, and count new rows
	@tools/setup system
	@$(BIN)/python -m tests.load.hold $(HOLD)

crash: .venv/test.stamp ## kill -9 and hostile conditions, all answers compared; DATABASE=postgresql, CRASH="--times 20"
	@tools/setup system
	@$(BIN)/python -m tests.crash --database $(DATABASE) $(CRASH)

login-time: .venv/test.stamp ## log in at a real sshd through the stand-in and without it, and compare the times
	@tools/setup system
	@$(BIN)/python -m tests.ssh.login_time

soak: .venv/test.stamp ## send a server of its own the load suite for an hour at 25, then at 100 users; SOAK="--minutes 1"
	@tools/setup system
	@$(BIN)/python -m tests.soak $(SOAK)

scale: .venv/test.stamp ## prove what four replicas behind nginx share, and print how throughput grows with processes
	@tools/setup system
	@tools/setup node
	@tools/setup tapipy
	@$(BIN)/python -m tests.replicas $(SCALE)

audit: .venv/test.stamp ## ask for known vulnerabilities of all that is pinned; without a network it says so (STRICT=1: fails)
	@$(BIN)/python -m tests.security.audit

fuzz: .venv/test.stamp ## feed made-up input to every reader and real servers; FUZZ="--minutes 10" says how long
	@$(BIN)/python -m tests.fuzz $(FUZZ)

lint: .venv/test.stamp ## ruff and mypy alone
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy --strict app

format: .venv/test.stamp ## let ruff mend and format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

constraints: ## renew .venv and constraints.txt with the newest versions
	@tools/setup renew

clean: ## remove .venv, caches and build results; databases stay
	@rm -rf .venv .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info tests/clients/node/node_modules tests/clients/tapipy/.venv tests/plugin/elsewhere/.venv
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/run.stamp: pyproject.toml constraints.txt
	@tools/setup run

.venv/test.stamp: pyproject.toml constraints.txt
	@tools/setup test
