#!/bin/sh
# Make .venv with the pinned uv in it, from nothing but a Python of 3.11 or newer.
# PYTHON=/path/to/python chooses one. A .venv that works is kept.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*" >&2; }
fresh_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
complete() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

choose_python() {
    for python in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python3.14; do
        if fresh_enough "$python"; then
            printf '%s\n' "$python"
            return
        fi
    done
    say "no Python of 3.11 or newer was found; install one, or name it: make setup PYTHON=/path/to/python3.12"
    exit 2
}

# Debian and Ubuntu ship Python without ensurepip.
complete_python() {
    complete "$1" && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "$1 cannot make virtual environments; installing $package"
        { apt-get install -y -qq "$package" || { apt-get update -qq && apt-get install -y -qq "$package"; }; } >&2 || true
        complete "$1" && return
    fi
    say "$1 cannot make virtual environments; on Debian or Ubuntu: sudo apt-get install $package"
    exit 2
}

if ! { fresh_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
    python=$(choose_python)
    complete_python "$python"
    say "making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --require-hashes -r requirements-uv.lock
