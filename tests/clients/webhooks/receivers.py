"""Runs a receiver of samples/ beside a bank that sends to this machine: `receivers.py NAME COMMAND...`.

It must handle each event once, in the order of the feed, also when the bank sends all of them again, and refuse what the bank
has not signed. A receiver of the test's own records deliveries, which the library of Standard Webhooks verifies; one of
them is left in delivery.json for verify.ts.
"""

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
from standardwebhooks import Webhook

from bank import asked, register, sign_in_operator

DEADLINE_S = 30


def feed(bank, after=None):
    """The events behind a cursor, and the cursor of their end."""
    events = []
    while True:
        page = asked(bank, "GET", "/v1/events?limit=2" + (f"&after={after}" if after else ""))
        events.extend(page["items"])
        after = page["next_cursor"]
        if not page["has_more"]:
            return events, after


def until(condition, what):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what()
        time.sleep(0.02)


class Recorder(BaseHTTPRequestHandler):
    """Keeps every delivery as it came."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.deliveries.append((headers, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def recorder():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorder)
    server.deliveries = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Receiver:
    """The receiver under test: a program, and what it has said."""

    def __init__(self, name, command, port, secret):
        self.url = f"http://127.0.0.1:{port}/hook"
        self.out, self.err = Path(f"{name}.out"), Path(f"{name}.err")
        settings = {"WEBHOOK_SECRET": secret, "PORT": str(port), "WEBHOOK_DATABASE": f"{name}.db"}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.program = subprocess.Popen(command, env=os.environ | settings, stdout=out, stderr=err)
        until(lambda: "listening on" in self.err.read_text(), self.said)

    def handled(self):
        return self.out.read_text().splitlines()

    def repetitions(self):
        return self.err.read_text().count("handled before: ")

    def said(self):
        return f"it said:\n{self.out.read_text()}\n{self.err.read_text()}"

    def handles(self, expected):
        until(lambda: len(self.handled()) >= len(expected), self.said)
        assert self.handled() == expected, (expected, self.said())


def moves(operator, ana, source, destination):
    """Five events of Ana's wallet."""
    asked(operator, "POST", f"/v1/wallets/{source}/deposits", {"amount": "100", "method": "visa"}, 201)
    sides = {"source_wallet_id": source, "destination_wallet_id": destination}
    asked(ana, "POST", "/v1/transfers", sides | {"amount": "12.5", "description": "Mittagessen für zwei"}, 201)
    asked(ana, "POST", "/v1/transfers", sides | {"amount": "87.5001"}, 422)
    hold = asked(ana, "POST", "/v1/transfers", sides | {"amount": "8", "hold": True}, 201)
    asked(operator, "POST", f"/v1/transfers/{hold['id']}/void", {}, 201)


def lines(events):
    return [f"{event['type']} {event['id']}" for event in events]


def is_not_fooled(receiver, secret):
    """What the bank has not signed, or signed long ago, is refused."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    body = b'{"id":"forged","type":"deposit.completed"}'

    def status(key, age_s=0, sent=body, without=None):
        timestamp = str(int(time.time()) - age_s)
        mac = hmac.new(key, f"forged.{timestamp}.".encode() + body, hashlib.sha256).digest()
        headers = {
            "webhook-id": "forged",
            "webhook-timestamp": timestamp,
            "webhook-signature": "v1," + base64.b64encode(mac).decode(),
        }
        headers.pop(without, None)
        return httpx.post(receiver.url, content=sent, headers=headers).status_code

    before = receiver.handled()
    assert status(bytes(32)) == 401, "another key"
    assert status(key, sent=body + b" ") == 401, "another body"
    assert status(key, age_s=301) == 401, "an old request"
    assert status(key, age_s=-400) == 401, "a request of the future"
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        assert status(key, without=name) == 400, f"no {name}"
    assert receiver.handled() == before, receiver.said()


def verified(deliveries, secret, events):
    """Each delivery by the library of Standard Webhooks; together they are the events of the feed."""
    bodies = [Webhook(secret).verify(body, headers) for headers, body in deliveries]
    assert bodies == events, (bodies, events)
    headers, body = deliveries[-1]
    assert headers["webhook-id"] == events[-1]["id"], headers
    Path("delivery.json").write_text(json.dumps({"secret": secret, "headers": headers, "body": body.decode()}))


def main():
    name, command = sys.argv[1], sys.argv[2:]
    operator = sign_in_operator()
    (ana, source), (_, destination) = register(f"ana.{name}"), register(f"ben.{name}")
    _, began = feed(ana)

    port, recording = free_port(), recorder()
    made, recorded = (
        asked(ana, "POST", "/v1/webhooks", {"url": f"http://127.0.0.1:{each}/hook"}, 201)
        for each in (port, recording.server_port)
    )
    receiver = Receiver(name, command, port, made["secret"])
    hook = f"/v1/webhooks/{made['id']}"
    try:
        moves(operator, ana, source, destination)
        events, _ = feed(ana, began)
        kinds = [event["type"] for event in events]
        expected = ["deposit.completed", "transfer.completed", "transfer.failed", "hold.created", "hold.released"]
        assert kinds == expected, kinds
        receiver.handles(lines(events))
        until(lambda: len(recording.deliveries) >= len(events), lambda: recording.deliveries)
        verified(recording.deliveries, recorded["secret"], events)

        asked(ana, "POST", f"{hook}/replay", {"after": began})
        until(lambda: receiver.repetitions() >= len(events), receiver.said)
        assert receiver.handled() == lines(events), receiver.said()
        is_not_fooled(receiver, made["secret"])

        # The receiver still has the secret of before.
        rotated = asked(ana, "POST", f"{hook}/rotate-secret", {"overlap_s": 60}, 201)
        assert rotated["secret"] not in (made["secret"], None), "a new secret"
        asked(operator, "POST", f"/v1/wallets/{source}/deposits", {"amount": "1", "method": "visa"}, 201)
        events, _ = feed(ana, began)
        receiver.handles(lines(events))
        asked(ana, "POST", f"{hook}/test")
        until(lambda: receiver.handled()[-1].startswith("webhook.test "), receiver.said)
        assert receiver.handled()[:-1] == lines(events), receiver.said()
        for each in (made, recorded):
            asked(ana, "DELETE", f"/v1/webhooks/{each['id']}", status=204)
    finally:
        receiver.program.kill()
        receiver.program.wait()
    print(f"the receiver in {name} handled each event once")


if __name__ == "__main__":
    main()
