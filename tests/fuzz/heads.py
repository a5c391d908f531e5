"""Request heads and chunked bodies, against h11's reading of them."""

import re
from urllib.parse import unquote_to_bytes

import h11

from pullthrough.web.chunked import ChunkedDecoder, ChunkError
from pullthrough.web.framing import Framing
from pullthrough.web.head import METHODS, Head, Refusal, parse_head
from tests.fuzz.feed import Feed, Target, bytewise, cut
from tests.support.fields import coded, gathered
from tests.web.corpus import CORPUS, OK


def _read_by_h11(data: bytes) -> tuple[h11.Connection, h11.Request]:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    connection.receive_data(data)
    event = connection.next_event()
    assert isinstance(event, h11.Request), event
    return connection, event


def heads(data: bytes) -> None:
    """What is taken, h11 takes too: the same method, target, headers, framing and end
    of the connection. The path leads nowhere but down."""
    head = parse_head(data)
    if isinstance(head, Refusal):
        assert 400 <= head.status < 600
        assert head.reason.isascii()
        return
    connection, request = _read_by_h11(data + b"\r\n\r\n")
    assert head.method == request.method.decode() in METHODS
    _same_target(head, request.target)
    _same_headers(head, request)
    theirs = {name: value for name, value in request.headers if b"_" not in name}
    if b"transfer-encoding" in theirs:
        assert head.length is None
    else:
        assert head.length == int(theirs.get(b"content-length", 0))
    if connection.our_state is h11.MUST_CLOSE:
        assert not head.keep_alive
    if head.expects_continue:
        assert connection.they_are_waiting_for_100_continue
    elif connection.they_are_waiting_for_100_continue:
        assert head.length == 0


def _same_target(head: Head, target: bytes) -> None:
    path, _, query = target.partition(b"?")
    assert head.query.encode() == query
    assert head.path.encode() == unquote_to_bytes(path)
    assert head.path.startswith("/")
    assert re.fullmatch(r"[!-~]+", head.path)
    parts = head.path[1:].split("/")
    assert not {".", ".."} & set(parts), head.path
    assert "" not in parts[:-1], head.path
    assert b"%2f" not in path.lower()


def _same_headers(head: Head, request: h11.Request) -> None:
    theirs = gathered(
        (name.decode(), value.decode("latin-1")) for name, value in request.headers
    )
    assert coded(head.fields.items()) == theirs
    assert head.get("host") == theirs.get("host", ("",))[0]


_REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(data: bytes) -> None:
    """However it is cut, the body is the same, and what is behind it; h11 reads all
    that is taken, and ends where we do."""
    feed = Feed(data)
    cuts = Feed(feed.take())
    wire = feed.rest()
    whole = _decoded([wire])
    assert _decoded(cut(wire, cuts)) == whole
    assert _decoded(bytewise(wire)) == whole
    if whole is None:
        return
    body, behind, done = whole
    connection, _ = _read_by_h11(_REQUEST + wire)
    theirs = b""
    try:
        event = connection.next_event()
        while isinstance(event, h11.Data):
            theirs += event.data
            event = connection.next_event()
    except h11.RemoteProtocolError:
        assert not done, "a body was taken that h11 refuses"
        return
    assert theirs == body
    # h11 takes a bare LF for an end, for which we wait on.
    assert isinstance(event, h11.EndOfMessage) or not done
    if done and isinstance(event, h11.EndOfMessage):
        assert not event.headers
        assert connection.trailing_data[0] == behind
        coded = len(wire) - len(behind)
        assert len(body) <= coded


def _decoded(pieces: list[bytes]) -> tuple[bytes, bytes, bool] | None:
    """Body, what is behind it, and whether it has ended; None: refused."""
    decoder, framing = ChunkedDecoder(), Framing(None)
    body, behind = b"", b""
    for piece in pieces:
        if decoder.done:
            behind += piece
            continue
        try:
            found, rest = decoder.feed(piece)
        except ChunkError:
            return None
        assert framing.feed(piece) == (found, rest)
        assert framing.ended == decoder.done
        body += b"".join(found)
        behind += rest
    assert framing.received == len(body)
    return body, behind, decoder.done


def lengths(data: bytes) -> None:
    """A body with a length has exactly so many bytes, or is not over yet."""
    feed = Feed(data)
    length, cuts, wire = feed.below(300), Feed(feed.take()), feed.rest()
    framing = Framing(length)
    assert framing.ended == (length == 0)
    body, behind = b"", b""
    for piece in cut(wire, cuts):
        pieces, rest = framing.feed(piece)
        body += b"".join(pieces)
        behind += rest
        assert framing.received == len(body) <= length
        assert framing.ended == (len(body) == length)
    assert (body, behind) == (wire[:length], wire[length:])


_HEADS = tuple(text.encode("latin-1") for text, status in CORPUS if status == OK)
_REFUSED = tuple(text.encode("latin-1") for text, status in CORPUS if status != OK)

TARGETS = (
    Target(
        heads,
        tuple(head for head in _HEADS + _REFUSED if len(head) < 1000),
        (
            b"\r\n",
            b"HTTP/1.1",
            b"HTTP/1.0",
            b"Host: a",
            b"Content-Length: ",
            b"Transfer-Encoding: chunked",
            b"Connection: close",
            b"Expect: 100-continue",
            b"%2e",
            b"/../",
            b"?",
            b"_",
            b"\t",
        ),
    ),
    Target(
        chunked,
        tuple(
            b"\x03\x01\x05\x00" + wire
            for wire in (
                b"5\r\nhello\r\n00A\r\n, world!!!\r\n0\r\n\r\nGET / HTTP/1.1",
                b"0\r\n\r\n",
                b"5;x=y\r\nhello\r\n0\r\n\r\n",
                b"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n",
                b"5\nhello\n0\n\n",
                b"fffffffffffffff\r\nx",
                b"0x5\r\nhello\r\n",
                b"5\r\nhelloX\r\n0\r\n\r\n",
            )
        ),
        (b"\r\n", b"0\r\n\r\n", b"5\r\n", b";", b"\n", b"0000000"),
    ),
    Target(
        lengths, (b"\x00\x05\x02\x01\x03hello, world", b"\x00\x00\x00x", b"\x01\x00")
    ),
)
