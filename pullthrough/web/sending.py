"""Sending content at the pace of the client that reads it."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pullthrough.interfaces import IContent
from pullthrough.web.pacing import Gate

#: Bytes read and written at once.
PIECE = 256 * 1024


async def send(
    content: IContent,
    start: int,
    end: int,
    available: int,
    gate: Gate,
    write: Callable[[bytes], None],
    unless_gone: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]],
) -> None:
    """Write bytes ``start`` to ``end`` (exclusive).

    :param available: the end of what may be given out already.
    :param unless_gone: waits, and raises when the client has left meanwhile.
    :raises Outage: when the content cannot be read to ``end``.
    """
    offset = start
    while offset < end:
        limit = min(end, available)
        while offset < limit:
            await gate.ready()
            piece = await unless_gone(content.read(offset, min(PIECE, limit - offset)))
            write(piece)
            offset += len(piece)
        if offset < end:
            available = await unless_gone(content.available(offset))
