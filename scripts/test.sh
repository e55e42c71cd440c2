#!/usr/bin/env bash
# Installs what the build and the tests need and what is missing, then runs all tests; arguments go to `cargo test`.
# `scripts/test.sh --install-only` stops after installing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { echo "test.sh: $*"; }

fail() {
    echo "test.sh: $*" >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

# Debian and Ubuntu keep the server programs and pgbench in a folder per version, outside of PATH.
has_postgres_program() { has "$1" || compgen -G "/usr/lib/postgresql/*/bin/$1" >/dev/null; }

# Prints the packages that are missing, one a line.
missing_packages() {
    # For the C code of SQLite and aws-lc, and to link. On x86_64 and aarch64 aws-lc does without cmake.
    if ! has cc || ! has make; then echo build-essential; fi
    if ! has_postgres_program initdb || ! has_postgres_program postgres || ! has_postgres_program pgbench; then
        echo postgresql
    fi
    if ! has psql; then echo postgresql-client; fi
    if ! has redis-server; then echo redis-server; fi
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Runs a command as root in silence; shows what it said when it failed.
quietly() {
    local log
    log="$(mktemp)"
    if ! as_root "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

apt() { quietly env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }

# The tests start servers of their own: without this file the package would also create and start one for the system.
no_system_cluster=/etc/postgresql-common/createcluster.d/florin-test.conf

install_packages() {
    local packages=("$@")
    has apt-get || fail "please install (names as on Debian): ${packages[*]}"
    [ "$(id -u)" -eq 0 ] || has sudo || fail "please install as root: apt-get install ${packages[*]}"
    say "installing ${packages[*]}"
    trap 'as_root rm -f "$no_system_cluster"' EXIT
    as_root mkdir -p "$(dirname "$no_system_cluster")"
    echo "create_main_cluster = false" | as_root tee "$no_system_cluster" >/dev/null
    # A third party's broken package source need not stop us.
    apt update || say "apt-get update failed, trying with the lists at hand"
    apt install --yes --no-install-recommends "${packages[@]}" || fail "apt-get could not install ${packages[*]}"
    as_root rm -f "$no_system_cluster"
    trap - EXIT
}

find_cargo() {
    # rustup adds cargo to the PATH of login shells only.
    if ! has cargo && [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ]; then . "${CARGO_HOME:-$HOME/.cargo}/env"; fi
    has cargo || fail "please install Rust: https://rustup.rs"
}

mapfile -t packages < <(missing_packages)
if [ "${#packages[@]}" -gt 0 ]; then
    install_packages "${packages[@]}"
    mapfile -t packages < <(missing_packages)
    [ "${#packages[@]}" -eq 0 ] || fail "still missing after the installation: ${packages[*]}"
fi
find_cargo

if [ "${1:-}" = "--install-only" ]; then
    say "everything is installed"
    exit 0
fi
say "running the tests"
exec cargo test --workspace --locked "$@"
