#!/usr/bin/env bash
# Installs the tools that check the dependencies, the OpenAPI document and its clients, at the pinned versions, into
# target/tools: `python/bin` from PyPI, `node/node_modules/.bin` from npm. What is there already stays.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

tools="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}/tools")"
python_list=tests/clients/python/requirements.txt
node_folder=tests/clients/typescript

has_python() { python3 -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }

has_python || install_packages python3 python3-venv
has_python || fail "please install Python 3.10 or newer with venv"

wanted="$(cat "$python_list" "$node_folder/package.json" "$node_folder/package-lock.json" | sha256sum)"
if [ -f "$tools/installed" ] && [ "$(cat "$tools/installed")" = "$wanted" ]; then
    say "the tools are there"
    exit 0
fi

say "installing the tools into $tools"
rm -rf "$tools"
mkdir -p "$tools/node"
python3 -m venv "$tools/python"
# Wheels only: nothing is built, and no code runs while packages are installed.
quietly "$tools/python/bin/python" -m pip install --disable-pip-version-check --no-input --only-binary :all: --no-deps \
    --require-hashes --requirement "$python_list" || fail "pip could not install the tools"
cp "$node_folder/package.json" "$node_folder/package-lock.json" "$tools/node/"
# Node.js comes from PyPI too: Debian 12 has version 18, which Redocly does not run on.
PATH="$tools/python/bin:$PATH"
quietly npm ci --prefix "$tools/node" --ignore-scripts --no-audit --no-fund || fail "npm could not install the tools"
echo "$wanted" >"$tools/installed"
