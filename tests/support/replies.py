"""HTTP answers as scripts of bytes, and hosts in a network in memory that send them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from http import HTTPStatus

from tests.support.lines import Host, Line, Step, Steps
from tests.support.network import Network

#: Bytes that arrive at once.
PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A request; header names in lower case."""

    method: str
    target: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        """Without the query."""
        return self.target.partition("?")[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer as it should be.

    :ivar bare: to HEAD: the body is not sent.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    bare: bool = False

    def put(self, name: str, value: str) -> "Reply":
        """With that header instead of others of its name."""
        return replace(self, headers=(*self.without(name).headers, (name, value)))

    def without(self, name: str) -> "Reply":
        """Without that header."""
        kept = [pair for pair in self.headers if pair[0].lower() != name.lower()]
        return replace(self, headers=tuple(kept))

    def with_body(self, body: bytes) -> "Reply":
        """With another body, of which it tells the length."""
        return replace(self, body=body).put("Content-Length", str(len(body)))

    def head(self) -> bytes:
        """The status line and the headers."""
        lines = [f"HTTP/1.1 {self.status} {_phrase(self.status)}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def sent(self) -> bytes:
        """The bytes of the body that follow the head."""
        return b"" if self.bare else self.body

    def steps(self) -> Iterator[Step]:
        """As it should come."""
        yield self.head()
        yield from pieces(self.sent())


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Odd"


def pieces(body: bytes) -> Iterator[Step]:
    """A body, as it comes from a socket."""
    for start in range(0, len(body), PIECE):
        yield body[start : start + PIECE]


def reply(asked: Asked, status: int, body: bytes, *headers: tuple[str, str]) -> Reply:
    """An answer that tells its length."""
    length = ("Content-Length", str(len(body)))
    return Reply(status, (*headers, length), body, asked.method == "HEAD")


def part(asked: Asked, whole: Reply) -> Reply:
    """The part of an answer that a ``Range: bytes=N-`` asks for."""
    wanted = asked.headers.get("range", "")
    if not wanted or whole.status != 200:
        return whole
    size = len(whole.body)
    start = int(wanted.removeprefix("bytes=").removesuffix("-"))
    if start >= size:
        empty = replace(whole, status=416).with_body(b"")
        return empty.put("Content-Range", f"bytes */{size}")
    rest = replace(whole, status=206).with_body(whole.body[start:])
    return rest.put("Content-Range", f"bytes {start}-{size - 1}/{size}")


class HttpHost:
    """A host that reads requests and lets ``answer`` say what comes back.

    :ivar heard: every request.
    """

    def __init__(
        self,
        network: Network,
        name: str,
        address: str,
        answer: Callable[[Asked], Steps],
    ) -> None:
        self.name = name
        self.heard: list[Asked] = []
        self._answer = answer
        self.host: Host = network.add(name, address, self._accepted)

    def _accepted(self, line: Line) -> None:
        waiting = b""

        def received(data: bytes) -> None:
            nonlocal waiting
            waiting += data
            while b"\r\n\r\n" in waiting:
                head, _, waiting = waiting.partition(b"\r\n\r\n")
                asked = _asked(head.decode("latin-1"))
                self.heard.append(asked)
                line.run(self._answer(asked))

        line.received = received


def _asked(head: str) -> Asked:
    first, *lines = head.split("\r\n")
    method, target, _ = first.split(" ")
    pairs = [line.partition(":") for line in lines]
    return Asked(
        method, target, {name.lower(): value.strip() for name, _, value in pairs}
    )
