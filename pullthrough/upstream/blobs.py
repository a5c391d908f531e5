"""Opening blobs at an upstream: whole, from an offset, or a part."""

import re
from collections.abc import Callable
from dataclasses import replace

from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IResponse

from pullthrough.errors import Outage, UpstreamOutage
from pullthrough.interfaces import IUpstreamBody
from pullthrough.upstream.bodies import UpstreamBody, drop, length_of
from pullthrough.upstream.headers import header_of
from pullthrough.upstream.requests import Requests, Wish

# RFC 9110 section 14.4: Content-Range = "bytes" first "-" last "/" complete-length
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)")

#: Go's clients and ours take content as it is; an encoded layer has another digest.
IDENTITY = (("Accept-Encoding", "identity"),)


async def open_blob(
    requests: Requests,
    wish: Wish,
    offset: int,
    end: int | None,
    clock: IReactorTime,
    name: str,
    ended: Callable[[], None],
) -> IUpstreamBody:
    """Ask for a blob from ``offset`` on; see :meth:`IUpstream.blob`.

    :param name: what people know the upstream by.
    :param ended: called once, when the body that is returned has ended.
    """
    asked = wish
    if offset or end is not None:
        last = "" if end is None else end - 1
        wanted = ("Range", f"bytes={offset}-{last}")
        asked = replace(wish, headers=(*wish.headers, wanted))
    response = await requests.ask(asked)
    part = _part(response, offset, end)
    if part is None and asked is not wish:
        # It has fewer bytes than we do, or cannot count: all of it, then.
        drop(response, clock)
        response = await requests.ask(wish)
        part = _part(response, 0, None)
    refuse_encoded(response, name, clock)
    if part is None:
        drop(response, clock)
        raise _wrong(name, f"answered {response.code} to a blob")
    begins, size = part
    return UpstreamBody(
        response,
        size,
        begins,
        clock,
        name,
        requests.patience.idle,
        ended,
        end if response.code == 206 else None,
    )


def _part(
    response: IResponse, offset: int, end: int | None
) -> tuple[int, int | None] | None:
    """Where the body begins, and the size of the blob if it is told.

    :returns: None when it is neither the part that was asked for nor the whole.
    """
    if response.code == 200:
        return 0, length_of(response)
    match = _CONTENT_RANGE.fullmatch(header_of(response, "Content-Range"))
    if (
        response.code != 206
        or match is None
        or int(match[1]) != offset
        or (end is not None and int(match[2]) != end - 1)
    ):
        return None
    return offset, None if match[3] == "*" else int(match[3])


def encoding_of(response: IResponse) -> str:
    """The ``Content-Encoding``; empty when the content comes as it is."""
    encoding = header_of(response, "Content-Encoding").lower()
    return "" if encoding == "identity" else encoding


def refuse_encoded(response: IResponse, name: str, clock: IReactorTime) -> None:
    """:raises UpstreamOutage: when it is not content as it is."""
    encoding = encoding_of(response)
    if encoding:
        drop(response, clock)
        raise _wrong(name, f"sent content encoded as {encoding[:40]}")


def _wrong(name: str, what: str) -> Outage:
    return UpstreamOutage(f"upstream {name} {what}")
