#!/usr/bin/env bash
# Installs the pinned official SDKs that the tests drive the server with.
set -euo pipefail
cd "$(dirname "$0")/../tests/sdk"

if [ node/package-lock.json -nt node/node_modules/.package-lock.json ]; then
    (cd node && npm ci --no-audit --no-fund)
    touch node/node_modules/.package-lock.json
fi

if [ python/requirements.txt -nt python/.venv/installed ]; then
    python3 -m venv python/.venv
    python/.venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes --requirement python/requirements.txt
    touch python/.venv/installed
fi
