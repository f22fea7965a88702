#!/bin/sh
# Make .venv with the pinned uv and what the lock files name, from nothing but Python 3.11 or newer.
# Usage: scripts/setup.sh run|dev. PYTHON=/path/to/python chooses the interpreter.
# A .venv that works is kept; who comes second waits and finds the work done.
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

make_venv() {
    current .venv/.uv requirements-uv.lock && return
    if ! { fresh_enough .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; }; then
        complete_python "$python"
        say "making .venv with $("$python" --version)"
        "$python" -m venv --clear .venv
    fi
    .venv/bin/python -m pip install --quiet --disable-pip-version-check \
        --require-hashes -r requirements-uv.lock
    touch .venv/.uv
}

install() {
    say "installing what $1 names"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes -r "$1"
}

# Whether the stamp $1 is newer than the files after it.
current() {
    stamp=$1
    shift
    for file; do
        [ "$stamp" -nt "$file" ] || return 1
    done
}

want=$1
python=$(choose_python)
if [ -z "${HANSA_SETUP_LOCKED:-}" ]; then
    # The system frees the lock when this process has ended, however it ends.
    HANSA_SETUP_LOCKED=1 exec "$python" -c '
import fcntl, os, sys
lock = os.open("scripts/setup.sh", os.O_RDONLY)
fcntl.flock(lock, fcntl.LOCK_EX)
os.set_inheritable(lock, True)
os.execv("/bin/sh", ["sh", "scripts/setup.sh", sys.argv[1]])
' "$want"
fi

make_venv
if ! current .venv/.hansa requirements.lock pyproject.toml .venv/.uv; then
    install requirements.lock
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
    touch .venv/.hansa
fi
if [ "$want" = dev ] && ! current .venv/.hansa-dev requirements-dev.lock .venv/.hansa; then
    install requirements-dev.lock
    touch .venv/.hansa-dev
fi
