#!/usr/bin/env bash
# Tests the console: its scripts by themselves, and all of it in Debian's Chromium, against banks of its own: everything on
# SQLite, and what people do on a throw-away PostgreSQL once more. Installs what is missing.
#
# `scripts/browser.sh money people` runs only tests/browser/{money,people}.test.mjs, on SQLite. BROWSER_TESTS_PROGRAM names a
# program to test instead of building one, BROWSER_TESTS_POSTGRES a server instead of starting one
# (postgres://user:password@host:port, without a database).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh
. scripts/chromium.sh

began="$SECONDS"
root="$PWD"
target="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")"
# The longest first: two run at a time. The second database has what people do with what is in it.
actions=(money wallets people webhooks imports reports own)
everything=(pages session "${actions[@]}" enter)
program="${BROWSER_TESTS_PROGRAM:-}"
postgres_url="${BROWSER_TESTS_POSTGRES:-}"
work="$(mktemp -d)"
postgres=""

finish() {
    local status=$?
    if [ -n "$postgres" ]; then stop_postgres; fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# Runs a program as a user who may start PostgreSQL, which root may not.
as_postgres() {
    if [ "$(id -u)" -eq 0 ]; then
        setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
    else
        "$@"
    fi
}

stop_postgres() {
    as_postgres "$programs/pg_ctl" --pgdata "$postgres/data" --mode immediate --silent stop || true
    rm -rf "$postgres"
}

# Starts a server that only this machine reaches, on a free port, and names it in postgres_url. Nothing of it is kept.
start_postgres() {
    local initdb port attempt
    initdb="$(command -v initdb || compgen -G "/usr/lib/postgresql/*/bin/initdb" | sort --version-sort | tail -n 1)"
    programs="$(dirname "$initdb")"
    postgres="$(mktemp -d)"
    if [ "$(id -u)" -eq 0 ]; then chown postgres: "$postgres"; fi
    cd "$postgres"
    quietly as_postgres "$initdb" --pgdata "$postgres/data" --username florin --auth trust --encoding UTF8 --no-sync
    for attempt in 1 2 3 4 5; do
        # Below the kernel's range for outgoing connections, as the servers of the other tests.
        port="$(shuf --input-range 20000-29999 --head-count 1)"
        if quietly as_postgres "$programs/pg_ctl" --pgdata "$postgres/data" --log "$postgres/log" --wait --silent --options \
            "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories= -c fsync=off" start; then
            postgres_url="postgres://florin@127.0.0.1:$port"
            cd "$root"
            return
        fi
    done
    fail "PostgreSQL does not start"
}

# Runs tests in silence, so many files at a time; shows what they said when one failed.
quiet_tests() {
    local name="$1" at_once="$2" part_began="$SECONDS"
    shift 2
    if ! node --test --test-concurrency="$at_once" --test-reporter=spec "$@" >"$work/log" 2>&1 </dev/null; then
        sed -n '/failing tests:/,$p' "$work/log"
        say "all that was said, beside pictures of the pages: $target/browser-failures"
        mkdir -p "$target/browser-failures"
        cp "$work/log" "$target/browser-failures/log"
        fail "$name: failed"
    fi
    sed -n 's/^# /browser.sh:   /p' "$work/log"
    say "$name: $(sed -n 's/^[^ ]* pass \([0-9]*\)$/\1/p' "$work/log" | tail -n 1) tests, $((SECONDS - part_began)) s"
}

# Runs files of tests by their names, on SQLite where no server is named.
browser_tests() {
    local name="$1" url="$2" files
    shift 2
    mapfile -t files < <(printf "$root/tests/browser/%s.test.mjs\n" "$@")
    BROWSER_TESTS_PROGRAM="$program" BROWSER_TESTS_POSTGRES="$url" BROWSER_TESTS_CHROMIUM="$chromium" \
        BROWSER_TESTS_TOOLS="$target/tools/browser" BROWSER_TESTS_FAILURES="$target/browser-failures" TMPDIR="$work" \
        quiet_tests "$name" 2 "${files[@]}"
}

install_chromium
scripts/tools.sh
PATH="$target/tools/python/bin:$PATH"
# The shell's own settings of a bank are not this bank's.
unset "${!FLORIN_@}"
rm -rf "$target/browser-failures"
if [ -z "$program" ]; then
    cargo build --quiet --locked --workspace --bin florin
    program="$target/debug/florin"
fi
say "everything is there after $((SECONDS - began)) s"

if [ "$#" -gt 0 ]; then
    browser_tests "$*" "" "$@"
else
    mapfile -t scripts < <(find "$root/api/console" -name '*.test.js' | sort)
    quiet_tests "the scripts" 2 "${scripts[@]}"
    # Alone, since a time is measured.
    browser_tests "the measures" "" measure
    browser_tests "all on SQLite" "" "${everything[@]}"
    if [ -z "$postgres_url" ]; then
        scripts/test.sh --install-only
        start_postgres
    fi
    browser_tests "the actions on PostgreSQL" "$postgres_url" "${actions[@]}"
fi
say "the console works in Chromium: $((SECONDS - began)) s"
