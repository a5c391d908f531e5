"""h11 as a second reader of requests, and what it may read otherwise than we do."""

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote

import h11

from tests.support.fields import coded, gathered
from tests.support.raw import Request

#: Where h11 reads a request that we refuse: our words, and why.
STRICTER = {
    "": "no refusal: a body that nobody reads ends the connection, when its end is far"
    " or not known, or when it waits for 100 (RFC 9112 section 9.3: a server reads the"
    " whole body or closes)",
    "HTTP/1.0 has no transfer coding": "RFC 9112 section 6.1: the framing is faulty",
    "HTTP/1.1 is spoken here": "RFC 9110 section 15.6.6; HTTP/1.2 and 0.9 are none",
    "a body has one Content-Length or Transfer-Encoding": "RFC 9112 section 6.3: both"
    " at once are smuggling; h11 drops the length, and takes equal ones as one",
    "a chunk-size line is malformed": "extensions, white space behind the size, more"
    " than 15 digits: RFC 9112 section 7.1.1; readers differ, and nobody needs them",
    "a head has at most 16384 bytes": "RFC 6585 section 5; h11's limit is set higher",
    "a header line is malformed": "obs-fold, RFC 9112 section 5.2, and control"
    " characters, RFC 9110 section 5.5: h11 joins the one and keeps the others",
    "a line must end with CR LF": "RFC 9112 section 2.2 allows to take a bare LF, and"
    " h11 does; who stands before us may not",
    "a request has at most 100 headers": "RFC 6585 section 5",
    "a target has at most 8192 bytes": "RFC 9110 section 15.5.15",
    "the Content-Length header is malformed": "lists of equal lengths, RFC 9110 section"
    " 8.6, which may be refused, and lengths of more than 18 digits",
    "the Host header is malformed": "RFC 9112 section 3.2: 400; h11 takes any bytes",
    "the only expectation known is 100-continue": "RFC 9110 section 10.1.1: 417",
    "the path has an empty or dotted segment": "C11: no path is normalised",
    "the path has an escape that is not taken": "C11: a path is decoded once, to"
    " printable ASCII without a new slash, backslash or percent",
    "the target is malformed": "RFC 3986 section 2: broken escapes, odd characters",
    "the target must be a path": "RFC 9112 section 3.2: absolute, authority, asterisk"
    " form have no use here, and a fragment is never sent",
    "there is no such method here": "RFC 9110 section 9.1: 501 and 405; h11 takes any",
    "trailers are not taken": "RFC 9110 section 6.5.1: readers differ on merging them",
}


class Read(NamedTuple):
    """A request as h11 reads it; names of headers in lower case."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    whole: bool


class Reading(NamedTuple):
    """All that h11 reads of a connection.

    :ivar problem: why it reads no further; empty where it would.
    """

    requests: list[Read]
    problem: str


def read(data: bytes) -> Reading:
    """Read requests as a server does, one after the other."""
    requests: list[Read] = []
    while True:
        # RFC 9112 section 2.2: "SHOULD ignore at least one empty line"; h11 does not.
        while data.startswith(b"\r\n"):
            data = data[2:]
        if not data:
            return Reading(requests, "")
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
        connection.receive_data(data)
        try:
            event = connection.next_event()
            if not isinstance(event, h11.Request):
                return Reading(requests, "")
            requests.append(_opened(event))
            _read_body(connection, requests)
        except h11.RemoteProtocolError as error:
            return Reading(requests, str(error))
        if connection.their_state not in (h11.DONE, h11.MIGHT_SWITCH_PROTOCOL):
            return Reading(requests, "")
        data = bytes(connection.trailing_data[0])


def _opened(event: h11.Request) -> Read:
    headers = tuple(
        (name.decode("ascii"), value.decode("latin-1")) for name, value in event.headers
    )
    target = event.target.decode("ascii")
    return Read(event.method.decode("ascii"), target, headers, b"", False)


def _read_body(connection: h11.Connection, requests: list[Read]) -> None:
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Data):
            last = requests[-1]
            requests[-1] = last._replace(body=last.body + bytes(event.data))
        else:
            if isinstance(event, h11.EndOfMessage):
                requests[-1] = requests[-1]._replace(whole=True)
            return


def disagreement(ours: Sequence[Request], theirs: Sequence[Read]) -> str:
    """How what we took differs from what h11 reads; empty when it does not.

    It may read more: we are stricter. That has its own look.
    """
    if len(ours) > len(theirs):
        return f"we take {len(ours)} requests, h11 {len(theirs)}"
    for mine, other in zip(ours, theirs, strict=False):
        difference = _difference(mine, other)
        if difference:
            return difference
    return ""


def _difference(mine: Request, other: Read) -> str:
    path, _, query = other.target.partition("?")
    taken = (mine.head.method, mine.head.path, mine.head.query)
    if taken != (other.method, unquote(path), query):
        return f"{taken} is {other.method} {other.target} to h11"
    if coded(mine.head.fields.items()) != gathered(other.headers):
        return f"headers {mine.head.fields} are {other.headers} to h11"
    if mine.head.path.startswith("/unread"):
        return ""
    if mine.whole and (not other.whole or mine.body != other.body):
        return f"body {mine.body!r} is {other.body!r}, whole: {other.whole}, to h11"
    if not mine.whole and not other.body.startswith(mine.body):
        return f"body {mine.body!r}, unended, is {other.body!r} to h11"
    return ""
