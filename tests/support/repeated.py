"""A large blob that costs no memory: one piece again and again."""

from typing import Any

from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.task import Clock, deferLater
from zope.interface import implementer

from pullthrough.interfaces import IIngest, IUpstreamBody
from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.names import ImageName
from pullthrough.storage.memory import MemoryBlobStore, MemoryIngest
from pullthrough.waiters import Waiters
from tests.support.upstream import ScriptedUpstream

PIECE = bytes(range(256)) * 1024  # 256 KiB
COUNT = 400
SIZE = len(PIECE) * COUNT  # 100 MiB


def digest_of_all() -> Digest:
    """What the blob is called."""
    hashed = hasher("sha256")
    for _ in range(COUNT):
        hashed.update(PIECE)
    return Digest.parse(f"sha256:{hashed.hexdigest()}")


def part(offset: int, length: int) -> bytes:
    """What the blob has there; the piece itself where that is asked for."""
    start = offset % len(PIECE)
    if start == 0 and length >= len(PIECE):
        return PIECE
    return PIECE[start : start + length]


class RepeatedIngest(MemoryIngest):
    """Counts and hashes, and keeps nothing."""

    def __init__(self) -> None:
        super().__init__(bytearray(), lambda digest, content: None, lambda: None)
        self._hashed = hasher("sha256")
        self._count = 0
        self._observers: list[Any] = []

    @property
    def offset(self) -> int:
        """Bytes accepted so far."""
        return self._count

    written = offset

    def write(self, data: bytes) -> None:
        """The next piece."""
        assert data is PIECE
        self._hashed.update(data)
        self._count += len(data)
        for changed in self._observers:
            changed()

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IIngest.read`."""
        assert offset + length <= self._count
        return part(offset, length)

    async def verify(self, digest: Digest, size: int | None = None) -> int:
        """See :meth:`IIngest.verify`."""
        assert (self._hashed.hexdigest(), self._count) == (digest.hex, size)
        return self._count


class RepeatedStore(MemoryBlobStore):
    """Its ingests keep nothing."""

    async def ingest(self, key: str, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.ingest`."""
        return RepeatedIngest()


@implementer(IUpstreamBody, IPushProducer)
class TickingBody:
    """Sends one piece per second of the clock, while it is not held."""

    size = SIZE
    offset = 0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._paused = False
        self._waiters = Waiters()

    async def deliver(self, consumer: IConsumer) -> None:
        """See :meth:`IUpstreamBody.deliver`."""
        consumer.registerProducer(self, True)
        for _ in range(COUNT):
            await deferLater(self._clock, 1, lambda: None)
            await self._waiters.until(lambda: not self._paused)
            consumer.write(PIECE)
        consumer.unregisterProducer()

    def stop(self) -> None:
        """Never wanted."""
        raise AssertionError

    def pauseProducing(self) -> None:
        """Held."""
        self._paused = True

    def resumeProducing(self) -> None:
        """Free."""
        self._paused = False
        self._waiters.wake()

    def stopProducing(self) -> None:
        """Never wanted."""
        raise AssertionError


class TickingUpstream(ScriptedUpstream):
    """Has the blob, and takes a second to answer."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    async def blob(
        self,
        image: ImageName,
        digest: Digest,
        offset: int = 0,
        end: int | None = None,
    ) -> Any:
        """See :meth:`IUpstream.blob`."""
        self._ask("blob")
        await deferLater(self._clock, 1, lambda: None)
        return TickingBody(self._clock)
