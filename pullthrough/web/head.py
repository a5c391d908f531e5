"""The request head: bytes to a value, or a refusal. Sans-IO.

Strict where HTTP lets two readers disagree, since that is how requests are
smuggled past a proxy in front of us (reliability, section 2.3).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

#: Largest head in bytes, most header lines, longest target in bytes.
LARGEST_HEAD = 16 * 1024
MOST_HEADERS = 100
LONGEST_TARGET = 8 * 1024

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})

# RFC 9110 section 9.1 lists these too; a registry has no use for them.
_OTHER_METHODS = frozenset({"OPTIONS", "TRACE", "CONNECT"})

# RFC 9110 section 5.6.2: token = 1*tchar
_NAME = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

# RFC 9112 section 3: request-line = method SP request-target SP HTTP-version.
# "A server SHOULD NOT" parse other white space; we do not.
_REQUEST_LINE = re.compile(rf"({_NAME}) ([\x21-\x7e]+) HTTP/([0-9]\.[0-9])")

# RFC 9112 section 5: field-line = field-name ":" OWS field-value OWS. "No whitespace
# is allowed between the field name and colon" (5.1); a line that begins with white
# space is obs-fold, which "a server ... MUST either reject" or unfold (5.2).
_FIELDS = re.compile(rf"(?:\r\n{_NAME}:[\t\x20-\x7e\x80-\xff]*)*")

# RFC 9112 section 3.2.1: origin-form = absolute-path [ "?" query ], with RFC 3986
# pchar; no fragment ever reaches a server.
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]*")
_QUERY = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]]*")
_ESCAPES = re.compile(r"(?:[^%]|%[0-9A-Fa-f]{2})*")

# RFC 3986 section 5.2.4: what a reader may take out of a path.
_DOTTED = frozenset({".", ".."})

# RFC 9110 section 8.6: Content-Length = 1*DIGIT
_LENGTH = re.compile(r"[0-9]{1,18}")

# RFC 9110 section 7.2: Host = uri-host [ ":" port ]
_HOST = re.compile(r"(?:[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")


#: The headers of a head: names in lower case, in the order sent, each with its values.
Fields = Mapping[str, tuple[str, ...]]


class Head(NamedTuple):
    """A request head that has passed every rule.

    :ivar method: in capitals, as sent.
    :ivar path: decoded once; printable ASCII, no empty or dotted segments.
    :ivar query: the raw query without ``?``; empty when there is none.
    :ivar length: of the body in bytes; None when it is chunked.
    :ivar keep_alive: whether the client lets the connection stay open.
    :ivar expects_continue: whether it waits for ``100 Continue``.
    """

    method: str
    path: str
    query: str
    fields: Fields
    length: int | None = 0
    keep_alive: bool = True
    expects_continue: bool = False

    def get(self, name: str, default: str = "") -> str:
        """The value of the first header of that lower-case name."""
        values = self.fields.get(name)
        return values[0] if values else default

    def all(self, name: str) -> tuple[str, ...]:
        """The values of all headers of that lower-case name."""
        return self.fields.get(name, ())

    def __repr__(self) -> str:
        # Without what may be secret: query and headers.
        return f"Head({self.method!r}, {self.path!r}, length={self.length})"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a head is refused; the connection is closed after the answer."""

    status: int
    reason: str


def take_head(data: bytes) -> tuple[Head | Refusal | None, bytes, bytes]:
    """Take a head off what has come.

    :returns: the head, or why it is none, or None while it is not whole; its bytes;
        and those behind it.
    """
    # RFC 9112 section 2.2: "SHOULD ignore at least one empty line (CRLF) received
    # prior to the request-line". All, or else it would matter how they are cut.
    start = 0
    while data.startswith(b"\r\n", start):
        start += 2
    data = data[start:]
    end = data.find(b"\r\n\r\n", 0, LARGEST_HEAD)
    if end >= 0:
        head = parse_head(data[:end])
        taken = 0 if isinstance(head, Refusal) else end + 4
        return head, data[:taken], data[taken:]
    if _ends_for_others(data):
        return Refusal(400, "a line must end with CR LF"), b"", data
    if len(data) >= LARGEST_HEAD:
        return Refusal(431, f"a head has at most {LARGEST_HEAD} bytes"), b"", data
    return None, b"", data


def _ends_for_others(data: bytes) -> bool:
    """Whether a head ends here for who takes a bare LF for a line end."""
    return (
        data.find(b"\n\n", 0, LARGEST_HEAD) >= 0
        or data.find(b"\n\r\n", 0, LARGEST_HEAD) >= 0
    )


def parse_head(data: bytes) -> Head | Refusal:
    """Read a head.

    :param data: everything before the empty line, without its last CRLF.
    """
    head = _read(data.decode("latin-1"))
    if isinstance(head, Refusal) and _ends_otherwise(data):
        return Refusal(400, "a line must end with CR LF")
    return head


def _ends_otherwise(data: bytes) -> bool:
    """Whether there is a bare CR or LF. RFC 9112 section 2.2: a bare CR must not be
    taken for a line end, a bare LF may be; two readers disagree about both. What
    :func:`_read` takes has neither."""
    ends = data.count(b"\r\n")
    return data.count(b"\n") != ends or data.count(b"\r") != ends


def _read(text: str) -> Head | Refusal:
    first, *lines = text.split("\r\n")
    request = _REQUEST_LINE.fullmatch(first)
    if request is None:
        return _not_a_request_line(first)
    method, target, version = request.groups()
    if version not in ("1.1", "1.0"):
        return Refusal(505, "HTTP/1.1 is spoken here")
    if method not in METHODS:
        known = method in _OTHER_METHODS
        return Refusal(405 if known else 501, "there is no such method here")
    if len(target) > LONGEST_TARGET:
        return Refusal(414, f"a target has at most {LONGEST_TARGET} bytes")
    if len(lines) > MOST_HEADERS:
        return Refusal(431, f"a request has at most {MOST_HEADERS} headers")
    if not _FIELDS.fullmatch(text, len(first)):
        return Refusal(400, "a header line is malformed")
    fields: dict[str, tuple[str, ...]] = {}
    for line in lines:
        name, _, value = line.partition(":")
        # Servers behind gateways read X_Y as X-Y: such names are dropped (C12).
        if "_" in name:
            continue
        name = name.lower()
        values = (value.strip(" \t"),)
        fields[name] = fields[name] + values if name in fields else values
    located = _locate(target)
    if isinstance(located, Refusal):
        return located
    return _framed(method, *located, fields, version == "1.1")


def _not_a_request_line(line: str) -> Refusal:
    if len(line) > LONGEST_TARGET:
        return Refusal(414, f"a target has at most {LONGEST_TARGET} bytes")
    return Refusal(400, "the request line is malformed")


def _locate(target: str) -> tuple[str, str] | Refusal:
    path, _, query = target.partition("?")
    if not _PATH.fullmatch(path):
        return Refusal(400, "the target must be a path")
    if query and not _QUERY.fullmatch(query):
        return Refusal(400, "the target is malformed")
    if "%" in target and not _ESCAPES.fullmatch(target):
        return Refusal(400, "the target is malformed")
    if "%" in path:
        lowered = path.lower()
        # A router and a checker must not read a path differently (C11).
        if "%2f" in lowered or "%5c" in lowered or "%25" in lowered:
            return Refusal(400, "the path has an escape that is not taken")
        decoded = unquote_to_bytes(path)
        if not all(0x21 <= byte <= 0x7E for byte in decoded):
            return Refusal(400, "the path has an escape that is not taken")
        path = decoded.decode("ascii")
    if "//" in path or ("/." in path and not _DOTTED.isdisjoint(path.split("/"))):
        return Refusal(400, "the path has an empty or dotted segment")
    return path, query


def _framed(
    method: str, path: str, query: str, fields: Fields, modern: bool
) -> Head | Refusal:
    """Where the body ends, and whether the connection goes on."""
    # RFC 9112 section 3.2: 400 "to any HTTP/1.1 request message that lacks a Host
    # header field and to any request message that contains more than one".
    hosts = fields.get("host", ())
    if len(hosts) > 1 or (modern and not hosts):
        return Refusal(400, "a request has one Host header")
    if hosts and not _HOST.fullmatch(hosts[0]):
        return Refusal(400, "the Host header is malformed")
    length = _length(fields, modern)
    if isinstance(length, Refusal):
        return length
    keep_alive, waits = modern, False
    if "connection" in fields:
        keep_alive &= not any("close" in one.lower() for one in fields["connection"])
    if "expect" in fields:
        expects = [value.lower() for value in fields["expect"] if value]
        if any(value != "100-continue" for value in expects):
            return Refusal(417, "the only expectation known is 100-continue")
        # RFC 9110 section 10.1.1: ignore it in HTTP/1.0, and without a body.
        waits = bool(expects) and modern and length != 0
    return Head(method, path, query, fields, length, keep_alive, waits)


def _length(fields: Fields, modern: bool) -> int | Refusal | None:
    """The length of the body in bytes; None when it is chunked."""
    if "content-length" not in fields and "transfer-encoding" not in fields:
        return 0
    lengths = fields.get("content-length", ())
    codings = fields.get("transfer-encoding", ())
    if not all(map(_LENGTH.fullmatch, lengths)):
        return Refusal(400, "the Content-Length header is malformed")
    # RFC 9112 section 6.1: "A server that receives a request message with a transfer
    # coding it does not understand SHOULD respond with 501".
    if any(value.lower() != "chunked" for value in codings):
        return Refusal(501, "the only transfer coding taken is chunked")
    # RFC 9112 section 6.3: both fields "ought to be handled as an error", as are two
    # lengths, equal or not.
    if len(lengths) + len(codings) > 1:
        return Refusal(400, "a body has one Content-Length or Transfer-Encoding")
    if not codings:
        return int(lengths[0])
    # RFC 9112 section 6.1: in HTTP/1.0 "as if the framing is faulty".
    return None if modern else Refusal(400, "HTTP/1.0 has no transfer coding")
