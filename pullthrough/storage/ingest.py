"""Content on its way into a folder: written behind, hashed, then committed."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import Invalid, StorageOutage
from pullthrough.interfaces import IIngest
from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.storage.files import Files, write_all
from pullthrough.storage.openfile import OpenFile

#: Bytes waiting to be written above which the producer is paused, and below which
#: it goes on.
HIGH_WATER = 1024 * 1024
LOW_WATER = 256 * 1024

#: Bytes read at once when a hash is made anew.
PIECE = 1024 * 1024


@implementer(IIngest)
class FileIngest:
    """An ingest in a file of its own.

    Bytes are written and hashed by one job at a time, in a thread, as much at once
    as has come meanwhile.

    :param publish: called in a thread with the digest: gives the file its final
        name, durably; raises OSError.
    :param written: bytes that the file has already, and that ``hash`` covers.
    """

    def __init__(
        self,
        files: Files,
        file: OpenFile,
        path: Path,
        algorithm: str,
        hashed: Any,
        written: int,
        publish: Callable[[Digest, int], None],
    ) -> None:
        self._files = files
        self._file = file
        self._path = path
        self._algorithm = algorithm
        self._hash = hashed
        self._publish = publish
        self.written = written
        self.offset = written
        self._waiting: list[bytes] = []
        self._writing = False
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
        self._paused = False
        self._pace()

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        self._producer = None
        self._paused = False

    def write(self, data: bytes) -> None:
        """See :meth:`IConsumer.write`; after a failure it falls away."""
        if self._failure is not None or self._ended or not data:
            return
        self._waiting.append(data)
        self.offset += len(data)
        if not self._writing:
            self._write_behind()
        self._pace()

    def _pace(self) -> None:
        """Tell the producer whether to go on."""
        unwritten = self.offset - self.written if self._failure is None else 0
        producer: Any = self._producer
        if producer is None:
            return
        if not self._paused and unwritten > HIGH_WATER:
            self._paused = True
            producer.pauseProducing()
        elif self._paused and unwritten <= LOW_WATER:
            self._paused = False
            producer.resumeProducing()

    # -- writing behind --

    def _write_behind(self) -> None:
        data = b"".join(self._waiting)
        self._waiting.clear()
        self._writing = True
        job = Deferred.fromCoroutine(
            self._file.run("write", self._write, data, self.written)
        )
        job.addCallbacks(self._wrote, self._failed, callbackArgs=(len(data),))

    def _write(self, fd: int, data: bytes, offset: int) -> None:
        write_all(self._files, fd, data, offset)
        self._hash.update(data)

    def _wrote(self, _: None, count: int) -> None:
        self._writing = False
        self.written += count
        if self._waiting:
            self._write_behind()
        self._changed()

    def _failed(self, failure: Failure) -> None:
        self._writing = False
        self._fail(failure.value)

    def _fail(self, error: BaseException | None) -> None:
        # After a storage error the file is never trusted again (invariant I20).
        if isinstance(error, StorageOutage):
            self._failure = error
        else:
            self._failure = StorageOutage(f"the blob store cannot write: {error}")
        self._waiting.clear()
        self._changed()

    def _changed(self) -> None:
        self._pace()
        if not self._writing:
            idle, self._idle = self._idle, []
            for turn in idle:
                turn.callback(None)
        for changed in self._observers:
            changed()

    # -- the end --

    async def flush(self) -> None:
        """See :meth:`IIngest.flush`."""
        while self._writing:
            turn: Deferred[None] = Deferred()
            self._idle.append(turn)
            await turn
        if self._failure is not None:
            raise self._failure

    async def sync(self) -> int:
        """See :meth:`IIngest.sync`."""
        await self.flush()
        written = self.written
        await self._certainly("make it durable", self._files.sync)
        return written

    async def suspend(self) -> int:
        """See :meth:`IIngest.suspend`."""
        written = await self.sync()
        await self.close()
        return written

    async def commit(self, digest: Digest, size: int | None = None) -> int:
        """See :meth:`IIngest.commit`."""
        if self._committed == digest:
            return self.written
        await self.flush()
        if size is not None and size != self.written:
            raise Invalid(
                ErrorCode.SIZE_INVALID, f"{self.written} bytes came, not {size}"
            )
        found = await self._digest(digest.algorithm)
        if found != digest:
            raise Invalid(ErrorCode.DIGEST_INVALID, f"the content has digest {found}")
        await self._certainly("make it durable", self._seal, digest)
        self._committed = digest
        return self.written

    async def _digest(self, algorithm: str) -> Digest:
        if algorithm == self._algorithm:
            return Digest(algorithm, self._hash.hexdigest())
        made = await self._file.run(
            "read", hash_of, self._files, algorithm, self.written
        )
        return Digest(algorithm, made.hexdigest())

    def _seal(self, fd: int, digest: Digest) -> None:
        self._files.chmod(fd, 0o440)
        self._files.sync(fd)
        self._publish(digest, self.written)

    async def _certainly(
        self, doing: str, function: Callable[..., None], *args: Digest
    ) -> None:
        try:
            await self._file.run(doing, function, *args)
        except StorageOutage as error:
            self._fail(error)
            raise

    async def abort(self) -> None:
        """See :meth:`IIngest.abort`."""
        self._waiting.clear()
        dropped = self._committed is None and not self._ended
        self._ended = True
        if dropped:
            with suppress(StorageOutage):  # what stays is swept at the next start
                await self._file.run("remove", lambda fd: self._unlink())
        await self._file.close()

    def _unlink(self) -> None:
        self._files.unlink(self._path)

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


def hash_of(fd: int, files: Files, algorithm: str, length: int) -> Any:
    """Hash the first ``length`` bytes of a file; runs in a thread.

    :raises OSError: when they cannot be read.
    """
    made = hasher(algorithm)
    offset = 0
    while offset < length:
        piece = files.read(fd, min(PIECE, length - offset), offset)
        if not piece:
            raise OSError(0, "the file is cut short")
        made.update(piece)
        offset += len(piece)
    return made
