#!/bin/sh
# Fetch what builds the extension for VS Code, as editors/vscode/package-lock.json pins it; its
# packages' own scripts are not run. Needs Node 20 or newer; without it nothing is done.
set -eu
cd "$(dirname "$0")/../editors/vscode"

if ! command -v npm >/dev/null; then
    echo "setup-vscode: npm is missing, so the extension is not built here" >&2
    exit 0
fi
stamp=node_modules/.hansa
cmp -s package-lock.json "$stamp" && exit 0
npm ci --ignore-scripts --no-audit --no-fund --silent
cp package-lock.json "$stamp"
