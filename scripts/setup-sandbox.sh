#!/bin/sh
# Install bubblewrap, in which `hansa eval` runs code of models, where apt-get is there and may be used.
# Elsewhere nothing is done: install it yourself, or tests of the sandbox are skipped.
set -eu

say() { printf '%s\n' "setup-sandbox: $*" >&2; }

command -v bwrap >/dev/null && exit 0
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    say "there is no bubblewrap and no way to install one here; tests that need it are skipped"
    exit 0
fi
say "installing bubblewrap"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends bubblewrap >/dev/null
