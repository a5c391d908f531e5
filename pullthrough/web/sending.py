"""Sending content at the pace of the client that reads it."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pullthrough.errors import StorageOutage
from pullthrough.interfaces import IContent
from pullthrough.web import resident
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import FileGate

#: Bytes read and written at once.
PIECE = 256 * 1024

#: Waits, and raises when the client has left meanwhile.
UnlessGone = Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]]


async def send(
    content: IContent,
    start: int,
    end: int,
    available: int,
    gate: Gate | FileGate,
    unless_gone: UnlessGone,
) -> None:
    """Send bytes ``start`` to ``end`` (exclusive): as a file where that can be, else
    read and written in pieces.

    :param available: the end of what may be given out already.
    :raises Outage: when the content cannot be read to ``end``.
    """
    # Of gates only those have it that let files through.
    send_file: Callable[..., Any] | None = getattr(gate, "send", None)
    offset = start
    while offset < end:
        limit = min(end, available)
        while offset < limit:
            if send_file is not None and content.fileno() is not None:
                reached = await unless_gone(send_file(content.fileno, offset, limit))
                if reached > offset:
                    offset = reached
                    continue
            offset += await _piece(content, offset, limit, gate, unless_gone)
        if offset < end:
            available = await unless_gone(content.available(offset))
            if available <= offset:
                raise StorageOutage("there is less content than was told")


async def _piece(
    content: IContent,
    offset: int,
    limit: int,
    gate: Gate | FileGate,
    unless_gone: UnlessGone,
) -> int:
    """Read and write a piece; how many bytes it has."""
    await unless_gone(gate.ready())
    length = min(PIECE, limit - offset)
    number = content.fileno()
    if number is not None and not hasattr(gate, "send"):
        at_hand = resident.read(number, offset, length)
        if at_hand:
            gate.write(at_hand)
            return len(at_hand)
    piece = await unless_gone(content.read(offset, length))
    gate.write(piece)
    return len(piece)
