#!/bin/sh
# Resolve pyproject.toml into the three lock files: hashes, no registry address.
# Usage: scripts/lock.sh [--upgrade]. The index is whichever the user's own uv is configured for.
set -eu
cd "$(dirname "$0")/.."

uv=${UV:-.venv/bin/uv}
uv_version=$("$uv" --version | cut -d' ' -f2)

resolve() {
    output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        --output-file "$output" "$@"
}

resolve requirements.lock "$@" pyproject.toml --extra embedded --group build
resolve requirements-dev.lock "$@" pyproject.toml --extra embedded --group build --group dev \
    --constraints requirements.lock
echo "uv==$uv_version" | resolve requirements-uv.lock -

if grep -nE '[a-z]+://' requirements*.lock; then
    echo "lock: an address got into a lock file (see above); take it out of your uv configuration" >&2
    exit 1
fi
