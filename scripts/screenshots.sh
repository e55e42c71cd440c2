#!/usr/bin/env bash
# Takes pictures of every page of the console, in light and dark, 1440 and 390 pixels wide, on the bank of `florin demo`, and
# puts them into target/screenshots; all.*.png have them side by side. Installs what is missing.
#
# BROWSER_TESTS_PROGRAM names a program to look at instead of building one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh
. scripts/chromium.sh

target="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")"
pictures="$target/screenshots"
program="${BROWSER_TESTS_PROGRAM:-}"
work="$(mktemp -d)"
demo=""

finish() {
    local status=$?
    if [ -n "$demo" ]; then
        kill "$demo" 2>/dev/null || true
        wait "$demo" || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# Prints the first match of a pattern in what the demo said.
said() { grep --only-matching --max-count 1 --perl-regexp "$1" "$work/said" | head -n 1; }

start_demo() {
    TMPDIR="$work" "$program" demo --transfers 2000 --listen 127.0.0.1:0 --keep-busy --log warn >"$work/said" 2>"$work/log" </dev/null &
    demo=$!
    local second
    for ((second = 0; second < 240; second++)); do
        if grep --quiet "removes its bank" "$work/said"; then return; fi
        kill -0 "$demo" 2>/dev/null || break
        sleep 1
    done
    cat "$work/said" "$work/log" >&2
    fail "the demo does not serve"
}

install_chromium
scripts/tools.sh
PATH="$target/tools/python/bin:$PATH"
unset "${!FLORIN_@}"
if [ -z "$program" ]; then
    cargo build --quiet --locked --workspace --bin florin
    program="$target/debug/florin"
fi
say "making the demo's bank"
start_demo
rm -rf "$pictures"
say "taking the pictures"
BROWSER_TESTS_TOOLS="$target/tools/browser" BROWSER_TESTS_CHROMIUM="$chromium" node tests/browser/screenshots.mjs \
    "$(said 'http://[0-9.]+:[0-9]+')" "$pictures" "$(said 'each with the password \K.*')" \
    "$(said '^  \K[^ ]+(?= \(admin\))')" "$(said '^  \K[^ ]+@[^ ]+$')"
say "$(find "$pictures" -name '*.png' | wc -l) pictures in $pictures"
