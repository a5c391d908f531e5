"""A blob store in memory: the same contract, for tests and for tiny stores."""

from collections.abc import AsyncIterator, Callable
from typing import Any

from twisted.internet.interfaces import IProducer
from zope.interface import implementer

from pullthrough.errors import Invalid, Miss, StorageOutage
from pullthrough.interfaces import IBlobStore, IContent, IIngest
from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode


@implementer(IBlobStore)
class MemoryBlobStore:
    """Content in a dictionary."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._blobs: dict[Digest, bytes] = {}
        self._ingests: dict[str, MemoryIngest] = {}

    @property
    def open_ingests(self) -> frozenset[str]:
        """The keys of what is neither committed nor aborted."""
        return frozenset(self._ingests)

    async def stat(self, digest: Digest) -> int | None:
        """See :meth:`IBlobStore.stat`."""
        found = self._blobs.get(digest)
        return None if found is None else len(found)

    async def open(self, digest: Digest) -> IContent:
        """See :meth:`IBlobStore.open`."""
        if digest not in self._blobs:
            raise Miss(ErrorCode.BLOB_UNKNOWN, f"blob {digest} is not here")
        return MemoryContent(self._blobs[digest])

    async def ingest(self, key: str, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.ingest`."""
        hasher(algorithm)
        if key in self._ingests:
            raise StorageOutage("the blob store cannot write: the key is in use")
        return self._begin(key, bytearray())

    async def resume(self, key: str, offset: int, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.resume`."""
        found = self._ingests.get(key)
        if found is None or found.written < offset:
            raise Miss(ErrorCode.BLOB_UPLOAD_UNKNOWN, "what was sent so far is gone")
        return self._begin(key, found.bytes[:offset])

    def _begin(self, key: str, data: bytearray) -> "MemoryIngest":
        def publish(digest: Digest, content: bytes) -> None:
            self._blobs[digest] = content
            self._ingests.pop(key, None)

        begun = MemoryIngest(data, publish, lambda: self._ingests.pop(key, None))
        self._ingests[key] = begun
        return begun

    async def discard(self, key: str) -> None:
        """See :meth:`IBlobStore.discard`."""
        self._ingests.pop(key, None)

    async def quarantine(self, digest: Digest) -> None:
        """See :meth:`IBlobStore.quarantine`."""
        self._blobs.pop(digest, None)

    async def delete(self, digest: Digest) -> bool:
        """See :meth:`IBlobStore.delete`."""
        return self._blobs.pop(digest, None) is not None

    async def scan(self) -> AsyncIterator[Digest]:
        """See :meth:`IBlobStore.scan`."""
        for digest in list(self._blobs):
            yield digest


@implementer(IContent)
class MemoryContent:
    """One reader of bytes in memory."""

    def __init__(self, data: bytes) -> None:
        self._data: bytes | None = data
        self.size = len(data)

    async def available(self, offset: int) -> int:
        """See :meth:`IContent.available`."""
        return self.size

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        if self._data is None:
            raise StorageOutage("the blob store cannot read: the file is closed")
        return self._data[offset : offset + length]

    def fileno(self) -> int | None:
        """There is none."""
        return None

    async def close(self) -> None:
        """See :meth:`IContent.close`."""
        self._data = None


@implementer(IIngest)
class MemoryIngest:
    """An ingest that writes at once."""

    def __init__(
        self,
        data: bytearray,
        publish: Callable[[Digest, bytes], None],
        drop: Callable[[], Any],
    ) -> None:
        self.bytes = data
        self._publish = publish
        self._drop = drop
        self._observers: list[Callable[[], None]] = []
        self._producer: IProducer | None = None
        self._committed: Digest | None = None
        self._closed = False

    @property
    def offset(self) -> int:
        """Bytes accepted so far."""
        return len(self.bytes)

    written = offset

    def observe(self, changed: Callable[[], None]) -> None:
        """See :meth:`IIngest.observe`."""
        self._observers.append(changed)

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`; push producers only."""
        if not streaming:
            raise ValueError("an ingest takes push producers only")
        if self._producer is not None:
            raise RuntimeError("the ingest has a producer already")
        self._producer = producer

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        self._producer = None

    def write(self, data: bytes) -> None:
        """See :meth:`IConsumer.write`."""
        if self._closed or not data:
            return
        self.bytes += data
        for changed in self._observers:
            changed()

    async def flush(self) -> None:
        """Nothing waits."""

    async def sync(self) -> int:
        """See :meth:`IIngest.sync`."""
        return self.written

    async def suspend(self) -> int:
        """See :meth:`IIngest.suspend`."""
        await self.close()
        return self.written

    async def verify(self, digest: Digest, size: int | None = None) -> int:
        """See :meth:`IIngest.verify`."""
        if self._closed:
            raise StorageOutage("the blob store cannot write: the file is closed")
        if size is not None and size != self.written:
            raise Invalid(
                ErrorCode.SIZE_INVALID, f"{self.written} bytes came, not {size}"
            )
        found = Digest.of(bytes(self.bytes), digest.algorithm)
        if found != digest:
            raise Invalid(ErrorCode.DIGEST_INVALID, f"the content has digest {found}")
        return self.written

    async def commit(
        self, digest: Digest, size: int | None = None, close: bool = False
    ) -> int:
        """See :meth:`IIngest.commit`."""
        if self._committed == digest:
            return self.written
        await self.verify(digest, size)
        self._publish(digest, bytes(self.bytes))
        self._committed = digest
        self._closed = close
        return self.written

    async def abort(self) -> None:
        """See :meth:`IIngest.abort`."""
        if self._committed is None and not self._closed:
            self._drop()
        self._closed = True

    async def close(self) -> None:
        """See :meth:`IIngest.close`."""
        self._closed = True

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IIngest.read`."""
        if self._closed:
            raise StorageOutage("the blob store cannot read: the file is closed")
        return bytes(self.bytes[offset : offset + length])

    def fileno(self) -> int | None:
        """There is none."""
        return None
