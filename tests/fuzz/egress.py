"""What egress proxies answer: SOCKS5 and CONNECT, however the bytes are cut."""

import re
from collections.abc import Callable
from ipaddress import ip_address

from pullthrough.upstream.connect import LARGEST_HEAD, Connect
from pullthrough.upstream.socks5 import Socks5
from pullthrough.upstream.tunnel import Greeting, Rejected
from tests.fuzz.feed import Feed, Target, bytewise, cut

_HOSTS = ("hub.test", "10.0.0.1", "[::1]", "2001:db8::1", "x" * 255)

#: What came of a greeting: what was sent, what is left for the client, or why not.
_Outcome = tuple[bytes, bytes | None, str | None]


def _talk(greeting: Greeting, pieces: list[bytes]) -> _Outcome:
    sent, rest = greeting.begin(), None
    for piece in pieces:
        if rest is not None:
            rest += piece
            continue
        try:
            more, rest = greeting.receive(piece)
        except Rejected as error:
            return sent, None, str(error)
        sent += more
    return sent, rest, None


def _alike(make: Callable[[], Greeting], data: bytes, feed: Feed) -> _Outcome:
    """The outcome, which is the same whole, in pieces and byte by byte."""
    whole = _talk(make(), [data])
    for pieces in (cut(data, feed), bytewise(data)):
        sent, *told = _talk(make(), pieces)
        assert tuple(told) == whole[1:]
        # A refusal that comes with what was to be answered: nobody hears the answer.
        assert sent == whole[0] or (whole[2] is not None and sent.startswith(whole[0]))
    assert whole[2] is None or "hunter2" not in whole[2]
    return whole


def _socks(data: bytes, password: bool) -> bytes | None:
    """What a proxy's answers leave for the client, by RFC 1928 and RFC 1929; None: it
    did not connect, or not yet."""
    methods = b"\x00\x02" if password else b"\x00"
    if len(data) < 2 or data[0] != 5 or data[1] not in methods:
        return None
    if data[1] == 2:
        if len(data) < 4 or data[3]:
            return None
        data = data[:2] + data[4:]
    if data[2:4] != b"\x05\x00" or len(data) < 6:
        return None
    kind, rest = data[5], data[6:]
    if kind in (1, 4):
        length = 4 if kind == 1 else 16
    else:
        if not rest:
            return None
        length = 1 + rest[0]
    length += 2
    return rest[length:] if len(rest) >= length else None


def socks(data: bytes) -> None:
    """The bytes behind the greeting are the client's, all of them; what is sent is
    what the RFCs say, and nothing after a refusal."""
    feed = Feed(data)
    host, password = feed.pick(_HOSTS), bool(feed.below(2))
    cuts = Feed(feed.take())
    answers = feed.rest()
    login = ("me", "hunter2") if password else ("", "")
    sent, rest, refusal = _alike(lambda: Socks5(host, 443, *login), answers, cuts)
    assert rest == _socks(answers, password)
    assert rest is None or refusal is None
    greeting = b"\x05\x02\x02\x00" if password else b"\x05\x01\x00"
    assert sent.startswith(greeting)
    sent = sent.removeprefix(greeting)
    if answers[:2] == b"\x05\x02" and password:
        assert sent.startswith(b"\x01\x02me\x07hunter2") or refusal is not None
        sent = sent.removeprefix(b"\x01\x02me\x07hunter2")
    assert b"hunter2" not in sent
    assert sent in (b"", b"\x05\x01\x00" + _address(host) + b"\x01\xbb")
    assert sent or rest is None, "the client's before anything was asked"


def _address(host: str) -> bytes:
    try:
        packed = ip_address(host.strip("[]")).packed
    except ValueError:
        return b"\x03" + bytes([len(host)]) + host.encode()
    return {4: b"\x01", 16: b"\x04"}[len(packed)] + packed


# RFC 9112 section 4: status-line = HTTP-version SP status-code SP [ reason-phrase ],
# reason-phrase = 1*( HTAB / SP / VCHAR / obs-text ). Some leave out the second SP.
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})( [\t\x20-\x7e\x80-\xff]*)?")


def connects(data: bytes) -> None:
    """Connected is what has a whole head, not too long, with a status line of 2xx by
    the RFC; what comes behind it is the client's, all of it."""
    feed = Feed(data)
    password = bool(feed.below(2))
    longer = feed.pick((0, 0, 0, 0, 0, 1, 4000, LARGEST_HEAD - 100, LARGEST_HEAD))
    cuts = Feed(feed.take())
    answer = feed.rest()
    # A header that fills the head.
    answer = answer.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * longer + b"\r\n\r\n", 1)
    login = ("me", "hunter2") if password else ("", "")
    make = lambda: Connect("hub.test:443", *login)  # noqa: E731
    sent, rest, refusal = _alike(make, answer, cuts)
    assert (b"Basic bWU6aHVudGVyMg==" in sent) == password
    head, end, behind = answer.partition(b"\r\n\r\n")
    status = _STATUS.fullmatch(head.partition(b"\r\n")[0])
    connected = bool(end) and status is not None and status[1][:1] == b"2"
    if connected and len(head) + 4 <= LARGEST_HEAD:
        assert rest == behind
    else:
        assert rest is None, "connected without an answer that says so"
        assert refusal is not None or (not end and len(answer) < LARGEST_HEAD)
    if refusal is not None:
        assert refusal.isprintable()
        assert len(refusal) < 200


_BOUND = (b"\x01\x7f\0\0\1\0\x50", b"\x03\x04host\0\x50", b"\x04" + b"\0" * 16 + b"\0P")

TARGETS = (
    Target(
        socks,
        (
            *(b"\x00\x00\x00\x05\x00\x05\x00\x00" + it + b"TLS" for it in _BOUND),
            b"\x01\x01\x02\x01\x05\x05\x02\x01\x00\x05\x00\x00" + _BOUND[0],
            b"\x02\x01\x00\x05\x02\x01\x01",
            b"\x03\x00\x00\x05\xff",
            b"\x00\x00\x00\x05\x00\x05\x05\x00\x01",
            b"\x04\x00\x00\x05\x00\x05\x00\x00\x03\x00\x00\x50x",
        ),
        (b"\x05\x00", b"\x05\x02", b"\x01\x00", b"\x05\x00\x00\x01", b"\x05\x00\x00"),
    ),
    Target(
        connects,
        tuple(
            b"\x01" + longer + b"\x02\x03\x09" + answer
            for longer in (b"\x00", b"\x08")
            for answer in (
                b"HTTP/1.1 200 Connection established\r\n\r\nTLS",
                b"HTTP/1.0 200\r\nVia: x\r\n\r\n",
                b"HTTP/1.1 2000 OK\r\n\r\n",
                b"HTTP/1.1 200\x00\r\n\r\n",
                b"HTTP/1.1 200OK\r\n\r\n",
                b"HTTP/1.1 403 Verboten f\xfcr alle\r\n\r\n",
                b"HTTP/1.1 407 Proxy auth\r\n\r\n",
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
                b"SSH-2.0\r\n\r\n",
            )
        ),
        (b"HTTP/1.1 ", b"HTTP/1.0 200", b"\r\n\r\n", b"\r\n", b" 407", b" OK"),
    ),
)
