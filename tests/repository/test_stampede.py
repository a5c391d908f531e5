"""Many cold pulls of one large blob (reliability, row G; I8, I9)."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.interfaces import IContent
from pullthrough.spec.names import ImageName
from tests.support.house import House
from tests.support.repeated import (
    COUNT,
    SIZE,
    RepeatedStore,
    TickingUpstream,
    digest_of_all,
    part,
)

APP = ImageName("team/app")
DIGEST = digest_of_all()
READERS = 200


class StampedeTests(SynchronousTestCase):
    """A hundred megabytes, of which one piece comes per tick of the clock."""

    def setUp(self) -> None:
        self.house = House()
        self.house.store = RepeatedStore("blobs")
        self.upstream = TickingUpstream(self.house.clock)
        self.proxy = self.house.proxy(self.upstream)

    def pull(self, **more: Any) -> "Deferred[int]":
        """Begin to pull it; fires with how many bytes were read."""
        return Deferred.fromCoroutine(self.read(**more))

    async def read(self, until: int = SIZE, pace: int = 0) -> int:
        """Read up to a byte, and leave.

        :param pace: bytes per tick; 0: as they come.
        """
        content = await self.proxy.blob(APP, DIGEST)
        try:
            return await self.follow(content, until, pace)
        finally:
            await content.close()

    async def follow(self, content: IContent, until: int, pace: int) -> int:
        """Read, and look at each byte."""
        offset = 0
        while offset < until:
            end = await content.available(offset)
            while offset < min(end, until):
                length = min(pace or end - offset, end - offset)
                data = await content.read(offset, length)
                expected = part(offset, length)
                assert data is expected or data == expected
                offset += len(data)
                if pace:
                    await deferLater(self.house.clock, 1, lambda: None)
        if until == SIZE:
            await content.available(SIZE)
        return offset

    def fill(self) -> int:
        """Let the clock run until it is there; how many ticks that took."""
        ticks = 0
        while self.house.fills.under_way(DIGEST) is not None:
            self.house.clock.advance(1)
            ticks += 1
            self.assertLessEqual(ticks, COUNT * 2)
        return ticks

    def test_a_herd(self) -> None:
        """One download, whoever reads it: as fast as for one reader alone, with one
        reader at 1 KiB per tick and a third leaving on the way. Nobody who stays
        fails."""
        alone = self.pull()
        ticks_alone = self.fill()
        self.assertEqual(self.successResultOf(alone), SIZE)
        self.setUp()

        staying, leaving = [], []
        for number in range(READERS - 1):
            if number % 3:
                staying.append(self.pull())
            else:
                leaving.append(self.pull(until=SIZE * number // READERS))
        slow = self.pull(pace=1024)
        dying = leaving.pop()
        ticks = 0
        while self.house.fills.under_way(DIGEST) is not None:
            self.house.clock.advance(1)
            ticks += 1
            if ticks == COUNT // 2:
                dying.cancel()  # its connection broke while it waited
                self.failureResultOf(dying, CancelledError)

        self.assertEqual(ticks, ticks_alone)
        self.assertEqual(self.upstream.asked, {"blob": 1})
        for reader in staying:
            self.assertEqual(self.successResultOf(reader), SIZE)
        for reader in leaving:
            self.assertLess(self.successResultOf(reader), SIZE)
        self.assertNoResult(slow)
        self.house.clock.pump([1] * (SIZE // 1024))
        self.assertEqual(self.successResultOf(slow), SIZE)
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def test_who_comes_late(self) -> None:
        """Readers that come while it is fetched join it, and get all of it from the
        beginning at once, as far as it has come."""
        first = self.pull()
        late = []
        for _ in range(20):
            self.house.clock.pump([1] * 10)
            late.append(self.pull())
        self.fill()
        for reader in (first, *late):
            self.assertEqual(self.successResultOf(reader), SIZE)
        self.assertEqual(self.upstream.asked, {"blob": 1})

    def test_all_leave(self) -> None:
        """A download that nobody reads any more goes on, being small enough."""
        for reader in [self.pull(until=1000) for _ in range(10)]:
            reader.addErrback(lambda _: None)
        ticks = self.fill()
        self.assertEqual(ticks, COUNT + 1)
        self.assertEqual(self.upstream.asked, {"blob": 1})
