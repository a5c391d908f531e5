"""Bytes into an ingest: at once when it rests, together when many come."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import StorageOutage
from pullthrough.repository.pulses import PULSE, Pulses
from pullthrough.storage.memory import MemoryIngest


class Lazy(MemoryIngest):
    """Writes when it is flushed, and when it has enough.

    :ivar enough: bytes.
    :ivar writes: how many bytes each write had.
    """

    def __init__(self) -> None:
        super().__init__(bytearray(), lambda digest, content: None, lambda: None)
        self.enough = 100
        self.writes: list[int] = []
        self.held: Deferred[None] | None = None
        self.failing = False

    @property
    def written(self) -> int:  # type: ignore[override]
        """Bytes that were flushed."""
        return sum(self.writes)

    def write(self, data: bytes) -> None:
        """Keep it."""
        super().write(data)
        if self.offset - self.written >= self.enough:
            self.writes.append(self.offset - self.written)

    async def flush(self) -> None:
        """Write what waits."""
        if self.held is not None:
            await self.held
        if self.failing:
            raise StorageOutage("the disk is full")
        self.writes.append(self.offset - self.written)


class PulsesTests(SynchronousTestCase):
    """A pulse, and what falls into it."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.ingest = Lazy()
        self.pulses = Pulses(self.ingest, self.clock)
        self.addCleanup(self.quiet)

    def quiet(self) -> None:
        """Nothing ticks when the body has ended."""
        self.pulses.unregisterProducer()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_at_once_after_a_rest(self) -> None:
        """A piece that comes alone waits for nothing."""
        for _ in range(3):
            self.pulses.write(b"12345")
            self.clock.advance(PULSE)
        self.assertEqual(self.ingest.writes, [5, 5, 5])

    def test_together(self) -> None:
        """What comes within a pulse is written at its end, all at once."""
        for _ in range(10):
            self.pulses.write(b"12345")
            self.clock.advance(PULSE / 8)
        self.assertEqual(self.ingest.writes, [5, 35])
        self.clock.advance(PULSE)
        self.assertEqual(self.ingest.writes, [5, 35, 10])
        self.clock.advance(PULSE)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_stream_that_writes_by_itself(self) -> None:
        """Where enough comes within a pulse, no pulse adds small writes."""
        self.pulses.write(b"12345")
        for _ in range(4):
            self.clock.advance(PULSE / 4)
            self.pulses.write(b"x" * 50)
            self.clock.advance(PULSE / 4)
            self.pulses.write(b"x" * 60)
        self.assertEqual(self.ingest.writes, [5, 110, 110, 110, 110])

    def test_a_slow_disk(self) -> None:
        """One flush at a time; what comes meanwhile waits for the next one."""
        self.ingest.held = Deferred()
        self.pulses.write(b"12345")
        self.pulses.write(b"12345")
        self.clock.pump([PULSE] * 5)
        self.assertEqual(self.ingest.writes, [])
        held, self.ingest.held = self.ingest.held, None
        held.callback(None)
        self.assertEqual(self.ingest.writes, [10])

    def test_a_failing_disk(self) -> None:
        """The commit tells it; nobody fails here."""
        self.ingest.failing = True
        self.pulses.write(b"12345")
        self.clock.pump([PULSE] * 3)
        self.assertEqual(self.ingest.writes, [])

    def test_skipping(self) -> None:
        """What is there already is passed over, however it comes in pieces."""
        pulses: Any = Pulses(self.ingest, self.clock, 7)
        for piece in (b"12345", b"67", b"89", b"0"):
            pulses.write(piece)
        pulses.unregisterProducer()
        self.assertEqual(bytes(self.ingest.bytes), b"890")
