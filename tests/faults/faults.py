"""The faults: how each makes a wrong answer out of the right one."""

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.utils import formatdate
from itertools import repeat

from tests.faults.registry import Fault
from tests.support.lines import Dial, End, Step, Steps
from tests.support.replies import Asked, Reply, pieces, reply

Change = Callable[[Reply], Reply]

_HTML = b"<html><title>Log in to the hotel</title></html>"


# -- whole answers --


def status(code: int, *headers: tuple[str, str], body: bytes = b"no") -> Fault:
    """Another status."""
    return Fault(lambda right, asked, now: reply(asked, code, body, *headers).steps())


def html(code: int) -> Fault:
    """A web page."""
    return status(code, ("Content-Type", "text/html"), body=_HTML)


def errors(code: int) -> Fault:
    """A status, said as a registry does."""
    body = b'{"errors":[{"code":"SOME_CODE","message":"no"}]}'
    return status(code, ("Content-Type", "application/json"), body=body)


def leads(location: str, code: int = 307) -> Fault:
    """A redirect."""
    return status(code, ("Location", location))


def challenge(value: str) -> Fault:
    """A 401 with a challenge of its own."""
    return Fault(
        lambda right, asked, now: reply(
            asked, 401, b"", ("WWW-Authenticate", value)
        ).steps(),
        challenge=value,
    )


def loop() -> Fault:
    """A redirect to where it came from."""

    def answer(right: Reply, asked: Asked, now: float) -> Steps:
        return reply(asked, 302, b"", ("Location", asked.target)).steps()

    return Fault(answer)


def once(code: int) -> Fault:
    """An error, and then no more."""
    return Fault(lambda right, asked, now: reply(asked, code, b"").steps(), times=1)


def limited_until(seconds: float) -> Fault:
    """429 with a date."""

    def answer(right: Reply, asked: Asked, now: float) -> Steps:
        date = formatdate(now + seconds, usegmt=True)
        return reply(asked, 429, b"", ("Retry-After", date)).steps()

    return Fault(answer)


# -- changed answers --


def changed(change: Change, times: int = 0) -> Fault:
    """The right answer with a change."""
    return Fault(lambda right, asked, now: change(right).steps(), times=times)


def header(name: str, value: str) -> Fault:
    """Another value of a header."""
    return changed(lambda right: right.put(name, value))


def without(name: str) -> Fault:
    """A header less."""
    return changed(lambda right: right.without(name))


def strange_framing() -> Fault:
    """A transfer coding that nobody knows."""
    return changed(
        lambda right: right.without("Content-Length").put("Transfer-Encoding", "zstd")
    )


def body(make: Callable[[bytes], bytes]) -> Fault:
    """Another body, of which the length is told."""
    return changed(lambda right: right.with_body(make(right.body)))


def flipped(content: bytes) -> bytes:
    """One bit is another."""
    if not content:
        return content
    at = len(content) // 2
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def encoded() -> Fault:
    """Packed, and says so."""
    return changed(
        lambda right: right.with_body(gzip.compress(right.body, mtime=0)).put(
            "Content-Encoding", "gzip"
        )
    )


def odd_part() -> Fault:
    """206 that begins one byte too late."""

    def change(right: Reply) -> Reply:
        size = len(right.body)
        rest = replace(right, status=206).with_body(right.body[1:])
        return rest.put("Content-Range", f"bytes 1-{size - 1}/{size}")

    return changed(change)


def unasked_part() -> Fault:
    """206 with all of it, where nobody asked for a part."""

    def change(right: Reply) -> Reply:
        size = len(right.body)
        span = f"bytes 0-{size - 1}/{size}"
        return replace(right, status=206).put("Content-Range", span)

    return changed(change)


# -- bytes --


def script(make: Callable[[Reply], Steps], times: int = 0) -> Fault:
    """Any bytes."""
    return Fault(lambda right, asked, now: make(right), times=times)


def instead(*steps: Step) -> Fault:
    """These bytes whatever was asked."""
    return script(lambda right: steps)


def reset_once() -> Fault:
    """A reset instead of a head, and then no more."""
    return script(lambda right: (End.RESET,), times=1)


def head_cut(end: End) -> Fault:
    """Ends in the middle of the head."""
    return script(lambda right: (right.head()[:40], end))


def flipped_and_cut() -> Fault:
    """One bit is another, and the end does not come."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.head()
        yield from pieces(flipped(right.sent())[: len(right.sent()) * 3 // 4])
        yield End.RESET

    return script(make)


def cut(share: float, end: End = End.CLOSE, times: int = 0) -> Fault:
    """Ends after a part of the body."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.head()
        yield from pieces(right.sent()[: int(len(right.sent()) * share)])
        yield end

    return script(make, times)


def stalled(share: float) -> Fault:
    """Says nothing more after a part of the body."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.head()
        yield from pieces(right.sent()[: int(len(right.sent()) * share)])

    return script(make)


def stalled_error(code: int) -> Fault:
    """An error whose body does not come."""

    def answer(right: Reply, asked: Asked, now: float) -> Iterator[Step]:
        yield reply(asked, code, b"x" * 100).head()

    return Fault(answer)


def dripping(seconds: float) -> Fault:
    """One byte at a time."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.head()
        for at in range(len(right.sent())):
            yield seconds
            yield right.sent()[at : at + 1]

    return script(make)


def late(seconds: float) -> Fault:
    """The head comes after a while."""

    def make(right: Reply) -> Iterator[Step]:
        yield seconds
        yield from right.steps()

    return script(make)


def slow_head(seconds: float) -> Fault:
    """The head comes byte by byte."""

    def make(right: Reply) -> Iterator[Step]:
        for byte in right.head():
            yield seconds
            yield bytes([byte])
        yield from pieces(right.sent())

    return script(make)


def unframed() -> Fault:
    """No length; the end of the connection is the end."""

    def make(right: Reply) -> Iterator[Step]:
        yield from right.without("Content-Length").steps()
        yield End.CLOSE

    return script(make)


def unframed_cut() -> Fault:
    """No length, and it ends too early."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.without("Content-Length").head()
        yield from pieces(right.sent()[: len(right.sent()) // 2])
        yield End.CLOSE

    return script(make)


def chunked(share: float = 1.0, end: bytes = b"0\r\n\r\n") -> Fault:
    """In chunks."""

    def make(right: Reply) -> Iterator[Step]:
        coded = right.without("Content-Length").put("Transfer-Encoding", "chunked")
        yield coded.head()
        content = right.sent()[: int(len(right.sent()) * share)]
        for piece in pieces(content):
            assert isinstance(piece, bytes)
            yield b"%x\r\n%b\r\n" % (len(piece), piece)
        if right.sent():
            yield end
        if share < 1 or end != b"0\r\n\r\n":
            yield End.CLOSE

    return script(make)


def longer() -> Fault:
    """More bytes follow than the length says."""

    def make(right: Reply) -> Iterator[Step]:
        yield from right.steps()
        yield b"more" * 100

    return script(make)


def shrunk() -> Fault:
    """Tells, and sends, only the first half."""
    return body(lambda content: content[: len(content) // 2])


def twice(first: str, second: str) -> Fault:
    """Two headers of one name; ``%d`` is the right length."""

    def change(right: Reply) -> Reply:
        size = dict(right.headers)["Content-Length"]
        name = "Content-Length"
        values = [value.replace("%d", size) for value in (first, second)]
        bare = right.without(name)
        return replace(
            bare, headers=(*bare.headers, *((name, value) for value in values))
        )

    return changed(change)


def both_framings() -> Fault:
    """Content-Length and chunks at once."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.put("Transfer-Encoding", "chunked").head()
        if right.sent():
            yield b"%x\r\n%b\r\n0\r\n\r\n" % (len(right.sent()), right.sent())

    return script(make)


def endless_headers() -> Fault:
    """Headers without end."""

    def make(right: Reply) -> Iterator[Step]:
        yield b"HTTP/1.1 200 OK\r\n"
        yield from repeat(b"X-More: " + b"y" * 8000 + b"\r\n")

    return script(make)


def interim(lines: bytes, count: int = 1) -> Fault:
    """Interim answers come first."""

    def make(right: Reply) -> Iterator[Step]:
        yield lines * count
        yield from right.steps()

    return script(make)


def endless_interim() -> Fault:
    """Interim answers without end."""
    return script(lambda right: repeat(b"HTTP/1.1 102 Processing\r\n\r\n" * 50))


def huge(size: int) -> Fault:
    """A body of so many bytes; the length is told."""

    def make(right: Reply) -> Iterator[Step]:
        yield right.put("Content-Length", str(size)).head()
        if not right.bare:
            piece = b" " * 65536
            yield from repeat(piece, size // len(piece))

    return script(make)


def token(answer: object) -> Fault:
    """Another answer of the realm, in JSON."""
    return body(lambda _: json.dumps(answer).encode())


def lives(seconds: str) -> Fault:
    """The realm's answer with another lifetime, as it is written."""

    def make(content: bytes) -> bytes:
        return content.replace(
            b'"expires_in": 300', b'"expires_in": ' + seconds.encode()
        )

    return body(make)


REFUSED = Fault(dial=Dial.REFUSE)
UNREACHABLE = Fault(dial=Dial.SILENT)
NO_NAME = Fault(dial=Dial.UNKNOWN)
MUTE_RESOLVER = Fault(dial=Dial.MUTE)
