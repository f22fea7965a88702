#!/bin/sh
# Fetch what builds a folder of editors/, as its package-lock.json pins it; the packages' own scripts
# are not run. Needs Node 20 or newer; without it nothing is done.
# Usage: scripts/setup-npm.sh editors/NAME
set -eu
cd "$(dirname "$0")/../$1"

if ! command -v npm >/dev/null; then
    echo "setup-npm: npm is missing, so $1 is not built here" >&2
    exit 0
fi
stamp=node_modules/.hansa
cmp -s package-lock.json "$stamp" && exit 0
npm ci --ignore-scripts --no-audit --no-fund --silent
cp package-lock.json "$stamp"
