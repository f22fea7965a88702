#!/bin/sh
# Install Debian's Chromium for the tests of the console's Playground, where apt-get is there and may
# be used. Elsewhere nothing is done: install a Chromium yourself, or those tests are skipped.
set -eu

say() { printf '%s\n' "setup-chromium: $*" >&2; }

for name in chromium chromium-browser google-chrome; do
    command -v "$name" >/dev/null && exit 0
done
if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
    say "there is no Chromium and no way to install one here; tests that need it are skipped"
    exit 0
fi
say "installing chromium"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium >/dev/null
