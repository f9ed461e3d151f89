#!/usr/bin/env bash
# Installs the pinned official SDKs that the tests drive the server with, and
# what bundles of functions are evaluated with.
set -euo pipefail
cd "$(dirname "$0")/../tests/sdk"

if [ ../nango/package-lock.json -nt ../nango/node_modules/.package-lock.json ]; then
    (cd ../nango && npm ci --no-audit --no-fund)
    touch ../nango/node_modules/.package-lock.json
fi

for folder in node pubnub; do
    if [ $folder/package-lock.json -nt $folder/node_modules/.package-lock.json ]; then
        (cd $folder && npm ci --no-audit --no-fund)
        touch $folder/node_modules/.package-lock.json
    fi
done

# Those of the Nango dialect, and what its runtime's own tests run with.
for folder in ../nango ../../sandbox/prelude-nango/tests ../../typecheck/tests/packages; do
    if [ -f "$folder/package-lock.json" ] && [ "$folder/package-lock.json" -nt "$folder/node_modules/.package-lock.json" ]; then
        (cd "$folder" && npm ci --no-audit --no-fund)
        touch "$folder/node_modules/.package-lock.json"
    fi
done

if [ python/requirements.txt -nt python/.venv/installed ]; then
    python3 -m venv python/.venv
    python/.venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement python/requirements.txt
    touch python/.venv/installed
fi
