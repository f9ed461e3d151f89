#!/usr/bin/env bash
# Every lint, every test.
set -euo pipefail
cd "$(dirname "$0")/.."

# One for all workspaces: the tests find the program of tests/postgres-es beside
# the server.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/strata/target}"
foreign=(--manifest-path tests/postgres-es/Cargo.toml)

step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }

step "format"
cargo fmt --all --check
cargo fmt "${foreign[@]}" --check

step "build"
cargo build --locked --workspace --all-targets --features kurrentdb
cargo build --locked "${foreign[@]}"

step "lint"
cargo clippy --locked --workspace --all-targets --features kurrentdb -- -D warnings
cargo clippy --locked "${foreign[@]}" --all-targets -- -D warnings
# The benchmarks are workspaces of their own, and may not fall behind.
for bench in load peer strata; do
    cargo clippy --locked --manifest-path "bench/$bench/Cargo.toml" -- -D warnings
done

step "packages for the SDK tests"
./scripts/sdk-packages.sh

step "runtime and functions of the Nango dialect"
(cd sandbox/prelude-nango/tests && npm test)
node scripts/nango-coverage.mjs

step "test"
export STRATA_TYPECHECK_PACKAGES="$PWD/typecheck/tests/packages"
cargo test --locked --workspace --features kurrentdb

step "done"
