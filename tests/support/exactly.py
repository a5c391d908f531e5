"""The very bytes that a client gets, but for the time of day."""

import base64
import re
from collections.abc import Mapping
from typing import Any

from pullthrough.web.exchange import Application
from pullthrough.web.listener import Listener
from tests.support.site import USERS
from tests.support.wire import Wire

#: The host of every request, as :mod:`tests.support.main` has it.
HOST = "registry.test:5000"

_DATE = re.compile(rb"Date: [^\r]*\r\n")


def login(who: str) -> dict[str, str]:
    """The Basic credentials of somebody: wrong ones for who is no user, and none for
    who has no name."""
    if not who:
        return {}
    password = f"pw-{who}" if who in USERS else "nonsense"
    pair = base64.b64encode(f"{who}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def answer_bytes(
    application: Application,
    clock: Any,
    method: str,
    target: str,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> bytes:
    """Status line, all headers except ``Date``, and body of the answer to a request on
    a connection of its own, and whether the connection was closed."""
    sent = {"Host": HOST, **(headers or {})}
    if body or method in ("POST", "PUT", "PATCH"):
        sent.setdefault("Content-Length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    protocol: Any = Listener(application, clock).buildProtocol(None)  # type: ignore[arg-type]
    wire = Wire(protocol)
    wire.receive("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
    answered, dates = _DATE.subn(b"", wire.take())
    assert dates == 1, answered
    ended = b"CLOSED" if wire.closed or wire.half_closed else b"OPEN"
    wire.leave()
    return answered + ended


def status_of(answered: bytes) -> int:
    """The status of an answer."""
    return int(answered.split(b" ", 2)[1])
