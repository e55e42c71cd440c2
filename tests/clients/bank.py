"""A running bank as the parts of clients.sh in Python ask it."""

import os

import httpx

URL = os.environ["FLORIN_URL"]
PASSWORD = "correct horse battery"


def asked(bank, method, path, body=None, status=200):
    """The body of an answer that must have this status."""
    answer = bank.request(method, path, json=body)
    assert answer.status_code == status, (method, path, answer.status_code, answer.text)
    return answer.json() if answer.content else None


def sign_in(email, password):
    bank = httpx.Client(base_url=URL, timeout=10)
    token = asked(bank, "POST", "/v1/auth/login", {"email": email, "password": password})
    bank.headers["Authorization"] = f"Bearer {token['access_token']}"
    return bank


def sign_in_operator():
    return sign_in(os.environ["OPERATOR_EMAIL"], os.environ["OPERATOR_PASSWORD"])


def register(name):
    """A new customer, signed in, and the id of their wallet."""
    person = {"email": f"{name}@example.com", "password": PASSWORD, "full_name": name}
    made = asked(httpx.Client(base_url=URL), "POST", "/v1/auth/register", person, 201)
    return sign_in(person["email"], PASSWORD), made["wallet"]["id"]
