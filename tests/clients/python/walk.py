"""A newcomer's way through a running bank with the client that openapi-python-client generated."""

import io
import os
import time

from florin_client import AuthenticatedClient, Client
from florin_client.api.authentication import auth_login, auth_register
from florin_client.api.imports import imports_activities, imports_get
from florin_client.api.operations import readyz
from florin_client.api.reports import statistics_get
from florin_client.api.transfers import transfers_create, transfers_get, transfers_list, wallets_deposit
from florin_client.api.users import users_me
from florin_client.api.wallets import wallets_entries, wallets_get, wallets_list, wallets_open
from florin_client.models import (
    Credentials,
    ImportsActivitiesBody,
    NewPayment,
    NewTransfer,
    NewWallet,
    Problem,
    ProblemCode,
    Registration,
)
from florin_client.types import File

URL = os.environ["FLORIN_URL"]
PASSWORD = "correct horse battery"
IMPORT_DEADLINE_S = 30

ROW = "event_id,merchant_id,event_timestamp,product,event_type,amount,status,channel,region,merchant_tier\n" + (
    "01993f2a-6e80-4d40-8c6e-9a4f3b8dce04,MRC-000001,2024-01-05T03:33:58,POS,CARD,12.50,SUCCESS,POS,LAGOS,STARTER\n"
)


def body(answer, status=200):
    """The typed body of an answer that must have this status."""
    assert answer.status_code == status, (answer.status_code, answer.content)
    assert answer.parsed is not None, "the document has no body for this answer"
    return answer.parsed


def refusal(answer, status, code):
    """The problem of an answer that must be this refusal."""
    problem = body(answer, status)
    assert isinstance(problem, Problem), problem
    assert (problem.status, problem.code) == (status, code), problem
    return problem


def anonymous():
    return Client(base_url=URL, raise_on_unexpected_status=True)


def sign_in(email, password):
    token = body(auth_login.sync_detailed(client=anonymous(), body=Credentials(email=email, password=password)))
    assert token.token_type == "Bearer" and token.expires_in > 0, token
    return AuthenticatedClient(base_url=URL, token=token.access_token, raise_on_unexpected_status=True)


def register(name):
    email = f"{name}.python@example.com"
    registration = Registration(email=email, password=PASSWORD, full_name=f"{name} of Python")
    made = body(auth_register.sync_detailed(client=anonymous(), body=registration), 201)
    assert (made.user.email, made.user.role, made.wallet.balance) == (email, "customer", "0.0000"), made
    assert made.wallet.user_id == made.user.id, made
    refusal(auth_register.sync_detailed(client=anonymous(), body=registration), 409, ProblemCode.EMAIL_TAKEN)
    client = sign_in(email, PASSWORD)
    me = body(users_me.sync_detailed(client=client)).to_dict()
    assert "transfers:write" in me.pop("permissions") and me == made.user.to_dict(), me
    return client, made.wallet


def to_the_end(key, page):
    """All items of a list that is read one item a page: the pages must end, and give no item twice."""
    items, cursor, pages = [], {}, 0
    while True:
        read = body(page(limit=1, **cursor))
        items.extend(read.items)
        pages += 1
        assert pages < 100, "the pages do not end"
        if read.next_cursor is None:
            break
        cursor = {"cursor": read.next_cursor}
    assert pages > 1, "there is one page only"
    assert len({key(item) for item in items}) == len(items), "an item came twice"
    return items


def deposit(operator, wallet):
    payment = NewPayment(amount="100", method="visa")
    made = body(wallets_deposit.sync_detailed(wallet.id, client=operator, body=payment), 201)
    assert (made.kind, made.status, made.amount, made.method) == ("DEPOSIT", "COMPLETED", "100.0000", "visa"), made
    # A field without a value must be null in the answer: None, and never UNSET.
    assert [made.description, made.metadata, made.failure_reason] == [None, None, None], made
    assert (made.hold, made.batch_id, made.to_dict()["reversed"]) == (None, None, "0.0000"), made
    return made


def transfer(client, source, destination):
    lunch = NewTransfer.from_dict({
        "source_wallet_id": str(source.id), "destination_wallet_id": str(destination.id),
        "amount": "12.5", "description": "lunch", "metadata": {"order": "A-17"},
    })  # fmt: skip
    first, again = (
        transfers_create.sync_detailed(client=client, body=lunch, idempotency_key="lunch-python") for _ in range(2)
    )
    made = body(first, 201)
    assert (made.status, made.amount, made.description, made.method) == ("COMPLETED", "12.5000", "lunch", None), made
    assert made.metadata.to_dict() == {"order": "A-17"} and made.completed_at is not None, made
    assert body(again, 201) == made and again.headers["Idempotent-Replayed"] == "true", "one key moves money once"
    return made


def is_refused(client, source, destination):
    wish = NewTransfer(source_wallet_id=source.id, destination_wallet_id=destination.id, amount="87.5001")
    problem = refusal(transfers_create.sync_detailed(client=client, body=wish), 422, ProblemCode.INSUFFICIENT_FUNDS)
    assert problem.available == "87.5000", problem
    failed = body(transfers_get.sync_detailed(problem.transfer_id, client=client))
    assert (failed.status, failed.failure_reason, failed.completed_at) == ("FAILED", "insufficient_funds", None), failed
    return failed


def lists(client, wallet, known):
    body(wallets_open.sync_detailed(client=client, body=NewWallet(currency="EUR")), 201)
    wallets = to_the_end(lambda item: item.id, lambda **page: wallets_list.sync_detailed(client=client, **page))
    assert [(each.currency, each.available) for each in wallets] == [("EUR", "0.0000"), ("USD", "87.5000")], wallets

    transfers = to_the_end(
        lambda item: item.id,
        lambda **page: transfers_list.sync_detailed(client=client, wallet_id=wallet.id, **page),
    )
    assert [each.id for each in transfers] == [each.id for each in reversed(known)], transfers

    entries = to_the_end(
        lambda item: item.transfer_id, lambda **page: wallets_entries.sync_detailed(wallet.id, client=client, **page)
    )
    rows = [(each.amount, each.balance_after, each.version, each.description) for each in entries]
    assert rows == [("-12.5000", "87.5000", 2, "lunch"), ("100.0000", "100.0000", 1, None)], rows


def imports(operator):
    file = File(payload=io.BytesIO(ROW.encode()), file_name="january.csv", mime_type="text/csv")
    started = body(imports_activities.sync_detailed(client=operator, body=ImportsActivitiesBody(file=file)), 202)
    deadline = time.monotonic() + IMPORT_DEADLINE_S
    while True:
        seen = body(imports_get.sync_detailed(started.id, client=operator))
        if seen.status != "RUNNING":
            break
        assert time.monotonic() < deadline, "the import does not end"
        time.sleep(0.05)
    assert (seen.status, seen.rows_read, seen.rows_inserted, seen.failure) == ("COMPLETED", 1, 1, None), seen
    assert seen.finished_at is not None, seen


def main():
    operator = sign_in(os.environ["OPERATOR_EMAIL"], os.environ["OPERATOR_PASSWORD"])
    (ana, ana_wallet), (ben, ben_wallet) = register("ana"), register("ben")
    paid_in = deposit(operator, ana_wallet)
    lunch = transfer(ana, ana_wallet, ben_wallet)
    failed = is_refused(ana, ana_wallet, ben_wallet)
    lists(ana, ana_wallet, [paid_in, lunch, failed])

    refusal(wallets_get.sync_detailed(ana_wallet.id, client=ben), 404, ProblemCode.WALLET_NOT_FOUND)
    refusal(wallets_list.sync_detailed(client=ana, limit=501), 400, ProblemCode.INVALID_REQUEST)
    refusal(wallets_deposit.sync_detailed(ana_wallet.id, client=ana, body=NewPayment(amount="1", method="visa")), 403,
            ProblemCode.FORBIDDEN)  # fmt: skip
    system = body(wallets_get.sync_detailed(paid_in.source_wallet_id, client=operator))
    assert system.user_id is None, "the bank's own wallets have no owner"
    assert body(statistics_get.sync_detailed(client=operator, currency="USD")).count >= 2
    imports(operator)
    ready = body(readyz.sync_detailed(client=anonymous()))
    assert (ready.status, ready.redis) == ("ok", None), ready
    print("the Python client walked through the bank")


if __name__ == "__main__":
    main()
