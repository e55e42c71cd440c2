"""A receiver of Florin's webhooks that are signed with `hmac`. It needs nothing but Python 3.9.

    WEBHOOK_SECRET=whsec_... python3 samples/webhook_receiver.py

It checks each request, handles each event once, however often it is sent, and prints a line for it. PORT (8000) is where it
listens, WEBHOOK_DATABASE (webhooks.db) where it remembers what it has handled.
"""

import base64
import hashlib
import hmac
import json
import os
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_S = 5 * 60
BODY_MAX_BYTES = 1024 * 1024


class Refused(Exception):
    """A request that is not a delivery of ours, with the status that says so."""

    def __init__(self, status, why):
        super().__init__(why)
        self.status = status


def verify(key, headers, body, now):
    """The event's id. `body` must be the bytes as they came: the same JSON written anew has another signature."""
    event_id, timestamp, signatures = (
        headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature")
    )
    if not (event_id and timestamp and signatures):
        raise Refused(400, "a webhook header is missing")
    signed = f"{event_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    # While a secret is rotated there are two signatures, separated by a space. A comparison that ends at the first
    # difference would tell by its time how much of a guess was right.
    if not any(hmac.compare_digest(expected, one) for one in signatures.encode().split(b" ")):
        raise Refused(401, "the signature is wrong")
    # A correct signature proves that the bank wrote the time: an old request that was recorded is not sent again for ever.
    if abs(now - int(timestamp)) > TOLERANCE_S:
        raise Refused(401, "the timestamp is more than five minutes away")
    return event_id


class Handled:
    """The ids of the events that were handled. A replay sends old events again: keep an id for as long as you may ask for one."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.db.execute("CREATE TABLE IF NOT EXISTS handled (event_id TEXT PRIMARY KEY, at INTEGER NOT NULL)")

    def once(self, event_id, handle):
        """Calls `handle`, unless the event was handled before. If it fails, the event counts as not handled."""
        with self.lock:
            self.db.execute("BEGIN IMMEDIATE")
            try:
                row = (event_id, int(time.time()))
                is_new = self.db.execute("INSERT OR IGNORE INTO handled VALUES (?, ?)", row).rowcount == 1
                if is_new:
                    handle()
                self.db.execute("COMMIT")
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
        return is_new


def handle(event):
    """What your program does. If it writes to the same database, do it in this transaction: both happen, or neither."""
    print(event["type"], event["id"], flush=True)


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_POST(self):
        try:
            body = self.read_body()
            event_id = verify(self.server.key, self.headers, body, time.time())
            event = json.loads(body)
            if not self.server.handled.once(event_id, lambda: handle(event)):
                print("handled before:", event_id, file=sys.stderr, flush=True)
            self.answer(204)
        except Refused as refused:
            print("refused:", refused, file=sys.stderr, flush=True)
            self.answer(refused.status)
        except Exception as fault:
            # Not answered with 2xx: the bank sends the event again.
            print("failed:", repr(fault), file=sys.stderr, flush=True)
            self.answer(500)

    def read_body(self):
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdecimal()):
            raise Refused(411, "the length of the body is missing")
        if int(length) > BODY_MAX_BYTES:
            raise Refused(413, "the body is too large")
        return self.rfile.read(int(length))

    def answer(self, status):
        self.send_response(status)
        if status != 204:
            # What was refused may be unread: its bytes must not be taken for the next request.
            self.send_header("content-length", "0")
            self.send_header("connection", "close")
        self.end_headers()

    def log_message(self, *_):
        """Not a line for each request."""


def main():
    secret = os.environ.get("WEBHOOK_SECRET", "")
    if not secret.startswith("whsec_"):
        sys.exit("WEBHOOK_SECRET must be the whsec_... that the bank showed when the webhook was made")
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Receiver)
    server.key = base64.b64decode(secret.removeprefix("whsec_"))
    server.handled = Handled(os.environ.get("WEBHOOK_DATABASE", "webhooks.db"))
    print(f"listening on http://127.0.0.1:{server.server_port}", file=sys.stderr, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
