# Sourced after packages.sh by the scripts that look at the console: Debian's Chromium.
# shellcheck shell=bash

# Ubuntu's package of this name only leads to a snap, which does not run in containers; there the program is named.
chromium="${BROWSER_TESTS_CHROMIUM:-$(command -v chromium || true)}"

install_chromium() {
    if [ -n "$chromium" ]; then return; fi
    install_packages chromium
    chromium="$(command -v chromium)" || fail "please install Chromium, or name it in BROWSER_TESTS_CHROMIUM"
}
