"""The token realm by POST: OAuth2's password and refresh_token grants.

Distribution, "Token Authentication", "OAuth2 token authentication".
"""

from urllib.parse import parse_qsl

from pullthrough.errors import Invalid, TooLarge
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.mediatypes import essence
from pullthrough.web.call import Call
from pullthrough.web.guard import Guard

#: Largest form, in bytes (reliability, section 5), and most fields in it.
LARGEST_FORM = 64 * 1024
MOST_FIELDS = 100

_FORM = "application/x-www-form-urlencoded"


async def log_in(call: Call, guard: Guard) -> None:
    """Find out who is asking, by a form; its fields become the call's parameters.

    :raises Unauthenticated: when it proves nothing.
    :raises Invalid: when it is no such form.
    """
    form = await _read(call)
    grant = form.get("grant_type", [""])[0]
    if grant == "password":
        call.identity = await guard.password(
            form.get("username", [""])[0],
            form.get("password", [""])[0],
            call.exchange.seen.peer,
        )
    elif grant == "refresh_token":
        token = form.get("refresh_token", [""])[0]
        call.identity = await guard.authenticator.login(token, guard.service)
        call.refresh_token = token
    else:
        raise Invalid(
            ErrorCode.UNSUPPORTED, "grant_type must be password or refresh_token"
        )
    call.parameters = form


async def _read(call: Call) -> dict[str, list[str]]:
    if essence(call.head.get("content-type")) != _FORM:
        raise Invalid(ErrorCode.UNSUPPORTED, f"the Content-Type must be {_FORM}")
    try:
        body = await call.exchange.read(LARGEST_FORM)
    except TooLarge as error:
        raise TooLarge(f"a form has at most {LARGEST_FORM} bytes") from error
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError as error:
        raise Invalid(ErrorCode.UNSUPPORTED, "the form cannot be read") from error
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found
