"""Documents too large to be in memory for everybody at once: each has a turn.

A manifest may have 4 MiB, a page of referrers as much, and a client may take its time.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pullthrough.interfaces import IContent
from pullthrough.turns import Turns
from pullthrough.web.call import Call
from pullthrough.web.exchange import Headers

#: Bytes of what may be in memory for each connection (reliability, section 5).
WHOLE = 256 * 1024

#: Larger ones at once, out and in, and seconds for which a turn is waited for.
AT_ONCE = 8
PATIENCE = 30.0

#: Seconds after which a client that has not taken it all is cut off: others wait.
LONGEST = 120.0


class _Larger(Exception):
    """What is about to be answered is to wait for a turn."""


class Large:
    """The turns, shared by all sites."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.out = Turns("large answers", AT_ONCE, clock, PATIENCE)
        self.into = Turns("large manifests", AT_ONCE, clock, PATIENCE)

    async def give(self, call: Call, work: Callable[[], Awaitable[None]]) -> None:
        """Answer by this work; what it makes, when it is large, is forgotten, and made
        again when there is a turn for it.

        :raises Overload: when there is none for too long.
        """
        call.hold = _forget
        try:
            await work()
            return
        except _Larger:
            pass
        finally:
            call.hold = None
        held: list[tuple[int, Headers, bytes]] = []

        def hold(status: int, headers: Headers, body: bytes) -> bool:
            held.append((status, headers, body))
            return True

        await self.out.take()
        try:
            call.hold = hold
            try:
                await work()
            finally:
                call.hold = None
            for status, headers, body in held:
                await self._send(call, status, headers, body)
        finally:
            self.out.release()

    async def _send(
        self, call: Call, status: int, headers: Headers, body: bytes
    ) -> None:
        told = [pair for pair in headers if pair[0] != "Content-Length"]
        sending = call.stream(status, told, _Whole(body), 0, len(body))
        await Deferred.fromCoroutine(sending).addTimeout(LONGEST, self._clock)

    @asynccontextmanager
    async def take(self, call: Call) -> AsyncIterator[None]:
        """A document comes in meanwhile.

        :raises Overload: when it may be large, and there is no turn for too long.
        """
        length = call.head.length
        if length is not None and length <= WHOLE:
            yield
            return
        await self.into.take()
        try:
            yield
        finally:
            self.into.release()


def _forget(status: int, headers: Headers, body: bytes) -> bool:
    """Small answers go out as they are."""
    if len(body) <= WHOLE:
        return False
    raise _Larger


@implementer(IContent)
class _Whole:
    """A document."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self.size = len(body)

    async def available(self, offset: int) -> int:
        """All of it."""
        return self.size

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        return self._body[offset : offset + length]

    def fileno(self) -> int | None:
        """It is in no file."""
        return None

    async def close(self) -> None:
        """Nothing is open."""
