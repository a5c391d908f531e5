"""A blob store in memory that takes its time, and may fail, as a disk does."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProducer
from twisted.internet.task import Clock, deferLater
from zope.interface import implementer

from pullthrough.errors import StorageOutage
from pullthrough.interfaces import IBlobStore, IContent, IIngest
from pullthrough.spec.digest import Digest
from pullthrough.storage.memory import MemoryBlobStore

#: Bytes waiting to be written above which the producer is paused.
HIGH_WATER = 32 * 1024


@implementer(IBlobStore)
class PacedStore:
    """Another store, slower.

    :param random: a number from 0 to 1.
    :ivar clock: must be set.
    :ivar longest: seconds that something takes at most.
    :ivar fails: which part of all writes fail.
    :ivar handles: how many ingests have not been closed.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self.name = "paced"
        self.longest = 0.05
        self.fails = 0.0
        self.handles = 0
        self.clock = Clock()
        self.random = random
        self._inner = MemoryBlobStore("inner")

    async def pause(self) -> None:
        """Wait as for a disk."""
        await deferLater(self.clock, self.random() * self.longest, lambda: None)

    def breaks(self) -> bool:
        """Whether a write fails now."""
        return self.random() < self.fails

    @property
    def open_ingests(self) -> frozenset[str]:
        """The keys of what is neither committed nor aborted."""
        return self._inner.open_ingests

    async def stat(self, digest: Digest) -> int | None:
        """See :meth:`IBlobStore.stat`."""
        await self.pause()
        return await self._inner.stat(digest)

    async def open(self, digest: Digest) -> IContent:
        """See :meth:`IBlobStore.open`."""
        await self.pause()
        return await self._inner.open(digest)

    async def ingest(self, key: str, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.ingest`."""
        await self.pause()
        if self.breaks():
            raise StorageOutage("the disk is full")
        return PacedIngest(self, await self._inner.ingest(key, algorithm))

    async def resume(self, key: str, offset: int, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.resume`."""
        await self.pause()
        return PacedIngest(self, await self._inner.resume(key, offset, algorithm))

    async def discard(self, key: str) -> None:
        """See :meth:`IBlobStore.discard`."""
        await self.pause()
        await self._inner.discard(key)

    async def quarantine(self, digest: Digest) -> None:
        """See :meth:`IBlobStore.quarantine`."""
        await self._inner.quarantine(digest)

    async def delete(self, digest: Digest) -> bool:
        """See :meth:`IBlobStore.delete`."""
        return await self._inner.delete(digest)

    def scan(self) -> AsyncIterator[Digest]:
        """See :meth:`IBlobStore.scan`."""
        return self._inner.scan()


@implementer(IIngest)
class PacedIngest:
    """Writes behind: what is written lags behind what was accepted."""

    def __init__(self, store: PacedStore, inner: IIngest) -> None:
        self._store = store
        self._store.handles += 1
        self._inner = inner
        self._waiting: list[bytes] = []
        self._job: Deferred[None] | None = None
        self._idle: list[Deferred[None]] = []
        self._producer: Any = None
        self._paused = False
        self._failed = False
        self._closed = False
        self._observers: list[Callable[[], None]] = []
        self.offset = inner.offset

    @property
    def written(self) -> int:
        """Bytes that can be read."""
        return self._inner.written

    def observe(self, changed: Callable[[], None]) -> None:
        """See :meth:`IIngest.observe`."""
        self._observers.append(changed)

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`."""
        assert self._producer is None
        self._producer = producer
        self._paused = False
        self._pace()

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        self._producer = None

    def write(self, data: bytes) -> None:
        """See :meth:`IConsumer.write`."""
        if self._failed or self._closed or not data:
            return
        self.offset += len(data)
        self._waiting.append(data)
        if self._job is None:
            self._job = Deferred.fromCoroutine(self._write())
        self._pace()

    def _pace(self) -> None:
        full = not self._failed and self.offset - self.written > HIGH_WATER
        if self._producer is None or full == self._paused:
            return
        self._paused = full
        if full:
            self._producer.pauseProducing()
        else:
            self._producer.resumeProducing()

    async def _write(self) -> None:
        while self._waiting and not self._failed:
            await self._store.pause()
            if self._store.breaks():
                self._failed = True
                self._waiting.clear()
            for data in self._waiting:
                self._inner.write(data)
            self._waiting.clear()
            self._pace()
            for changed in self._observers:
                changed()
        self._job = None
        idle, self._idle = self._idle, []
        for turn in idle:
            turn.callback(None)

    async def flush(self) -> None:
        """See :meth:`IIngest.flush`."""
        while self._job is not None:
            turn: Deferred[None] = Deferred()
            self._idle.append(turn)
            await turn
        if self._failed:
            raise StorageOutage("the disk is full")

    async def sync(self) -> int:
        """See :meth:`IIngest.sync`."""
        await self.flush()
        return self.written

    async def suspend(self) -> int:
        """See :meth:`IIngest.suspend`."""
        await self.sync()
        return await self._inner.suspend()

    async def verify(self, digest: Digest, size: int | None = None) -> int:
        """See :meth:`IIngest.verify`."""
        await self.flush()
        return await self._inner.verify(digest, size)

    async def commit(
        self, digest: Digest, size: int | None = None, close: bool = False
    ) -> int:
        """See :meth:`IIngest.commit`."""
        await self.flush()
        await self._store.pause()
        if self._store.breaks():
            self._failed = True
            raise StorageOutage("the disk is full")
        if close:
            self._let_go()
        return await self._inner.commit(digest, size, close)

    async def abort(self) -> None:
        """See :meth:`IIngest.abort`."""
        self._let_go()
        await self._store.pause()
        await self._inner.abort()

    async def close(self) -> None:
        """See :meth:`IIngest.close`."""
        self._let_go()
        await self._store.pause()
        await self._inner.close()

    def _let_go(self) -> None:
        if not self._closed:
            self._closed = True
            self._store.handles -= 1

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IIngest.read`."""
        await self._store.pause()
        return await self._inner.read(offset, length)

    def fileno(self) -> int | None:
        """There is none."""
        return None
