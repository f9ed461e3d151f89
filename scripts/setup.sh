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
    # Tests start servers of their own; the package's default one is not wanted.
    if ! compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && ! command -v initdb >/dev/null 2>&1; then
        packages+=(postgresql)
    fi
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages+=(python3-venv)
fi

if [ "${#packages[@]}" -gt 0 ]; then
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    echo "installing: ${packages[*]}"
    case " ${packages[*]} " in *" postgresql "*)
        "${as_root[@]}" mkdir -p /etc/postgresql-common
        [ -e /etc/postgresql-common/createcluster.conf ] ||
            echo 'create_main_cluster = false' | "${as_root[@]}" tee /etc/postgresql-common/createcluster.conf >/dev/null
        ;;
    esac
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
