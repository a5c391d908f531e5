"""A fill: one upstream download of a missing blob, and those who follow it.

The fill belongs to nobody who reads: a slow or leaving client changes nothing
for the others.
"""

from collections.abc import Awaitable, Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.errors import (
    Invalid,
    RegistryError,
    StorageOutage,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.interfaces import IContent, IIngest, IUpstreamBody
from pullthrough.repository.pulses import Pulses
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.waiters import Waiters

#: Bytes at the end of a blob that nobody gets before the digest is verified, so
#: that no wrong content is ever complete (invariant I7).
HELD_BACK = 64 * 1024

#: Without readers a blob of at most so many bytes is fetched to its end.
SMALL = 256 * 1024 * 1024

#: Seconds after which a large fill without readers stops.
PATIENCE = 30.0

#: How often an upstream that breaks off is asked for the rest.
RESUMPTIONS = 3

#: Opens the upstream's blob at an offset in bytes.
OpenUpstream = Callable[[int], Awaitable[IUpstreamBody]]


class Fill:
    """Streams one blob from an upstream into an ingest, and commits it.

    :param digest: what the content must turn out to be.
    :param open_ingest: opens where it goes; that may already hold a beginning.
    :param size: the size in bytes, where a manifest has told it.
    :param committed: called for each of the images, and waited for, once the content
        is in the store.
    :ivar images: those by whose name it may be read; who joins adds its own.
    :ivar asking: whether it waits for the upstream's answer, and for nothing else.
    :ivar followers: how many read it.
    :ivar wrong: whether its end was not given out, for its size or digest.
    """

    _log = Logger()

    def __init__(
        self,
        digest: Digest,
        open_upstream: OpenUpstream,
        open_ingest: Callable[[], Awaitable[IIngest]],
        size: int | None,
        committed: Callable[[ImageName, int], Awaitable[None]],
        clock: IReactorTime,
    ) -> None:
        self._digest = digest
        self._open = open_upstream
        self._open_ingest = open_ingest
        self._opened: IIngest | None = None
        self._told = size
        self._committed = committed
        self._clock = clock
        self._waiters = Waiters()
        self._body: IUpstreamBody | None = None
        self._abandoned = False
        self.followers = 0
        self.asking = False
        self.wrong = False
        self._patience: IDelayedCall | None = None
        self._ended = False
        self.size: int | None = None
        self.images: set[ImageName] = set()
        self.complete = False
        self.failure: RegistryError | None = None
        #: whether what came so far may be the beginning of the right content.
        self.resumable = False

    async def run(self) -> None:
        """Fetch, verify, commit. Ends without raising; see :attr:`failure`."""
        try:
            self._opened = await self._open_ingest()
            self._ingest.observe(self._waiters.wake)
            self.resumable = True
            await self._fetch()
            self.resumable = False
            self.size = await self._ingest.verify(self._digest, self.size)
            # Readers have waited for that only; whether it lasts is our own affair.
            self.complete = True
            self._waiters.wake()
            size = await self._ingest.commit(self._digest, self.size)
            for image in sorted(self.images):
                await self._committed(image, size)
        except Invalid as error:
            self.wrong = True
            self.failure = UpstreamOutage(
                f"the upstream sent something else than {self._digest}: {error.detail}"
            )
            self._log.error("{why}", why=self.failure.detail)
        except RegistryError as error:
            self.resumable &= not isinstance(error, StorageOutage)
            self.failure = error
            if self.complete:
                self._log.error(
                    "{digest} came, but is not kept: {why}",
                    digest=str(self._digest),
                    why=error.detail,
                )
            elif self.size is not None:
                # Readers have some of it, and only see their connections break.
                self._log.warn(
                    "{digest} did not come whole: {why}",
                    digest=str(self._digest),
                    why=error.detail,
                )
        except BaseException:
            self.resumable = False
            self.failure = StorageOutage("a fault of ours ended the download")
            raise
        finally:
            self._ended = True
            self._waiters.wake()
            self._stop_waiting()
            await self._let_go()

    async def _fetch(self) -> None:
        for attempt in range(RESUMPTIONS + 1):
            begun = self._ingest.offset
            if begun == self._told:
                return  # only its end was not marked; the digest tells
            try:
                await self._fetch_from(begun)
                return
            except (UpstreamOutage, UpstreamTimeout) as error:
                if self._ingest.offset == self._told:
                    return
                grown = self._ingest.offset > begun
                if not grown or attempt == RESUMPTIONS or self._abandoned:
                    raise
                self._log.warn(
                    "{digest}: {detail}; asking for the rest from byte {offset}",
                    digest=self._digest,
                    detail=error.detail,
                    offset=self._ingest.offset,
                )
                await self._ingest.flush()

    async def _fetch_from(self, offset: int) -> None:
        self.asking = True
        try:
            body = await self._open(offset)
        finally:
            self.asking = False
        if self._abandoned:
            body.stop()
            raise UpstreamOutage("the download was stopped")
        if body.offset not in (0, offset):
            body.stop()
            raise UpstreamOutage("the upstream does not resume where we asked")
        size = body.size if body.size is not None else self._told
        if size is not None and size < offset:
            body.stop()
            self.resumable = False
            raise UpstreamOutage(f"{offset} bytes have come of {size}")
        if self._told is not None and size != self._told:
            body.stop()
            raise UpstreamOutage(
                f"the upstream has {size} bytes where its manifest says {self._told}"
            )
        self._body = body
        if self.size is None:
            self.size = size
            self._waiters.wake()
        try:
            await body.deliver(Pulses(self._ingest, self._clock, offset - body.offset))
        finally:
            self._body = None

    # -- those who follow --

    async def opened(self) -> int:
        """Wait until the size is known, which may take until all is there.

        :returns: the size in bytes.
        :raises RegistryError: what ended the fill before.
        """
        await self._waiters.until(lambda: self._ended or self.size is not None)
        if self.failure is not None:
            raise self.failure
        assert self.size is not None  # noqa: S101  complete, or told by upstream
        return self.size

    def join(self, image: ImageName) -> None:
        """One more reader; it then waits for *follow*, and tells when it *left*."""
        self.images.add(image)
        self.followers += 1
        self._stop_waiting()

    async def follow(self) -> IContent:
        """Content for a reader that joined: from the first byte, at its own pace.

        :raises RegistryError: what ended the fill; the reader has then left.
        """
        try:
            size = await self.opened()
        except BaseException:
            await self.left()
            raise
        return Follower(self, size)

    async def left(self) -> None:
        """A reader has gone."""
        self.followers -= 1
        if self.followers == 0:
            if self._ended:
                await self._let_go()
            elif not self._worth_finishing():
                self._patience = self._clock.callLater(PATIENCE, self.stop)

    def _worth_finishing(self) -> bool:
        size = self.size
        if size is None:
            return True
        return size <= SMALL or self.written * 2 > size

    def stop(self) -> None:
        """Ask for nothing more: it ends where it can be resumed, or whole."""
        self._abandoned = True
        if self._body is not None:
            self._body.stop()

    def _stop_waiting(self) -> None:
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
            self._patience = None

    async def _let_go(self) -> None:
        if self.followers == 0 and self._opened is not None:
            await self._opened.close()

    @property
    def _ingest(self) -> IIngest:
        if self._opened is None:
            raise StorageOutage("the download has nowhere to go")
        return self._opened

    @property
    def written(self) -> int:
        """Bytes that have come so far."""
        return 0 if self._opened is None else self._opened.written

    # -- for Follower --

    async def available(self, offset: int, size: int) -> int:
        """See :meth:`IContent.available`."""
        reached = 0

        def given_out() -> bool:
            nonlocal reached
            reached = self._given_out(size)
            return self._ended or self.complete or offset < reached

        await self._waiters.until(given_out)
        if self.failure is not None and not self.complete:
            raise self.failure
        return reached

    def _given_out(self, size: int) -> int:
        if self.complete:
            return size
        return min(self.written, max(0, size - HELD_BACK))

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        return await self._ingest.read(offset, length)

    def fileno(self) -> int | None:
        """See :meth:`IContent.fileno`."""
        return self._ingest.fileno()


@implementer(IContent)
class Follower:
    """One reader of a fill."""

    def __init__(self, fill: Fill, size: int) -> None:
        self._fill: Fill | None = fill
        self.size = size

    async def available(self, offset: int) -> int:
        """See :meth:`IContent.available`."""
        return await self._open_fill().available(offset, self.size)

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        return await self._open_fill().read(offset, length)

    def fileno(self) -> int | None:
        """See :meth:`IContent.fileno`."""
        return self._open_fill().fileno()

    async def close(self) -> None:
        """See :meth:`IContent.close`."""
        fill, self._fill = self._fill, None
        if fill is not None:
            await fill.left()

    def _open_fill(self) -> Fill:
        if self._fill is None:
            raise StorageOutage("the content has been closed")
        return self._fill
