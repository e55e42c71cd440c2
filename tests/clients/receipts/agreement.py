"""Compares both verifiers of receipts, verdict by verdict: `agreement.py FLORIN VERIFIER SEED`.

FLORIN is the program, VERIFIER is samples/verify_receipt.py. The bank moves money in all ways. Of its receipts 1 000 are
picked at random: both must prove each. Of each a forgery is made, with a member or a byte changed: both must refuse each, and
each that is signed with an R of small order. Both must accept and refuse the same sets of keys. VERIFIER alone must prove the
head of each receipt, and refuse a forgery of each. SEED is that of all choices.
"""

import base64
import hashlib
import json
import os
import random
import struct
import subprocess
import sys
import uuid
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bank import asked, register, sign_in_operator

# The programs check files on a machine without a bank. FLORIN_URL is of this script and no setting of theirs.
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("FLORIN_")}

COUNT = 1_000
ROUNDS = 25
BATCHES = 6
BATCHED = 200
KINDS = {"TRANSFER", "DEPOSIT", "WITHDRAWAL", "REVERSAL", "HOLD", "RELEASE", "CAPTURE"}
RETIRED_AT = "2026-02-01T00:00:00.000000Z"
# The order of the group of Ed25519, and the encodings of some of its points of small order.
L = 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER = [number.to_bytes(32, "little") for number in (1, 2**255 - 20, 0, 2**255 - 19)]


# The receipts.


def one_round(operator, ana, ben, source, sides):
    """A transfer of each kind, and a refused one."""
    asked(operator, "POST", f"/v1/wallets/{source}/deposits", {"amount": "100", "method": "visa"}, 201)
    texts = {"description": "Mittagessen für zwei", "metadata": {"order": "A-17"}}
    paid = asked(ana, "POST", "/v1/transfers", sides | texts | {"amount": "12.5"}, 201)
    asked(ana, "POST", "/v1/transfers", sides | {"amount": "1000000"}, 422)
    asked(operator, "POST", f"/v1/transfers/{paid['id']}/reverse", {"amount": "0.5"}, 201)
    hold = asked(ana, "POST", "/v1/transfers", sides | {"amount": "8", "hold": True}, 201)
    for capture in ({"amount": "3", "final": False}, {"amount": "4"}):
        asked(ben, "POST", f"/v1/transfers/{hold['id']}/capture", capture, 201)
    hold = asked(ana, "POST", "/v1/transfers", sides | {"amount": "8", "hold": True}, 201)
    asked(ben, "POST", f"/v1/transfers/{hold['id']}/void", {}, 201)
    asked(ana, "POST", f"/v1/wallets/{source}/withdrawals", {"amount": "1", "method": "visa"}, 201)


def move_money(operator):
    (ana, source), (ben, destination) = register("ana.receipts"), register("ben.receipts")
    sides = {"source_wallet_id": source, "destination_wallet_id": destination}
    for _ in range(ROUNDS):
        one_round(operator, ana, ben, source, sides)
    for number in range(BATCHES):
        # The last one of each is refused.
        amounts = ["0.01"] * (BATCHED - 1 - number) + ["1000000"]
        transfers = [sides | {"amount": amount} for amount in amounts]
        asked(ana, "POST", "/v1/transfers/batch", {"atomic": False, "transfers": transfers})


def all_transfers(operator):
    transfers, cursor = [], ""
    while cursor is not None:
        page = asked(operator, "GET", f"/v1/transfers?limit=500{cursor and f'&cursor={cursor}'}")
        transfers.extend(page["items"])
        cursor = page["next_cursor"]
    return transfers


def receipt_of(operator, transfer):
    answer = operator.get(f"/v1/transfers/{transfer['id']}/receipt")
    assert answer.status_code == 200, answer.text
    return answer.text


# The forgeries.


class Members(list):
    """A JSON object as pairs of names and values, so that a name can be there twice."""


def parse(text):
    return json.loads(text, object_pairs_hook=Members)


def encode(value):
    """JSON without whitespace."""
    if isinstance(value, Members):
        return "{" + ",".join(f"{json.dumps(name)}:{encode(inner)}" for name, inner in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value)


def places(value):
    """Every member and element at any depth: what it is in, and its index there."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield value, index
            yield from places(inner[1] if isinstance(value, Members) else inner)


def other_value(dice, value):
    """A value of another type or in another spelling, or another one of the same kind."""
    others = [None, True, [], [value], dice.randrange(100), str(value), str(value).upper(), f" {value}", f"{value} "]
    if isinstance(value, str) and value:
        place = dice.randrange(len(value))
        others += [value[:place] + dice.choice("0123456789abcdefXZ-") + value[place + 1 :], value[:-1], value + "0"]
    if isinstance(value, Members):
        others.append([inner for _, inner in value])
    if isinstance(value, int):
        others += [value + 1, value - 1, float(value)]
    return dice.choice(others)


def forge_member(dice, text):
    document = parse(text)
    inside, index = dice.choice(list(places(document)))
    kept = inside[index]
    way = dice.choice(["another value"] * 6 + ["removed", "twice", "one more"])
    if way == "removed":
        del inside[index]
    elif way == "twice":
        inside.insert(dice.randrange(len(inside) + 1), kept)
    elif way == "one more":
        inside.insert(index, ("more", None) if isinstance(inside, Members) else None)
    elif isinstance(inside, Members):
        inside[index] = (kept[0], other_value(dice, kept[1]))
    else:
        inside[index] = other_value(dice, kept)
    return f"a member: {way}", encode(document).encode()


def forge_part(dice, text, other):
    """A part of another receipt in its place: each part is one that the bank has made."""
    document, other = parse(text), parse(other)
    index = dice.randrange(1, len(document))
    document[index] = other[index]
    return "another receipt's part", encode(document).encode()


def forge_byte(dice, text):
    data = bytearray(text.encode())
    data[dice.randrange(len(data))] ^= dice.randrange(1, 256)
    return "a byte", bytes(data)


def forge(dice, text, others=()):
    """What was done, and a document that is not what the bank has made. Its text must be without whitespace: whitespace
    between members proves nothing and refuses nothing."""
    ways = [forge_member, forge_byte] * 2 + ([forge_part] if others else [])
    while True:
        way = dice.choice(ways)
        done, forged = way(dice, text, dice.choice(others)) if way is forge_part else way(dice, text)
        if forged != text.encode():
            return done, forged


def signed_bytes(head):
    time = datetime.strptime(head["at"], "%Y-%m-%dT%H:%M:%S.%fZ") - datetime(1970, 1, 1)
    micros = time // timedelta(microseconds=1)
    ledger, digest = uuid.UUID(head["ledger"]).bytes, bytes.fromhex(head["digest"])
    row = struct.pack(">Q", head["number"]) + digest + struct.pack(">Iq", head["transfers"], micros)
    return b"florin head 1\0" + ledger + row


def sign_with_small_r(text, seed, public, point):
    """The receipt, signed with the key of this seed and this R. With the neutral element as R the equation of Ed25519
    holds, and only the owner of the key can make such a signature."""
    document = json.loads(text)
    head = document["head"]
    secret = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    secret = secret & ((1 << 254) - 8) | (1 << 254)
    challenge = hashlib.sha512(point + public + signed_bytes(head)).digest()
    scalar = int.from_bytes(challenge, "little") * secret % L
    head["key_id"], head["signature"] = "small-r", (point + scalar.to_bytes(32, "little")).hex()
    return json.dumps(document).encode()


# The keys.


def jwk(kid, public):
    return {"kid": kid, "kty": "OKP", "crv": "Ed25519", "x": base64.urlsafe_b64encode(public).decode().rstrip("=")}


def usable_sets(key):
    """Sets with this key that a verifier accepts."""
    yield [key | {"weight": 1.5, "more": {"weight": [1e-7]}, "use": None, "alg": 5}]
    yield [key | {"retired_at": None}]
    yield [key | {"retired_at": RETIRED_AT}]
    yield [{}, {"kid": "a"}, {"kty": "OKP", "kid": "b"}, {"kty": "RSA", "kid": 5}, {"kty": 7, "crv": []}, key]
    yield [None, 17, "OKP", ["OKP", "Ed25519"], key]
    yield [key | {"crv": "X25519"}, key]


def unusable_sets(key):
    yield []
    yield [key | {"kty": "okp"}]
    yield [key, key]
    for kid in (None, 5, "", "a b", "k" * 65):
        yield [key, key | {"kid": kid}]
    # Not a string, too short, not base64url, bits beyond the 256th, not on the curve, of small order.
    no_point = jwk("b", (2).to_bytes(32, "little"))["x"]
    weak = [jwk("b", point)["x"] for point in SMALL_ORDER]
    for x in (None, 7, "", key["x"][:42], key["x"] + "=", "+" * 43, "A" * 42 + "B", no_point, *weak):
        yield [key, key | {"kid": "b", "x": x}]
    for retired_at in (0, "", "yesterday", RETIRED_AT[:-8] + "Z", RETIRED_AT.replace("T", " ")):
        yield [key | {"retired_at": retired_at}]


def texts_of_sets(key):
    """Texts of sets, each with what a verifier does: it accepts the set or refuses it."""
    for keys in usable_sets(key):
        yield True, json.dumps({"keys": keys})
    for keys in unusable_sets(key):
        yield False, json.dumps({"keys": keys})
    good = json.dumps({"keys": [key]})
    yield True, good[:-1] + ',"more":1,"more":2.5e999}'
    yield True, good[:-1] + ',"more":' + "9" * 5_000 + "}"
    yield True, good.replace('"kid"', '"kid":"a b","kid"')
    yield True, good.ljust(1024 * 1024)
    yield False, good.ljust(1024 * 1024 + 1)
    yield False, good.replace('"kty"', '"kid":"a b","kty"')
    yield False, good[:-1] + ',"more":NaN}'
    yield False, good[:-1] + ',"more":"\\u0041"}'
    yield False, good[:-1] + ',"more":"\u00fc"}'
    yield False, json.dumps([key])
    yield False, json.dumps({"keys": key})


# The verdicts.


def verdicts_of_florin(florin, keys, files):
    command = [florin, "receipt", "verify", "--json", "--key", keys, *files]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", env=ENVIRONMENT)
    shown = [json.loads(line) for line in run.stdout.splitlines()]
    return run, {each["file"]: each["proved"] for each in shown}


def verdicts_of_sample(verifier, keys, files):
    command = [sys.executable, verifier, "--key", keys, *files]
    run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", env=ENVIRONMENT)
    lines = [line.split(" ", 1) for line in run.stdout.splitlines()]
    return run, {rest.split(":")[0].split(" (")[0]: word == "proved" for word, rest in lines}


def is_right(expected, run, verdicts, files):
    """Fails unless a verifier came to this verdict on each file, and says so by its exit status."""
    assert set(verdicts) == set(files), (run.args[:2], run.returncode, run.stderr, len(verdicts))
    assert run.returncode == (0 if expected else 1), (run.args[:2], run.returncode, run.stderr)
    for file in files:
        assert verdicts[file] == expected, (run.args[:2], file, Path(file).read_bytes())


def both_say(expected, florin, verifier, keys, files):
    is_right(expected, *verdicts_of_florin(florin, keys, files), files)
    is_right(expected, *verdicts_of_sample(verifier, keys, files), files)


def judge_key_sets(florin, verifier, receipt, key):
    """How many sets both verifiers accept, and how many both refuse."""
    counts = Counter()
    for number, (is_usable, text) in enumerate(texts_of_sets(key)):
        keys = write(Path("keys"), number, text.encode())
        for run, _ in (verdicts_of_florin(florin, keys, [receipt]), verdicts_of_sample(verifier, keys, [receipt])):
            assert run.returncode == (0 if is_usable else 2), (run.args[:2], text[:500], run.stdout, run.stderr)
        counts[is_usable] += 1
    return counts


def tell_of_a_retired_key(florin, verifier, receipt, key):
    keys = write(Path("keys"), 1000, json.dumps({"keys": [key | {"retired_at": RETIRED_AT}]}).encode())
    run, _ = verdicts_of_florin(florin, keys, [receipt])
    assert json.loads(run.stdout)["key_retired_at"] == RETIRED_AT, run.stdout
    run, _ = verdicts_of_sample(verifier, keys, [receipt])
    assert run.stdout.endswith(f" (its key {key['kid']} was retired at {RETIRED_AT})\n"), run.stdout


def judge_small_order(dice, florin, verifier, texts):
    """How many receipts both verifiers refuse for the R of their signature."""
    seed = dice.randbytes(32)
    public = Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
    keys = write(Path("keys"), 1001, json.dumps({"keys": [jwk("small-r", public)]}).encode())
    forged = [sign_with_small_r(text, seed, public, point) for text in texts for point in SMALL_ORDER]
    files = [write(Path("small"), *each) for each in enumerate(forged)]
    both_say(False, florin, verifier, keys, files)
    return len(files)


def judge_heads(dice, verifier, keys, texts):
    """How many heads the sample proves, and refuses when they are forged."""
    heads = [json.dumps(json.loads(text)["head"], separators=(",", ":")) for text in texts]
    proved = [write(Path("heads"), *each) for each in enumerate(head.encode() for head in heads)]
    is_right(True, *verdicts_of_sample(verifier, keys, proved), proved)
    forged = [forge(dice, head)[1] for head in heads]
    refused = [write(Path("forged-heads"), *each) for each in enumerate(forged)]
    is_right(False, *verdicts_of_sample(verifier, keys, refused), refused)
    return len(proved)


def write(folder, number, data):
    folder.mkdir(exist_ok=True)
    file = folder / f"{number:04}.json"
    file.write_bytes(data)
    return str(file)


def main():
    florin, verifier, seed = sys.argv[1:]
    dice = random.Random(int(seed))
    operator = sign_in_operator()
    move_money(operator)
    transfers = dice.sample(all_transfers(operator), COUNT)
    assert {transfer["kind"] for transfer in transfers} == KINDS, Counter(each["kind"] for each in transfers)
    receipts = [receipt_of(operator, transfer) for transfer in transfers]
    assert all(encode(parse(text)) == text for text in receipts), "a receipt has whitespace in it"
    keys = "florin-keys.json"
    published = operator.get("/.well-known/florin-keys.json")
    Path(keys).write_bytes(published.content)

    proved = [write(Path("proved"), *each) for each in enumerate(text.encode() for text in receipts)]
    both_say(True, florin, verifier, keys, proved)
    forged = [forge(dice, text, receipts) for text in receipts]
    refused = [write(Path("refused"), number, data) for number, (_, data) in enumerate(forged)]
    both_say(False, florin, verifier, keys, refused)

    small = judge_small_order(dice, florin, verifier, receipts[:25])
    heads = judge_heads(dice, verifier, keys, receipts)
    key = published.json()["keys"][0]
    sets = judge_key_sets(florin, verifier, proved[0], key)
    tell_of_a_retired_key(florin, verifier, proved[0], key)

    kinds = Counter(transfer["kind"] for transfer in transfers)
    ways = Counter(done for done, _ in forged)
    print(f"receipts: both verifiers prove {len(proved)}: {dict(kinds.most_common())}")
    print(f"receipts: both verifiers refuse {len(refused)}: {dict(ways.most_common())}")
    print(f"receipts: both verifiers refuse {small} with an R of small order")
    print(f"receipts: both verifiers accept {sets[True]} sets of keys and refuse {sets[False]}")
    print(f"receipts: the sample proves {heads} heads and refuses as many forged ones")


if __name__ == "__main__":
    main()
