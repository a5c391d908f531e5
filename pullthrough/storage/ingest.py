"""Content on its way into a folder: written behind, hashed, then committed."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import Invalid, StorageOutage
from pullthrough.interfaces import IIngest
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.storage.backlog import LEAST, Backlog
from pullthrough.storage.growing import Growing, Pieces, Step, fewer, nothing_more
from pullthrough.storage.openfile import OpenFile

#: Bytes that wait for each other, to be written at once. No producer is paused with
#: fewer, as nothing would let it go again.
AT_ONCE = LEAST

#: Bytes that are made durable while more comes, so that the end need not wait for all.
AHEAD = 8 * 1024 * 1024

#: Bytes that are worth two threads, one that writes and one that hashes.
APART = 512 * 1024


@implementer(IIngest)
class FileIngest:
    """An ingest in a file of its own.

    Jobs in threads write and hash what has come: one job does both, and where the
    content is to be durable, sees to that as well, so that what is small takes one job
    from its first byte to its name. Much that has come at once is written by one and
    hashed by another.

    :param file: where it goes.
    :param content: the same, for the jobs.
    :param written: bytes that the file has already, and that its hash covers.
    :param backlog: how much may wait for the disk.
    """

    def __init__(
        self, file: OpenFile, content: Growing, written: int, backlog: Backlog
    ) -> None:
        self._file = file
        self._content = content
        self._backlog = backlog
        self.written = written
        self.offset = written
        self._sent_ahead = written
        self._syncing = False
        self._waiting: list[bytes | memoryview] = []
        self._working = False
        self._failure: StorageOutage | None = None
        self._ended = False
        self._committed: Digest | None = None
        self._producer: IProducer | None = None
        self._paused = False
        self._idle: list[Deferred[None]] = []
        self._observers: list[Callable[[], None]] = []

    def observe(self, changed: Callable[[], None]) -> None:
        """See :meth:`IIngest.observe`."""
        self._observers.append(changed)

    # -- IConsumer --

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`; push producers only."""
        if not streaming:
            raise ValueError("an ingest takes push producers only")
        if self._producer is not None:
            raise RuntimeError("the ingest has a producer already")
        self._producer = producer
        self._backlog.writers += 1
        self._paused = False
        self._pace()

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        if self._producer is not None:
            self._backlog.writers -= 1
        self._producer = None
        self._paused = False

    def write(self, data: bytes | memoryview) -> None:
        """See :meth:`IConsumer.write`; after a failure it falls away."""
        if self._failure is not None or self._ended or not data:
            return
        self._waiting.append(data)
        self.offset += len(data)
        self._write_behind()
        self._pace()

    def _pace(self) -> None:
        """Tell the producer whether to go on."""
        producer: Any = self._producer
        if producer is None:
            return
        unwritten = self.offset - self.written if self._failure is None else 0
        if not self._paused and unwritten > self._backlog.high:
            self._paused = True
            producer.pauseProducing()
        elif self._paused and unwritten <= self._backlog.low:
            self._paused = False
            producer.resumeProducing()

    # -- the jobs --

    def _write_behind(self) -> None:
        """Write what waits, once it is worth a job."""
        enough = self.offset - self.written >= AT_ONCE
        if enough and self._waiting and not self._working:
            job = Deferred.fromCoroutine(self._work("write", nothing_more))
            job.addErrback(lambda _: None)  # it is kept, for whoever asks
            self._sync_ahead()

    def _sync_ahead(self) -> None:
        """Make what is written durable, beside what goes on."""
        if self.written - self._sent_ahead >= AHEAD and not self._syncing:
            self._sent_ahead = self.written
            self._syncing = True
            job = self._file.run("make it durable", self._content.sync_some)
            Deferred.fromCoroutine(job).addBoth(self._synced_ahead)

    def _synced_ahead(self, result: Failure | None) -> None:
        self._syncing = False
        if isinstance(result, Failure) and self._failure is None:
            self._failed(result.value)
        self._changed(self._failure is not None)

    async def _work(
        self,
        doing: str,
        step: Step,
        last: bool = False,
    ) -> int:
        """Write what waits, then take the step: one job, where it is little.

        :param last: whether the file is then closed.
        :returns: the size, in bytes.
        :raises StorageOutage: then the file is never trusted again (invariant I20).
        """
        waiting, self._waiting = self._waiting, []
        begin, end = self.written, self.offset
        pieces = fewer(waiting, end - begin)
        run = self._file.last if last else self._file.run
        self._working = True
        try:
            if end - begin >= APART and self._file.fileno() is not None:
                await self._write_apart(pieces, begin)
                pieces = ()
            if pieces or step is not nothing_more:
                where = begin if pieces else end
                await run(doing, self._content.add, pieces, where, step)
            self.written = end
        except Invalid:
            raise
        except Exception as error:
            raise self._failed(error) from error
        finally:
            self._working = False
            self._changed(self.written > begin or self._failure is not None)
        return end

    async def _write_apart(self, pieces: Pieces, begin: int) -> None:
        """Write and hash at the same time."""
        jobs = (
            self._file.run("write", self._content.write, pieces, begin),
            self._file.run("write", self._content.hash, pieces),
        )
        both = [Deferred.fromCoroutine(job) for job in jobs]
        ends: list[tuple[bool, Any]] = await DeferredList(both, consumeErrors=True)
        for done, result in ends:
            if not done:
                result.raiseException()

    def _failed(self, error: BaseException | None) -> StorageOutage:
        if not isinstance(error, StorageOutage):
            error = StorageOutage(f"the blob store cannot write: {error}")
        self._failure = error
        self._waiting.clear()
        return error

    def _changed(self, tell: bool) -> None:
        self._pace()
        idle, self._idle = self._idle, []
        for turn in idle:
            turn.callback(None)
        self._write_behind()
        if tell:
            for changed in self._observers:
                changed()

    # -- the end --

    async def _settled(self, ahead: bool = True) -> None:
        """Wait until no job runs.

        :param ahead: whether that means also what goes on beside.
        :raises StorageOutage: when one has failed.
        """
        while self._working or (ahead and self._syncing):
            turn: Deferred[None] = Deferred()
            self._idle.append(turn)
            await turn
        if self._failure is not None:
            raise self._failure

    async def flush(self) -> None:
        """See :meth:`IIngest.flush`."""
        await self._settled(ahead=False)
        while self._waiting:
            await self._work("write", nothing_more)
            await self._settled(ahead=False)

    async def sync(self) -> int:
        """See :meth:`IIngest.sync`."""
        await self._settled()
        synced = await self._work("make it durable", self._content.sync)
        self._sent_ahead = max(self._sent_ahead, synced)
        return synced

    async def suspend(self) -> int:
        """See :meth:`IIngest.suspend`."""
        written = await self.sync()
        await self.close()
        return written

    async def _fitting(self, size: int | None, ahead: bool = True) -> None:
        await self._settled(ahead)
        if size not in (None, self.offset):
            raise Invalid(
                ErrorCode.SIZE_INVALID, f"{self.offset} bytes came, not {size}"
            )

    async def verify(self, digest: Digest, size: int | None = None) -> int:
        """See :meth:`IIngest.verify`: that waits for no disk (decision 0013)."""
        await self._fitting(size, ahead=False)
        content = self._content
        return await self._work("read", lambda fd, end: content.check(fd, end, digest))

    async def commit(
        self, digest: Digest, size: int | None = None, close: bool = False
    ) -> int:
        """See :meth:`IIngest.commit`."""
        if self._committed == digest:
            return self.written
        await self._fitting(size)
        content = self._content
        size = await self._work(
            "make it durable", lambda fd, end: content.seal(fd, end, digest), last=close
        )
        self._committed = digest
        self._ended = close
        return size

    async def abort(self) -> None:
        """See :meth:`IIngest.abort`."""
        self._waiting.clear()
        dropped = self._committed is None and not self._ended
        self._ended = True
        if dropped:
            with suppress(StorageOutage):
                await self._settled()
            with suppress(StorageOutage):  # what stays is swept at the next start
                if self._file.fileno() is not None:
                    await self._file.last("remove", self._content.remove)
        await self._file.close()

    async def close(self) -> None:
        """See :meth:`IIngest.close`."""
        self._ended = True
        await self._file.close()

    # -- reading --

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IIngest.read`."""
        return await self._file.read(offset, length)

    def fileno(self) -> int | None:
        """See :meth:`IIngest.fileno`."""
        return self._file.fileno()
