"""Sending content at the pace of the client that reads it."""

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from pullthrough.interfaces import IContent
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import FileGate

#: Bytes read and written at once.
PIECE = 256 * 1024


async def send(
    content: IContent,
    start: int,
    end: int,
    available: int,
    gate: Gate | FileGate,
    unless_gone: Callable[[Coroutine[Any, Any, Any]], Awaitable[Any]],
) -> None:
    """Send bytes ``start`` to ``end`` (exclusive): as a file where that can be, else
    read and written in pieces.

    :param available: the end of what may be given out already.
    :param unless_gone: waits, and raises when the client has left meanwhile.
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
            await gate.ready()
            piece = await unless_gone(content.read(offset, min(PIECE, limit - offset)))
            gate.write(piece)
            offset += len(piece)
        if offset < end:
            available = await unless_gone(content.available(offset))
