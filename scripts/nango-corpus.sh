#!/usr/bin/env bash
# Posts every function of a checkout to POST /functions/compile and says which
# share compiles, how long that takes and what the rest fails with:
# nango-corpus.sh DIR. `--help` has the options.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"

if [ -z "${STRATA_SERVER:-}${STRATA_PROGRAM:-}" ] && [ "$#" -gt 0 ]; then
    # A server is needed, unless one is named or only the usage is asked for.
    case " $* " in *" --server"* | *" --help "* | *" -h "*) ;; *)
        export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/strata/target}"
        cargo build --locked --features kurrentdb --bin strata --manifest-path "$here/../Cargo.toml" >&2
        export STRATA_PROGRAM="$CARGO_TARGET_DIR/debug/strata"
        ;;
    esac
fi
exec node "$here/nango-corpus.mjs" "$@"
