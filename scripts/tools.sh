#!/usr/bin/env bash
# Installs the tools that check the dependencies, the OpenAPI document, its clients and the console, at the pinned versions,
# into target/tools: `python/bin` from PyPI, `node/node_modules/.bin` and `browser/node_modules` from npm. What is there
# already stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

tools="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}/tools")"
python_list=tests/clients/python/requirements.txt
# Each folder of target/tools with the folder of its lists.
declare -A node_folders=([node]=tests/clients/typescript [browser]=tests/browser)

has_python() { python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }

has_python || install_packages python3 python3-venv
has_python || fail "please install Python 3.10 or newer with venv"

node_lists=()
for folder in "${node_folders[@]}"; do node_lists+=("$folder/package.json" "$folder/package-lock.json"); done
wanted="$(cat "$python_list" "${node_lists[@]}" | sha256sum)"
if [ -f "$tools/installed" ] && [ "$(cat "$tools/installed")" = "$wanted" ]; then
    say "the tools are there"
    exit 0
fi

say "installing the tools into $tools"
rm -rf "$tools"
mkdir -p "$tools"
python3 -m venv "$tools/python"
# Wheels only: nothing is built, and no code runs while packages are installed.
quietly "$tools/python/bin/python" -m pip install --disable-pip-version-check --no-input --only-binary :all: --no-deps \
    --require-hashes --requirement "$python_list" || fail "pip could not install the tools"
# Node.js comes from PyPI too: Debian 12 has version 18, which Redocly does not run on.
PATH="$tools/python/bin:$PATH"
for name in "${!node_folders[@]}"; do
    mkdir -p "$tools/$name"
    cp "${node_folders[$name]}"/package{,-lock}.json "$tools/$name/"
    quietly npm ci --prefix "$tools/$name" --ignore-scripts --no-audit --no-fund || fail "npm could not install the tools"
done
echo "$wanted" >"$tools/installed"
