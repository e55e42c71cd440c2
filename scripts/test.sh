#!/usr/bin/env bash
# Installs what the build and the tests need and what is missing, then runs all tests; arguments go to `cargo test`.
# `scripts/test.sh --install-only` stops after installing; `scripts/test.sh --nightly` runs the long tests instead, which are
# left out otherwise.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

. scripts/packages.sh

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
    # The pseudo terminal of the tests.
    if ! has script; then echo bsdutils; fi
}

# The tests start servers of their own: without this file the package would also create and start one for the system.
no_system_cluster=/etc/postgresql-common/createcluster.d/florin-test.conf

install_servers() {
    need_installer "$@"
    trap 'as_root rm -f "$no_system_cluster"' EXIT
    as_root mkdir -p "$(dirname "$no_system_cluster")"
    echo "create_main_cluster = false" | as_root tee "$no_system_cluster" >/dev/null
    install_packages "$@"
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
    install_servers "${packages[@]}"
    mapfile -t packages < <(missing_packages)
    [ "${#packages[@]}" -eq 0 ] || fail "still missing after the installation: ${packages[*]}"
fi
find_cargo

if [ "${1:-}" = "--install-only" ]; then
    say "everything is installed"
    exit 0
fi
if [ "${1:-}" = "--nightly" ]; then
    shift
    say "running the long tests, which take some minutes"
    exec cargo test --workspace --locked --tests "$@" -- --ignored
fi
say "running the tests"
exec cargo test --workspace --locked "$@"
