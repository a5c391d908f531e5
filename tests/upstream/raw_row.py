"""One raw response of an upstream: its bytes, and what our client makes of them."""

from dataclasses import dataclass
from enum import Enum

from pullthrough.spec import mediatypes
from tests.support.images import make_image

#: What is asked for: a manifest, so that it can be asked for as a blob as well.
CONTENT = make_image(b"layer").manifest
SIZE = len(CONTENT)

TYPE = f"Content-Type: {mediatypes.OCI_MANIFEST}"
LENGTH = f"Content-Length: {SIZE}"
CHUNKED = "Transfer-Encoding: chunked"

#: What a stranger would like to have taken for the answer to the next request.
UNASKED = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"


class Outcome(Enum):
    """What becomes of a response."""

    TAKEN = "its body is taken"
    REFUSED = "an outage before any of its body"
    BROKEN = "an outage, after some of its body it may be"
    LATE = "a time-out"


@dataclass(frozen=True, slots=True)
class Row:
    """What an upstream sends to one request.

    :ivar blob: what becomes of it where a blob was asked for.
    :ivar digest: the same, for a manifest by digest; None: as for the blob.
    :ivar tag: the same, for a manifest by tag; None: as by digest.
    :ivar closes: whether it then closes the connection.
    :ivar body: what is taken as the blob.
    """

    name: str
    sent: bytes
    blob: Outcome
    digest: Outcome | None = None
    tag: Outcome | None = None
    closes: bool = False
    body: bytes = CONTENT


def answer(
    *fields: str, body: bytes = CONTENT, status: str = "HTTP/1.1 200 OK"
) -> bytes:
    """A response with these header lines."""
    lines = [status, TYPE, *fields, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def coded(body: bytes, *fields: str) -> bytes:
    """A response whose body is coded as it stands."""
    return answer(CHUNKED, *fields, body=body)


def chunk(content: bytes = CONTENT, extension: bytes = b"") -> bytes:
    """One chunk."""
    return b"%x%b\r\n%b\r\n" % (len(content), extension, content)


def taken(name: str, sent: bytes) -> Row:
    """The content."""
    return Row(name, sent, Outcome.TAKEN)


def refused(name: str, sent: bytes, closes: bool = False) -> Row:
    """Its head is enough."""
    return Row(name, sent, Outcome.REFUSED, closes=closes)


def broken(name: str, sent: bytes, closes: bool = True) -> Row:
    """Its body is not whole."""
    return Row(name, sent, Outcome.BROKEN, closes=closes)
