"""What schemathesis checks besides its own checks."""

import schemathesis

# Codes that say that a value is wrong in itself, whatever the bank holds: the schema has to say so first.
BLAMES_A_VALUE = {
    "invalid_request",
    "invalid_idempotency_key",
    "invalid_amount",
    "invalid_field",
    "weak_password",
}


# What no schema of a single field can say, and the words of the bank by which it is known.
EXCUSED = {
    "cursor": "",  # opaque: only a page of the same list gives one, and the clients read lists to their end
    "from_date": "after to_date",
    "to_date": "after from_date",
    "If-Match": "",  # the coverage of schemathesis sends 0, whatever the pattern says
    "timestamp": "",  # is compared with the clock
    "email": "e-mail address",  # which characters can be seen is Unicode's to say, not a regular expression's
    "full_name": "can be seen",
    "currency": "ISO 4217",  # alone it is `unknown_currency`; beside a bad field it is named with it
}


def is_excused(error):
    return error["field"] in EXCUSED and EXCUSED[error["field"]] in error["message"]


@schemathesis.check
def allowed_values_are_taken(ctx, response, case):
    """A value that the schema allows is refused by the bank's rules only."""
    if case.meta is None or not case.meta.generation.mode.is_positive or response.status_code not in (400, 422):
        return
    problem = response.json()
    errors = problem.get("errors", [])
    if problem["code"] in BLAMES_A_VALUE and not (errors and all(map(is_excused, errors))):
        raise AssertionError(f"the schema allows it, and the bank answers: {problem}")
