"""What schemathesis checks besides its own checks."""

import schemathesis

# Codes for a value that is wrong in itself, whatever the bank contains: the schema must exclude such a value.
BLAMES_A_VALUE = {
    "invalid_request",
    "invalid_idempotency_key",
    "invalid_amount",
    "invalid_field",
}


# Rules that the schema of a single field cannot express, and words of the bank's message that identify each.
EXCUSED = {
    "after": "",  # the id of an event of this bank, which none of the generated ones is
    "url": "",  # an address that may be reached, which a regular expression cannot say
    "cursor": "",  # opaque: only a page of the same list contains a valid one; the client programs test it
    "from_date": "after to_date",
    "to_date": "after from_date",
    "If-Match": "",  # the coverage phase of schemathesis sends 0, whatever the pattern is
    "timestamp": "",  # the bank compares it with its clock
    "email": "e-mail address",  # Unicode decides which characters are visible; a regular expression cannot
    "full_name": "can be seen",
    "currency": "ISO 4217",  # alone it gives `unknown_currency`; with other bad fields it is in their list
    "": "email or both",  # at least one of the two is given
    "destination_wallet_id": "destination_email",  # exactly one of the two is given
    "destination_email": "",  # the same, and an address as in `email`
    "expires_in_s": "only be given with hold",
    "from": "must not be",  # the bank compares it with the clock and with `to`
    "to": "must not be",
    "at": "must not be",
    "name": "can be seen",
    "q": "can be seen",
    "refresh_token": "required",  # unless it is in the cookie
    "scopes": "permission",  # those that the caller has
    "wallet_ids": "no such wallet",
    "addresses": "IP address",
    "after": "id of an event",  # opaque: only the bank's own events have one
    "Last-Event-ID": "id of an event",  # the same
    "url": "must",  # a whole URL of a host on the public internet
    "types": "type of events",  # those that exist
    "description": "can be seen",
    "expires_at": "must be",  # the bank compares it with its clock
}


def is_excused(error):
    # Of `transfers[3].expires_in_s`, the field of the transfer; of `scopes[1]`, the list.
    field = error["field"].rsplit(".", 1)[-1].split("[")[0]
    return field in EXCUSED and EXCUSED[field] in error["message"]


@schemathesis.check
def allowed_values_are_taken(ctx, response, case):
    """A value that the schema allows is refused by the bank's rules only."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    errors = problem.get("errors", [])
    if problem["code"] in BLAMES_A_VALUE and not (errors and all(map(is_excused, errors))):
        raise AssertionError(f"the schema allows it, and the bank answers: {problem}")
