"""Reading ahead of a fill: a range far from where the fill stands is asked of the
upstream as well, so that a client need not wait for all that lies before it."""

from collections.abc import Awaitable, Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IProducer
from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.errors import RegistryError
from pullthrough.interfaces import IContent, IUpstreamBody
from pullthrough.waiters import Waiters

#: Bytes by which a range must be ahead of the fill to be worth a request.
WORTH = 1024 * 1024

#: Bytes kept for a reader that is slower than the upstream.
MOST_KEPT = 512 * 1024


@implementer(IContent, IConsumer)
class Ahead:
    """A fill's reader that takes bytes from wherever they come first.

    What comes from the side is not verified. It is therefore never the end of the
    blob, which only the fill gives out, verified (invariant I7).

    :param follower: reads the fill.
    :param open_side: opens the upstream's blob for the range.
    :param start, end: the range that the side gives, in bytes; ``end`` is exclusive.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self,
        follower: IContent,
        open_side: Callable[[], Awaitable[IUpstreamBody]],
        start: int,
        end: int,
    ) -> None:
        self.size = follower.size
        self._follower = follower
        self._open_side = open_side
        self._start = start
        self._side_end = end
        self._kept = b""
        self._reached = 0
        self._watching = False
        self._problem: BaseException | None = None
        self._waiters = Waiters()
        self._body: IUpstreamBody | None = None
        self._producer: IProducer | None = None
        self._paused = False
        self._closed = False
        side = Deferred.fromCoroutine(self._fetch())
        side.addErrback(lambda bug: self._log.failure("reading ahead failed", bug))

    # -- from the side --

    async def _fetch(self) -> None:
        try:
            body = await self._open_side()
            if self._closed or body.offset != self._start:
                body.stop()  # it knows no ranges: the fill will come by
                return
            self._body = body
            await body.deliver(self)
        except RegistryError as error:
            if not self._closed:
                self._log.debug("no bytes ahead: {why}", why=error.detail)
        finally:
            self._body = None

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        self._producer = None

    def write(self, data: bytes) -> None:
        """See :meth:`IConsumer.write`."""
        self._kept += data
        self._pace()
        self._waiters.wake()

    def _pace(self) -> None:
        full = len(self._kept) > MOST_KEPT
        producer = self._producer
        if producer is None or full == self._paused:
            return
        self._paused = full
        if full:
            producer.pauseProducing()  # type: ignore[attr-defined]
        else:
            producer.resumeProducing()  # type: ignore[attr-defined]

    # -- for the reader --

    async def available(self, offset: int) -> int:
        """See :meth:`IContent.available`."""
        while not self._known(offset):
            if not self._watching:
                self._watching = True
                watch = Deferred.fromCoroutine(self._watch(offset))
                watch.addErrback(lambda bug: self._log.failure("a fill failed", bug))
            await self._waiters.until(lambda: self._known(offset) or not self._watching)
        if self._problem is not None:
            raise self._problem
        return max(self._reached, self._end)

    def _known(self, offset: int) -> bool:
        return offset < max(self._reached, self._end) or self._problem is not None

    @property
    def _end(self) -> int:
        """The end of what has come from the side."""
        return self._start + len(self._kept)

    async def _watch(self, offset: int) -> None:
        """Wait until the fill gives out that byte."""
        try:
            self._reached = await self._follower.available(offset)
        except RegistryError as error:
            self._problem = error
        finally:
            self._watching = False
        self._waiters.wake()

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`. A reader goes forward only."""
        if not self._start <= offset < self._end:
            return await self._follower.read(offset, length)
        begin = offset - self._start
        piece = self._kept[begin : begin + length]
        self._kept = self._kept[begin + len(piece) :]
        self._start = offset + len(piece)
        self._pace()
        return piece

    def fileno(self) -> int | None:
        """None: the file may not have these bytes yet."""
        return None

    async def close(self) -> None:
        """See :meth:`IContent.close`."""
        self._closed = True
        if self._body is not None and self._end < self._side_end:
            self._body.stop()
        await self._follower.close()
