#!/usr/bin/env bash
# Holds the OpenAPI document to its word. Redocly and Spectral lint it; a TypeScript and a Python client are generated from it
# and walk through a real bank; schemathesis asks the bank what the document allows and forbids, as a customer and as an
# operator: no answer may be a 5xx or one that the document does not have. The verifier of receipts and the receivers of
# webhooks in samples/ work with other banks.
#
# `scripts/clients.sh --thorough` asks ten times as much, from another seed each time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
. scripts/packages.sh

# Cases an operation in the part that is random; with the others they are about 1 500 a caller.
cases=20
seed=1
case "${1:-}" in
    "") ;;
    --thorough)
        cases=200
        seed="$RANDOM"
        ;;
    *) fail "there is only --thorough" ;;
esac

root="$PWD"
target="$(realpath --canonicalize-missing "${CARGO_TARGET_DIR:-target}")"
florin="$target/debug/florin"
scripts/tools.sh
PATH="$target/tools/python/bin:$target/tools/node/node_modules/.bin:$PATH"
# Nothing here may ask for a newer version of itself or tell how it is used.
export NO_UPDATE_NOTIFIER=1 REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true SCARF_ANALYTICS=false
# The shell's own settings of a bank are not this bank's.
unset "${!FLORIN_@}"
export FLORIN_LOG=warn
export PYTHONDONTWRITEBYTECODE=1

work="$(mktemp -d)"
bank=""

stop_bank() {
    if [ -n "$bank" ]; then
        kill "$bank" 2>/dev/null || true
        wait "$bank" || true
        bank=""
    fi
}

finish() {
    local status=$?
    stop_bank
    if [ "$status" -ne 0 ] && [ -s "$work/bank.log" ]; then
        say "the end of the bank's log:"
        tail -n 20 "$work/bank.log"
    fi
    rm -rf "$work"
    exit "$status"
}
trap finish EXIT

# Runs a part in silence and tells its time; shows what it said when it failed.
part() {
    local name="$1" began="$SECONDS"
    shift
    # In the background, since bash forgets `set -e` in what it runs as a condition.
    (
        set -e
        cd "$work"
        "$@"
    ) >"$work/part.log" 2>&1 </dev/null &
    if ! wait "$!"; then
        cat "$work/part.log"
        fail "$name: failed"
    fi
    say "$name: $((SECONDS - began)) s"
}

operator_email=operator@example.com
operator_password="operator horse battery"

# Starts a new bank in the folder that is named, with further flags of `florin serve`.
start_bank() {
    # Those of the bank before it are no settings.
    unset FLORIN_URL FLORIN_TOKEN
    local data="$work/$1" line=""
    shift
    stop_bank
    echo "$operator_password" | "$florin" user create --data-dir "$data" --email "$operator_email" \
        --full-name Operator --role operator --password-stdin >/dev/null
    rm -f "$work/welcome"
    mkfifo "$work/welcome"
    "$florin" serve --data-dir "$data" --listen 127.0.0.1:0 "$@" >"$work/welcome" 2>"$work/bank.log" </dev/null &
    bank=$!
    exec 3<"$work/welcome"
    read -r -t 30 -u 3 line || true
    FLORIN_URL="$(grep -o 'http://[0-9.:]*' <<<"$line")" || fail "the bank does not start"
    # Read on, or a longer welcome would find the pipe full.
    cat <&3 >/dev/null &
    exec 3<&-
    export FLORIN_URL OPERATOR_EMAIL="$operator_email" OPERATOR_PASSWORD="$operator_password"
}

lint() {
    redocly lint "$work/openapi.json" --config "$root/tests/clients/document/redocly.yaml"
    spectral lint "$work/openapi.json" --ruleset "$root/tests/clients/document/spectral.yaml" --fail-severity warn
}

typescript_client() {
    mkdir typescript
    cp "$root"/tests/clients/typescript/{tsconfig.json,walk.ts,package.json} typescript/
    cp "$root"/tests/clients/webhooks/verify.ts "$root"/samples/webhook-receiver.ts typescript/
    ln -s "$target/tools/node/node_modules" typescript/node_modules
    openapi-typescript openapi.json --output typescript/florin.d.ts
    tsc --project typescript/tsconfig.json
    node typescript/out/walk.js
}

python_client() {
    openapi-python-client generate --path openapi.json --meta none --output-path python/florin_client --fail-on-warning
    PYTHONPATH=python python "$root/tests/clients/python/walk.py"
}

# Runs a program of tests/clients, with what they share.
shared() { PYTHONPATH="$root/tests/clients" python "$root/tests/clients/$1" "${@:2}"; }

receiver() { shared webhooks/receivers.py "$@"; }

receipts() { shared receipts/agreement.py "$florin" "$root/samples/verify_receipt.py" "$seed"; }

tell_receipts() { sed -n 's/^receipts: \(.*\)/clients.sh:   \1/p' "$work/part.log"; }

typescript_receiver() {
    receiver typescript node typescript/out/webhook-receiver.js
    node typescript/out/verify.js
}

# Prints an access token.
sign_in() {
    python - "$1" "$2" <<'PYTHON'
import os, sys, httpx
email, password = sys.argv[1:]
answer = httpx.post(os.environ["FLORIN_URL"] + "/v1/auth/login", json={"email": email, "password": password})
print(answer.raise_for_status().json()["access_token"])
PYTHON
}

ask_as() {
    FLORIN_TOKEN="$(sign_in "$1" "$2")"
    export FLORIN_TOKEN
    SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$root/tests/clients/document" \
        schemathesis --config-file "$root/tests/clients/document/schemathesis.toml" run openapi.json \
        --max-examples "$cases" --seed "$seed" --no-color
}

tell_cases() { sed -n 's/^ *\([0-9]* generated.*\)/clients.sh:   \1/p' "$work/part.log"; }

cargo build --quiet --locked --workspace --bin florin
"$florin" openapi >"$work/openapi.json"
part "the document is linted" lint
start_bank data
part "the TypeScript client" typescript_client
part "the Python client" python_client
part "schemathesis as a customer" ask_as ana.python@example.com "correct horse battery"
tell_cases
part "schemathesis as an operator" ask_as "$operator_email" "$operator_password"
tell_cases
start_bank receipts
part "both verifiers of receipts" receipts
tell_receipts
# A bank of its own, since schemathesis makes webhooks too: that bank must send nothing to this machine.
start_bank webhooks --webhooks-private allow
part "the receiver in Python" receiver python python "$root/samples/webhook_receiver.py"
part "the receiver in TypeScript" typescript_receiver
say "the clients and the document agree with the bank"
