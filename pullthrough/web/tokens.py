"""The token realm, ``/v2/token``: Docker's token authentication by GET."""

import json
from datetime import UTC, datetime

from pullthrough.spec.errorcodes import InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.tokens import Access, parse_scopes
from pullthrough.values import Identity
from pullthrough.web.call import Call
from pullthrough.web.guard import Guard

#: Actions that a token may carry for an image.
_ACTIONS = ("pull", "push", "delete")


def give_token(call: Call, guard: Guard, now: float) -> None:
    """Answer with a token for what was asked, as far as it is permitted.

    Distribution, "Token Authentication": fewer rights than asked are no error.

    :param now: seconds since the epoch.
    """
    identity = call.identity
    access = [
        granted
        for asked in parse_scopes(call.parameters.get("scope", []))
        if (granted := _permitted(asked, identity, guard)) is not None
    ]
    token = guard.authenticator.grant(identity, guard.service, access)
    document = {
        "token": token,
        "access_token": token,
        "expires_in": guard.authenticator.lifetime,
        "issued_at": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
    call.answer(200, headers, json.dumps(document).encode())


def _permitted(asked: Access, identity: Identity, guard: Guard) -> Access | None:
    """What of ``asked`` the identity may have; None: nothing."""
    principal = identity.principal
    permits = guard.policy.permits
    if asked.kind == "registry" and asked.name == "catalog":
        return asked if permits(principal, guard.service, None, "catalog") else None
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
        if action in _ACTIONS and permits(principal, guard.service, image, action)
    )
    return Access(asked.kind, asked.name, actions) if actions else None
