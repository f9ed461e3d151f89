#!/usr/bin/env bash
# Builds the benchmarks and runs them side by side with their peers:
# bench.sh [ROW ...] [--rounds N]. docs/benchmarks.md says what is measured.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/strata/target}"
export CARGO_TARGET_DIR="$target"
# Incremental builds cut a crate into many small units, which costs speed.
export CARGO_INCREMENTAL=0
for workspace in load peer strata; do
    cargo build --locked --manifest-path "bench/$workspace/Cargo.toml"
done
npm ci --prefix bench --no-audit --no-fund --silent
export STRATA_BENCH_PROGRAMS="$target/debug"
exec node bench/run.mjs "$@"
