#!/bin/sh
# Make .venv-train: torch for the processor, the training libraries and Flower, as
# requirements-train.lock pins them, with Hansa itself. Needs .venv (make setup). What is there
# already is kept. It is an environment of its own because Flower holds back Starlette and rich.
#
# torch 2.13.0+cpu is on no public index: its wheel is looked for where the user's pip looks
# (`pip config set global.find-links FOLDER`, or PIP_FIND_LINKS), which uv does not read by itself.
# Usage: scripts/setup-train.sh [--lock]   --lock resolves requirements-train.lock anew first.
set -eu
cd "$(dirname "$0")/.."

venv=.venv-train
lock=requirements-train.lock

say() { printf '%s\n' "setup-train: $*" >&2; }

find_links() {
    printf '%s\n' "${PIP_FIND_LINKS:-$(.venv/bin/python -m pip config get global.find-links 2>/dev/null)}"
}

uv_with_links() {
    command=$1
    shift
    for place in $(find_links); do
        set -- "$@" --find-links "$place"
    done
    .venv/bin/uv pip "$command" --quiet "$@"
}

resolve() {
    uv_with_links compile --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
        --no-emit-find-links --output-file "$lock" scripts/train.in
    if grep -nE '[a-z]+://' "$lock"; then
        say "an address got into $lock (see above)"
        exit 1
    fi
}

[ -x .venv/bin/uv ] || { say "there is no .venv; run make setup first"; exit 2; }
exec 9>.venv/.train-lock
flock 9  # who comes second waits and finds the work done
[ "${1:-}" != --lock ] || resolve
[ "$venv/.done" -nt "$lock" ] && exit 0
say "making $venv (about 2 GiB)"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$venv"
uv_with_links install --python "$venv/bin/python" --no-deps \
    --require-hashes -r "$lock" || {
    say "if it is torch that is missing, tell pip where its wheel is: pip config set global.find-links FOLDER"
    exit 1
}
# Hansa by a path file: its own needs are in the lock, in the versions that Flower admits.
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
printf '%s\n' "$PWD/src" >"$packages/hansa.pth"
touch "$venv/.done"
