#!/usr/bin/env bash
# Every lint, every test.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%s)\n' "$1" "$(date +%H:%M:%S)"; }

step "format"
cargo fmt --all --check

step "build"
cargo build --locked --workspace --all-targets

step "lint"
cargo clippy --locked --workspace --all-targets -- -D warnings

step "packages for the SDK tests"
./scripts/sdk-packages.sh

step "test"
cargo test --locked --workspace

step "done"
