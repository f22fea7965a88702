#!/bin/sh
# Make what `benchmarks/gateway.py` compares Hansa with: LiteLLM in .venv-litellm, Portkey's gateway
# in .peers, both as pinned in benchmarks/peers, and wrk, which puts the load on them.
# Needs .venv (make setup), Node.js 18 or newer and npm. What is there already is kept.
set -eu
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup-peers: $*" >&2; }

need() {
    command -v "$1" >/dev/null && return
    say "$1 was not found; $2"
    exit 2
}

make_litellm() {
    [ .venv-litellm/.done -nt benchmarks/peers/litellm.lock ] && return
    say "making .venv-litellm"
    .venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv-litellm
    .venv/bin/uv pip install --quiet --python .venv-litellm/bin/python \
        --require-hashes -r benchmarks/peers/litellm.lock
    touch .venv-litellm/.done
}

make_portkey() {
    [ .peers/.done -nt benchmarks/peers/package-lock.json ] && return
    need npm "install Node.js 18 or newer"
    say "making .peers"
    mkdir -p .peers
    cp benchmarks/peers/package.json benchmarks/peers/package-lock.json .peers/
    npm ci --prefix .peers --silent --no-audit --no-fund --ignore-scripts
    touch .peers/.done
}

find_wrk() {
    command -v wrk >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing wrk"
        { apt-get install -y -qq wrk || { apt-get update -qq && apt-get install -y -qq wrk; }; } >&2 || true
    fi
    need wrk "on Debian or Ubuntu: sudo apt-get install wrk"
}

[ -x .venv/bin/uv ] || { say "there is no .venv; run make setup first"; exit 2; }
make_litellm
make_portkey
find_wrk
