"""Documents too large to be in memory for everybody at once: each has a turn.

A page of referrers may have 4 MiB, a manifest that is pushed as much, and a client may
take its time. A manifest that goes out is read from its file, as a blob is.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pullthrough.interfaces import IContent
from pullthrough.turns import Turns
from pullthrough.values import ENOUGH
from pullthrough.web.call import Call
from pullthrough.web.exchange import Headers

#: Bytes of what may be in memory for each connection (reliability, section 5).
WHOLE = 256 * 1024

#: Larger ones at once, out and in, and seconds for which a turn is waited for.
AT_ONCE = 8
PATIENCE = 30.0

#: Seconds after which a client that has not taken it all is cut off: others wait.
LONGEST = 120.0


#: Makes an answer in that much room (bytes): its headers and its body; None when that
#: is too little.
Make = Callable[[int], Awaitable[tuple[Headers, bytes] | None]]


class Large:
    """The turns, shared by all sites."""

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self.out = Turns("large answers", AT_ONCE, clock, PATIENCE)
        self.into = Turns("large manifests", AT_ONCE, clock, PATIENCE)

    async def give(self, call: Call, make: Make) -> None:
        """Answer with a document; one that is large is made when there is a turn.

        :raises Overload: when there is none for too long.
        """
        small = await make(WHOLE)
        if small is not None:
            call.answer(200, *small)
            return
        await self.out.take()
        try:
            made = await make(ENOUGH)
            assert made is not None  # noqa: S101  there is room for any
            await self._send(call, *made)
        finally:
            self.out.release()

    async def _send(self, call: Call, headers: Headers, body: bytes) -> None:
        sending = call.stream(200, headers, _Whole(body), 0, len(body))
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
