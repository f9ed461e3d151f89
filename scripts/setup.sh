#!/usr/bin/env bash
# Installs what a fresh Debian or Ubuntu machine with Rust lacks.
# setup.sh run: to build and start. setup.sh test: also to test.
set -euo pipefail

packages=()
need() { # need PACKAGE COMMAND
    command -v "$2" >/dev/null 2>&1 || packages+=("$1")
}

need build-essential cc
need build-essential make
need ca-certificates update-ca-certificates
if [ "${1:-run}" = test ]; then
    need nodejs node
    command -v npm >/dev/null 2>&1 || packages+=(npm)
    need python3 python3
    need curl curl
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages+=(python3-venv)
fi

if [ "${#packages[@]}" -gt 0 ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    echo "installing: ${packages[*]}"
    "${as_root[@]}" apt-get update -q
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${packages[@]}"
fi

if ! command -v cargo >/dev/null 2>&1; then
    echo "Rust is missing: install it with rustup, then run this again." >&2
    exit 1
fi
for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 || rustup component add "$component"
done
