"""Response heads, built from prepared bytes."""

from email.utils import formatdate
from http import HTTPStatus

from pullthrough.web.exchange import Headers

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n"
    f"Server: pullthrough\r\nX-Content-Type-Options: nosniff\r\n"
    for status in HTTPStatus
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

#: What a TLS client gets on a plain connector. Go's clients recognise a record that
#: begins with ``HTTP/`` and go on in plain text at once; without it every Docker
#: pull waits ten seconds for a handshake.
NOT_TLS = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"

#: What a client gets that is turned away before it has asked anything.
CROWDED = (
    b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
    b"Retry-After: 5\r\nContent-Length: 0\r\n\r\n"
)

#: The answer when a fault of ours has kept a request from its own.
FAULT: tuple[int, Headers, bytes] = (
    500,
    [("Content-Type", "application/json")],
    b'{"errors":[{"code":"UNKNOWN","message":"internal error"}]}',
)

#: Statuses that never have a body (RFC 9110 sections 15.3.5 and 15.4.5).
BODILESS = frozenset({204, 304})


class Dates:
    """The ``Date`` header, made anew once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._line = ""
        self._encoded = b""

    def line(self, now: float) -> str:
        """The header line for ``now`` (seconds since the epoch)."""
        second = int(now)
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n"
            self._encoded = self._line.encode()
        return self._line

    def encoded(self, now: float) -> bytes:
        """The same as bytes; within a second the very same object."""
        self.line(now)
        return self._encoded


def head_bytes(
    status: int, headers: Headers, length: int | None, close: bool, date: str
) -> bytes:
    """A whole response head.

    :param length: for ``Content-Length``, in bytes; None: without that header.
    :raises ValueError: when a value would break out of its line.
    """
    lines = [_STATUS_LINES[status], date]
    for name, value in headers:
        if "\r" in value or "\n" in value or "\0" in value:
            raise ValueError(f"a bad value for {name}")
        lines.append(f"{name}: {value}\r\n")
    if length is not None:
        lines.append(f"Content-Length: {length}\r\n")
    if close:
        lines.append("Connection: close\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")
