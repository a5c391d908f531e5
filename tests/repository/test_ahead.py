"""Ranges of a blob that is only being fetched: asked of the upstream as well."""

from typing import Any

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from pullthrough.errors import Miss, UpstreamOutage
from pullthrough.interfaces import IBlob, IContent
from pullthrough.repository.ahead import MOST_KEPT, WORTH
from pullthrough.repository.fill import HELD_BACK
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from tests.repository.test_proxy import REDIS, ProxyCase, whole
from tests.support.exchange import FakeExchange
from tests.support.site import SiteCase
from tests.support.upstream import ScriptedBody, ScriptedUpstream

MIB = 1024 * 1024
BIG = bytes(range(256)) * (4 * MIB // 256)


class AheadTests(ProxyCase):
    """A blob of 4 MiB, of which nothing has come yet."""

    def setUp(self) -> None:
        super().setUp()
        self.upstream.at_once = False
        self.big = self.upstream.add_blob("library/redis", BIG)

    def open(self) -> IBlob:
        """The blob, being fetched."""
        blob: IBlob = self.now(self.proxy.blob(REDIS, self.big))
        self.assertTrue(verifyObject(IBlob, blob))
        return blob

    def take(self, blob: IContent, start: int, end: int) -> "Deferred[bytes]":
        """What a client of that range gets."""

        async def reading() -> bytes:
            offset, got = start, b""
            while offset < end:
                limit = min(end, await blob.available(offset))
                got += await blob.read(offset, min(100_000, limit - offset))
                offset = start + len(got)
            await blob.close()
            return got

        return self.begin(reading())

    def side(self, start: int, end: int) -> ScriptedBody:
        """The body that was asked for that range."""
        body = self.upstream.bodies[-1]
        self.assertEqual((body.offset, len(body.content)), (start, end))
        return body

    def test_at_once(self) -> None:
        """A range far from the fill does not wait for it; the fill goes on."""
        blob = self.open()
        fill = self.upstream.bodies[0]
        start, end = 2 * MIB, 2 * MIB + 5000
        blob.expect(start, end)
        reading = self.take(blob, start, end)
        self.assertNoResult(reading)
        self.side(start, end).finish()
        self.assertEqual(self.successResultOf(reading), BIG[start:end])
        self.assertEqual(self.upstream.asked["blob"], 2)
        fill.finish()
        copy = self.now(self.proxy.blob(REDIS, self.big))
        self.assertEqual(self.now(whole(copy)), BIG)
        self.assertEqual(self.upstream.asked["blob"], 2)

    def test_near_the_fill(self) -> None:
        """A range that the fill is about to reach is not asked for."""
        blob = self.open()
        self.upstream.bodies[0].send(100_000)
        start, end = WORTH + 99_999, WORTH + 200_000
        blob.expect(start, end)
        reading = self.take(blob, start, end)
        self.assertEqual(self.upstream.asked["blob"], 1)
        self.upstream.bodies[0].finish()
        self.assertEqual(self.successResultOf(reading), BIG[start:end])

    def test_never_the_end(self) -> None:
        """The last bytes of a blob come from the fill, verified (invariant I7)."""
        blob = self.open()
        start = 3 * MIB
        blob.expect(start, len(BIG))
        reading = self.take(blob, start, len(BIG))
        self.side(start, len(BIG) - HELD_BACK).finish()
        self.assertNoResult(reading)
        self.upstream.bodies[0].finish()
        self.assertEqual(self.successResultOf(reading), BIG[start:])
        blob = self.now(self.proxy.blob(REDIS, self.big))
        self.now(blob.close())

    def test_only_the_end(self) -> None:
        """Nothing of it could be given out: it is not asked for."""
        blob = self.open()
        blob.expect(len(BIG) - 100, len(BIG))
        self.assertEqual(self.upstream.asked["blob"], 1)
        reading = self.take(blob, len(BIG) - 100, len(BIG))
        self.upstream.bodies[0].finish()
        self.assertEqual(self.successResultOf(reading), BIG[-100:])

    def test_overtaken(self) -> None:
        """Where the side is slow the fill serves, wherever the reader stands."""
        blob = self.open()
        start, end = 2 * MIB, 3 * MIB
        blob.expect(start, end)
        reading = self.take(blob, start, end)
        side = self.side(start, end)
        side.send(1000)
        self.upstream.bodies[0].finish()
        self.assertEqual(self.successResultOf(reading), BIG[start:end])
        self.assertTrue(side.stopped)

    def test_pace(self) -> None:
        """A slow reader holds its own download, not the fill."""
        blob = self.open()
        start, end = MIB, 3 * MIB
        blob.expect(start, end)
        side = self.side(start, end)
        side.send(MOST_KEPT)
        self.assertFalse(side.paused)
        side.send(1)
        self.assertTrue(side.paused)
        self.assertEqual(self.now(blob.available(start)), start + MOST_KEPT + 1)
        self.assertEqual(self.now(blob.read(start, 10)), BIG[start : start + 10])
        self.assertFalse(side.paused)
        self.assertIsNone(blob.fileno())
        self.upstream.bodies[0].finish()
        self.now(blob.close())
        self.assertTrue(side.stopped)

    def test_no_ranges(self) -> None:
        """An upstream that sends all from the start is no help: wait for the fill."""
        blob = self.open()
        asked = self.upstream.blob

        async def from_the_start(image: Any, digest: Any, *_: Any) -> Any:
            return await asked(image, digest)

        self.upstream.blob = from_the_start  # type: ignore[method-assign]
        start, end = 2 * MIB, 3 * MIB
        blob.expect(start, end)
        reading = self.take(blob, start, end)
        self.assertTrue(self.upstream.bodies[-1].stopped)
        self.upstream.bodies[0].finish()
        self.assertEqual(self.successResultOf(reading), BIG[start:end])

    def test_the_side_fails(self) -> None:
        """Refused or broken: the fill serves."""
        for number, problem in enumerate((None, Miss(ErrorCode.BLOB_UNKNOWN, "x")), 1):
            content = BIG[:-1] + bytes([number])
            self.big = self.upstream.add_blob("library/redis", content)
            blob = self.open()
            fill = self.upstream.bodies[-1]
            self.upstream.failure = problem
            start, end = 2 * MIB, 3 * MIB
            blob.expect(start, end)
            reading = self.take(blob, start, end)
            self.upstream.failure = None
            if problem is None:
                self.side(start, end).break_off()
            self.assertNoResult(reading)
            fill.finish()
            self.assertEqual(self.successResultOf(reading), content[start:end])

    def test_the_fill_fails(self) -> None:
        """Then the range does as well, once what came is given out."""
        blob = self.open()
        start, end = 2 * MIB, 3 * MIB
        blob.expect(start, end)
        reading = self.take(blob, start, end)
        self.side(start, end).send(1000)
        self.upstream.bodies[0].break_off()
        self.failureResultOf(reading, UpstreamOutage)
        self.now(blob.close())

    def test_wrong_content(self) -> None:
        """A blob that turns out to be another one fails its ranges."""
        self.big = Digest.of(b"something else")
        self.upstream.blobs["library/redis", self.big] = BIG
        blob = self.open()
        start, end = 2 * MIB, len(BIG)
        blob.expect(start, end)
        reading = self.take(blob, start, end)
        self.side(start, end - HELD_BACK).finish()
        self.upstream.bodies[0].finish()
        self.failureResultOf(reading, UpstreamOutage)
        self.now(blob.close())

    def test_a_copy(self) -> None:
        """What is here is read from here."""
        blob = self.open()
        self.upstream.bodies[0].finish()
        self.now(blob.close())
        copy = self.now(self.proxy.blob(REDIS, self.big))
        copy.expect(3 * MIB, 3 * MIB + 10)
        got = self.now(copy.read(3 * MIB, 10))
        self.assertEqual(got, BIG[3 * MIB : 3 * MIB + 10])
        self.now(copy.close())
        self.assertEqual(self.upstream.asked["blob"], 1)


class SiteTests(SiteCase):
    """What a client sees."""

    def test_a_range(self) -> None:
        """206 with its bytes, before the blob has come."""
        upstream = ScriptedUpstream()
        upstream.at_once = False
        digest = upstream.add_blob("team/app", BIG)
        site = self.make_site(self.house.proxy(upstream))
        start, end = 2 * MIB, 2 * MIB + 10
        exchange = FakeExchange(
            "GET",
            f"/v2/team/app/blobs/{digest}",
            {"Range": f"bytes={start}-{end - 1}"},
            user="alice",
        )
        answering = Deferred.fromCoroutine(site(exchange))
        upstream.bodies[1].finish()
        self.successResultOf(answering)
        self.assertEqual((exchange.status, exchange.sent), (206, BIG[start:end]))
        span = f"bytes {start}-{end - 1}/{len(BIG)}"
        self.assertEqual(exchange.headers["Content-Range"], span)
        upstream.bodies[0].finish()
