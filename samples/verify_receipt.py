"""Checks receipts and heads of Florin without the bank. It needs Python 3.9 and the package `cryptography`.

    python3 samples/verify_receipt.py --key samples/florin-keys.json samples/receipt.json

It prints a line for each file: `proved FILE`, or `refused FILE: why`. Behind a proved file it says in brackets if it is a
head, which proves no transfer, and if its key was retired. Exit status: 0 all proved, 1 one refused, 2 used wrongly. KEYS is
what the bank answers at /.well-known/florin-keys.json. docs/receipts.md describes the format. Each value has one spelling,
and a document with another one is refused.
"""

import argparse
import base64
import hashlib
import json
import re
import struct
import sys
import uuid
from datetime import datetime, timedelta
from typing import NamedTuple, Optional

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

RECEIPT_BYTES_MAX = 64 * 1024
KEYS_BYTES_MAX = 1024 * 1024
PATH_STEPS_MAX = 33
UNITS_MAX = 999_999_999_999_999_999
MICROS_MAX = 253_402_300_799_999_999  # the end of the year 9999
KINDS = ("TRANSFER", "DEPOSIT", "WITHDRAWAL", "REVERSAL", "HOLD", "RELEASE", "CAPTURE")
STATUSES = ("PENDING", "COMPLETED", "FAILED")
KEY_ID = "[A-Za-z0-9_-]{1,64}"
RECEIPT = "format transfer leaf path commit head"
HEAD = "ledger number digest transfers at signature key_id"

# The curve of Ed25519, and the second coordinates of its points of small order.
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
SMALL_ORDER = {0, 1, P - 1, EIGHTH, P - EIGHTH}


class Refused(Exception):
    """A document that proves nothing, and why."""


def refuse_unless(holds, why):
    if not holds:
        raise Refused(why)


# Reading JSON, strictly.


def members_once(pairs):
    refuse_unless(len(dict(pairs)) == len(pairs), "a member is doubled")
    return dict(pairs)


def whole_number(text):
    refuse_unless(text != "-0" and len(text) <= 20, "a number is out of range")
    return int(text)


def not_whole(_):
    raise Refused("a number is not whole")


def read_json(data, bytes_max, **hooks):
    refuse_unless(len(data) <= bytes_max, f"it is larger than {bytes_max} bytes")
    # No value needs an escape, with which JSON could spell it in another way.
    refuse_unless(data.isascii() and b"\\" not in data, "it has a backslash or a character beyond ASCII")
    try:
        # JSON itself has no NaN and no Infinity.
        return json.loads(data.decode("ascii"), parse_constant=not_whole, **hooks)
    except (ValueError, RecursionError) as fault:
        raise Refused("it is not JSON") from fault


def read_document(data):
    """A receipt or a head, of which no member may be doubled and each number is whole."""
    return read_json(
        data,
        RECEIPT_BYTES_MAX,
        object_pairs_hook=members_once,
        parse_int=whole_number,
        parse_float=not_whole,
    )


def has_members(value, names):
    return isinstance(value, dict) and set(value) == set(names.split())


def members(value, path, names):
    """The values of an object that has exactly these members, in the order of the names."""
    refuse_unless(has_members(value, names), f"{path} does not have exactly the members {names.replace(' ', ', ')}")
    return [value[name] for name in names.split()]


def text(value, path, pattern):
    refuse_unless(isinstance(value, str) and re.fullmatch(pattern, value), f"{path} is not what the format says")
    return value


def hex_bytes(value, path, count=None):
    digits = "(?:[0-9a-f]{2})*" if count is None else f"[0-9a-f]{{{2 * count}}}"
    return bytes.fromhex(text(value, path, digits))


def uuid_bytes(value, path):
    pattern = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    return uuid.UUID(text(value, path, pattern)).bytes


def number(value, path, largest):
    # In Python, True is an int.
    refuse_unless(type(value) is int and 0 <= value <= largest, f"{path} is not what the format says")
    return value


def micros(value, path):
    pattern = "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}[.][0-9]{6}Z"
    try:
        time = datetime.strptime(text(value, path, pattern), "%Y-%m-%dT%H:%M:%S.%fZ")
    except ValueError as fault:
        raise Refused(f"{path} is not a time") from fault
    count = (time - datetime(1970, 1, 1)) // timedelta(microseconds=1)
    refuse_unless(0 <= count <= MICROS_MAX and time_text(count) == value, f"{path} is not what the format says")
    return count


def time_text(count):
    time = datetime(1970, 1, 1) + timedelta(microseconds=count)
    return time.isoformat(timespec="microseconds") + "Z"


# The public bytes of a transfer.


class PublicBytes:
    """Reads a transfer's public bytes from their beginning."""

    def __init__(self, data):
        self.data = data

    def take(self, count):
        refuse_unless(len(self.data) >= count, "leaf.public ends too early")
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def byte(self):
        return self.take(1)[0]

    def word(self, words):
        place = self.byte() - 1
        refuse_unless(0 <= place < len(words), "leaf.public has an unknown kind or status")
        return words[place]

    def signed(self):
        return struct.unpack(">q", self.take(8))[0]

    def id(self):
        return str(uuid.UUID(bytes=self.take(16)))

    def time(self):
        count = self.signed()
        refuse_unless(0 <= count <= MICROS_MAX, "leaf.public has a time out of range")
        return time_text(count)

    def amount(self):
        units = self.signed()
        refuse_unless(abs(units) <= UNITS_MAX, "leaf.public has an amount out of range")
        whole, part = divmod(abs(units), 10_000)
        return f"{'-' if units < 0 else ''}{whole}.{part:04}"

    def letters(self, pattern):
        found = self.take(self.byte()).decode("latin-1")
        return text(found, "a text in leaf.public", pattern)

    def optional(self, read):
        mark = self.byte()
        refuse_unless(mark <= 1, "leaf.public has another byte than 0 and 1 before a value")
        return read() if mark else None


def decode_transfer(data):
    """What the public bytes say, as the member `transfer` of a receipt says it."""
    public = PublicBytes(data)
    refuse_unless(public.byte() == ord("T"), "leaf.public is not that of a transfer")
    transfer = {
        "id": public.id(),
        "created_at": public.time(),
        "kind": public.word(KINDS),
        "status": public.word(STATUSES),
        "source_wallet_id": public.id(),
        "destination_wallet_id": public.id(),
        "amount": public.amount(),
        # The program also refuses codes that ISO 4217 does not have.
        "currency": public.letters("[A-Z]{3}"),
        "method": public.optional(lambda: public.letters("[a-z0-9_]{1,32}")),
        "reason": public.optional(lambda: public.letters("[a-z0-9_/]{1,255}")),
        "parent_id": public.optional(public.id),
        "batch_id": public.optional(public.id),
        "created_by": public.optional(public.id),
        "expires_at": public.optional(public.time),
        "released": public.optional(public.amount),
        "texts_digest": public.optional(lambda: public.take(32).hex()),
    }
    refuse_unless(not public.data, "leaf.public goes on after the transfer")
    return transfer


# The proof.


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def root_along(leaf, path):
    refuse_unless(isinstance(path, list) and len(path) <= PATH_STEPS_MAX, "path is not what the format says")
    root = leaf
    for index, step in enumerate(path):
        side, digest = members(step, f"path.{index}", "side digest")
        sibling = hex_bytes(digest, f"path.{index}.digest", 32)
        if text(side, f"path.{index}.side", "left|right") == "left":
            root = sha256(b"\1", sibling, root)
        else:
            root = sha256(b"\1", root, sibling)
    return root


class Head(NamedTuple):
    """A row of the journal. Its values are the bytes that are hashed and signed."""

    ledger: bytes
    row: bytes
    digest: bytes
    transfers: bytes
    at: bytes
    signature: bytes
    key_id: str


class TrustedKey(NamedTuple):
    public: Ed25519PublicKey
    retired_at: Optional[str]


def read_head(value, path):
    """`path` is that of the head in its document, with a dot behind it; a head that is a document has none."""
    ledger, row, digest, transfers, at, signature, key_id = members(value, path.rstrip("."), HEAD)
    return Head(
        ledger=uuid_bytes(ledger, f"{path}ledger"),
        row=struct.pack(">Q", number(row, f"{path}number", 2**63 - 1)),
        digest=hex_bytes(digest, f"{path}digest", 32),
        transfers=struct.pack(">I", number(transfers, f"{path}transfers", 2**32 - 1)),
        at=struct.pack(">q", micros(at, f"{path}at")),
        signature=hex_bytes(signature, f"{path}signature", 64),
        key_id=text(key_id, f"{path}key_id", KEY_ID),
    )


def check_head(head, path, keys):
    """Raises Refused unless a trusted key has signed the head."""
    key = keys.get(head.key_id)
    refuse_unless(key is not None, f"no key in the set has the id {head.key_id}, which signed it")
    # The first half of a signature is the point R.
    refuse_unless(not is_of_small_order(head.signature[:32]), f"{path}signature has an R of small order")
    try:
        signed = b"florin head 1\0" + head.ledger + head.row + head.digest + head.transfers + head.at
        key.public.verify(head.signature, signed)
    except InvalidSignature as fault:
        raise Refused(f"{path}signature is not that of the key over this head") from fault


def check_receipt(document, keys):
    """Returns the head of a receipt that is proved, and raises Refused if it is not."""
    form, transfer, leaf, path, commit, head = members(document, "the document", RECEIPT)
    refuse_unless(form == "florin receipt 1", "format is another one")

    public, sealed = members(leaf, "leaf", "public sealed")
    public, sealed = hex_bytes(public, "leaf.public"), hex_bytes(sealed, "leaf.sealed", 32)
    refuse_unless(transfer == decode_transfer(public), "transfer is not what leaf.public says")

    previous_digest, last_id, changes, root = members(commit, "commit", "previous_digest last_id changes root")
    root = hex_bytes(root, "commit.root", 32)
    refuse_unless(root_along(sha256(b"\0", public, sealed), path) == root, "path does not lead to commit.root")

    head = read_head(head, "head.")
    made = sha256(
        b"florin journal 1\0",
        head.ledger,
        hex_bytes(previous_digest, "commit.previous_digest", 32),
        head.row,
        uuid_bytes(last_id, "commit.last_id"),
        head.transfers,
        struct.pack(">I", number(changes, "commit.changes", 2**32 - 1)),
        head.at,
        root,
    )
    refuse_unless(made == head.digest, "head.digest is not the digest of this commit")
    check_head(head, "head.", keys)
    return head


def check_document(data, keys):
    """What a reader must know of a receipt or a head that is proved. Raises Refused if it is not proved."""
    document, notes = read_document(data), []
    if has_members(document, HEAD):
        head = read_head(document, "")
        check_head(head, "", keys)
        notes.append(f"a head: row {document['number']} of the journal")
    else:
        refuse_unless(isinstance(document, dict), "the document is not an object")
        found = ", ".join(document)[:200]
        why = f"the document is neither a receipt nor a head: it has the members {found}"
        refuse_unless(has_members(document, RECEIPT), why)
        head = check_receipt(document, keys)
    retired_at = keys[head.key_id].retired_at
    if retired_at is not None:
        notes.append(f"its key {head.key_id} was retired at {retired_at}")
    return notes


# The keys.


def second_coordinate(point):
    return (int.from_bytes(point, "little") & (2**255 - 1)) % P


def is_of_small_order(point):
    return second_coordinate(point) in SMALL_ORDER


def is_on_curve(point):
    """If the point's y has an x: x² = (y² - 1) / (D·y² + 1) must be a square."""
    y_squared = second_coordinate(point) ** 2 % P
    x_squared = (y_squared - 1) * pow(D * y_squared + 1, -1, P) % P
    return pow(x_squared, (P - 1) // 2, P) in (0, 1)


def read_key(key):
    """A key of the set, and its name."""
    kid = text(key.get("kid"), "kid", KEY_ID)
    coded = text(key.get("x"), "x", "[A-Za-z0-9_-]{43}")
    public = base64.urlsafe_b64decode(coded + "=")
    refuse_unless(base64.urlsafe_b64encode(public).decode() == coded + "=", "x is not base64url")
    refuse_unless(is_on_curve(public), "x is not a key")
    # Every person can make signatures for such a key.
    refuse_unless(not is_of_small_order(public), "a key is of small order")
    retired_at = key.get("retired_at")
    if retired_at is not None:
        micros(retired_at, "retired_at")
    return kid, TrustedKey(Ed25519PublicKey.from_public_bytes(public), retired_at)


def read_keys(data):
    """The Ed25519 keys of a JWK set, by their names. Other members and other keys are ignored."""
    # No number is used. Python refuses long ones as an int.
    document = read_json(data, KEYS_BYTES_MAX, parse_int=float)
    found = document.get("keys") if isinstance(document, dict) else None
    refuse_unless(isinstance(found, list), "it is not a set of keys")
    keys = {}
    for key in found:
        if not isinstance(key, dict) or (key.get("kty"), key.get("crv")) != ("OKP", "Ed25519"):
            continue
        kid, trusted = read_key(key)
        refuse_unless(kid not in keys, "two keys have the same kid")
        keys[kid] = trusted
    refuse_unless(keys, "it has no Ed25519 key")
    return keys


# The command.


def read_file(name, bytes_max):
    """No more of it than shows that it is too large."""
    if name == "-":
        return sys.stdin.buffer.read(bytes_max + 1)
    with open(name, "rb") as file:
        return file.read(bytes_max + 1)


def reason_of(fault):
    return fault.strerror if isinstance(fault, OSError) else fault


def main():
    parser = argparse.ArgumentParser(description="Checks receipts and heads of Florin without the bank.")
    parser.add_argument("--key", required=True, metavar="KEYS", help="the bank's public keys")
    parser.add_argument("files", nargs="+", metavar="FILE", help="a receipt or a head; - is standard input")
    options = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    try:
        keys = read_keys(read_file(options.key, KEYS_BYTES_MAX))
    except (OSError, Refused) as fault:
        parser.error(f"cannot use the keys in {options.key}: {reason_of(fault)}")
    status = 0
    for name in options.files:
        try:
            notes = check_document(read_file(name, RECEIPT_BYTES_MAX), keys)
            print(f"proved {name}" + (f" ({'; '.join(notes)})" if notes else ""))
        except Refused as refused:
            status = 1
            print(f"refused {name}: {refused}")
        except OSError as fault:
            parser.error(f"cannot read {name}: {reason_of(fault)}")
    return status


if __name__ == "__main__":
    sys.exit(main())
