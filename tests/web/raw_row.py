"""One row of the raw corpus: bytes on a connection, and what must come of them."""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class After(Enum):
    """What becomes of the connection once all bytes have come."""

    OPEN = "it is kept, and the next request is answered"
    CLOSED = "we close it, and read nothing more"
    WAITS = "we wait for more"


class Saw(NamedTuple):
    """A request as the application must see it.

    :ivar body: where it is not ``whole``, the most that may be written of it.
    """

    method: str
    path: str
    body: bytes = b""
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """What a client sends on one connection.

    :ivar answers: the statuses that come back in order, 100 too.
    :ivar saw: the requests that reach the application.
    """

    name: str
    sent: bytes
    answers: tuple[int, ...]
    saw: tuple[Saw, ...] = ()
    after: After = After.CLOSED


#: A request that nobody may see, unless it stands where a request begins.
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


def head(method: str, target: str, *fields: str, version: str = "1.1") -> bytes:
    """A request head with its end; ``Host`` comes first."""
    lines = [f"{method} {target} HTTP/{version}", "Host: a", *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def alone(first: str, *fields: str) -> bytes:
    """A head without ``Host``."""
    return "\r\n".join([first, *fields, "", ""]).encode("latin-1")


def get(target: str = "/v2/", *fields: str, version: str = "1.1") -> bytes:
    """A request without a body."""
    return head("GET", target, *fields, version=version)


def post(body: bytes, *fields: str, target: str = "/up") -> bytes:
    """A request with a body and its length."""
    return head("POST", target, f"Content-Length: {len(body)}", *fields) + body


def chunked(body: bytes, *fields: str, target: str = "/up") -> bytes:
    """A request whose body is coded as it stands."""
    return head("POST", target, "Transfer-Encoding: chunked", *fields) + body


def refused(name: str, sent: bytes, status: int = 400) -> Row:
    """Never reaches the application; what is behind it is not read."""
    return Row(name, sent, (status,))


def taken(name: str, sent: bytes, *saw: Saw, after: After = After.OPEN) -> Row:
    """Each request is answered with 200."""
    return Row(name, sent, (200,) * len(saw), saw, after)


def waits(name: str, sent: bytes, *saw: Saw) -> Row:
    """The last one is never whole: nothing comes back for it."""
    return Row(name, sent, (200,) * sum(one.whole for one in saw), saw, After.WAITS)
