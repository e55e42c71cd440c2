# Sourced by the scripts beside it: how to say things and how to install packages of Debian and Ubuntu.
# shellcheck shell=bash

script_name="$(basename "$0")"

say() { echo "$script_name: $*"; }

fail() {
    echo "$script_name: $*" >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Runs a command in silence; shows what it said when it failed.
quietly() {
    local log
    log="$(mktemp)"
    if ! "$@" >"$log" 2>&1 </dev/null; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

apt() { quietly as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }

# Ends the script with what to install where it cannot install the packages itself.
need_installer() {
    has apt-get || fail "please install (names as on Debian): $*"
    [ "$(id -u)" -eq 0 ] || has sudo || fail "please install as root: apt-get install $*"
}

install_packages() {
    need_installer "$@"
    say "installing $*"
    # A third party's broken package source need not stop us.
    apt update || say "apt-get update failed, trying with the lists at hand"
    apt install --yes --no-install-recommends "$@" || fail "apt-get could not install $*"
}
