"""The token realm, ``/v2/token``: Docker's token authentication by GET and POST."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

from pullthrough.spec.errorcodes import InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.tokens import Access, parse_scopes
from pullthrough.values import Identity
from pullthrough.web.call import Call
from pullthrough.web.guard import Guard

#: Actions that a token may carry for an image.
_ACTIONS = ("pull", "push", "delete")


async def give_token(
    call: Call,
    guard: Guard,
    now: float,
    permitted: Callable[[Call, Access], Access | None],
) -> None:
    """Answer with a token for what was asked, as far as it is permitted.

    Distribution, "Token Authentication": fewer rights than asked are no error.

    :param now: seconds since the epoch.
    :param permitted: what of something asked for may be granted; None: nothing.
    """
    access = [
        granted
        for asked in parse_scopes(call.parameters.get("scope", []))
        if (granted := permitted(call, asked)) is not None
    ]
    token = guard.authenticator.grant(call.identity, guard.service, access)
    document: dict[str, object] = {
        "token": token,
        "access_token": token,
        "expires_in": guard.authenticator.lifetime,
        "issued_at": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if call.method == "POST":
        document["scope"] = " ".join(str(one) for one in access)
    refresh_token = call.refresh_token or await _refresh_token(call, guard)
    if refresh_token:
        document["refresh_token"] = refresh_token
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    call.answer(200, headers, json.dumps(document).encode())


async def _refresh_token(call: Call, guard: Guard) -> str:
    """One for a client that has logged in and asks for one; else empty."""
    wanted = call.parameter("offline_token") in ("true", "1")
    wanted |= call.parameter("access_type") == "offline"
    if not (wanted and call.identity.principal):
        return ""
    return await guard.authenticator.begin_login(call.identity, guard.service)


def permitted(asked: Access, identity: Identity, guard: Guard) -> Access | None:
    """What of ``asked`` the identity may have; None: nothing.

    :param asked: names images as clients of the repository's own connector do.
    """
    if asked.kind == "registry" and asked.name == "catalog":
        return asked if guard.may(identity, None, "catalog") else None
    if asked.kind != "repository":
        return None
    try:
        image = ImageName(asked.name)
    except InvalidText:
        return None
    wanted = _ACTIONS if "*" in asked.actions else asked.actions
    actions = frozenset(
        action
        for action in wanted
        if action in _ACTIONS and guard.may(identity, image, action)
    )
    return Access(asked.kind, asked.name, actions) if actions else None
