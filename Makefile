# Built dependencies are shared by every clone of this user; a cold build of
# them is long, a warm one is not. Everything is built with every feature, so
# that `run` and `test` share what they build.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/strata/target

.PHONY: run test bench openapi

run: ## Build and start Strata with the demo
	./scripts/setup.sh run
	cargo run --locked --features kurrentdb --bin strata -- serve --demo examples

test: ## Every test and every lint
	./scripts/setup.sh test
	./scripts/test.sh

bench: ## Side by side with peers; prints a table
	./scripts/setup.sh test
	./scripts/bench.sh

openapi: ## Write docs/openapi.json again
	cargo run --locked --features kurrentdb --bin strata -- openapi > docs/openapi.json
