"""The proxy repository: fetched once, then our own."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Miss, Refused, StorageOutage, UpstreamOutage
from pullthrough.interfaces import IContent
from pullthrough.spec import mediatypes
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from pullthrough.values import UpstreamManifest
from tests.spec.test_manifest import signed
from tests.support.house import House
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream

T = TypeVar("T")

REDIS = ImageName("library/redis")
OTHER = ImageName("library/other")
LATEST = Tag("latest")
LAYER = bytes(range(256)) * 1024  # 256 KiB


async def whole(content: IContent) -> bytes:
    """All bytes of a content, then close it."""
    pieces = []
    offset = 0
    while offset < content.size:
        end = await content.available(offset)
        piece = await content.read(offset, end - offset)
        pieces.append(piece)
        offset += len(piece)
    await content.available(content.size)
    await content.close()
    return b"".join(pieces)


class ProxyCase(SynchronousTestCase):
    """One proxy of a scripted upstream that has one image."""

    def setUp(self) -> None:
        self.house = House()
        self.upstream = ScriptedUpstream()
        self.image = make_image(LAYER)
        self.upstream.add(
            "library/redis", "latest", self.image.media_type, self.image.manifest
        )
        for content in self.image.blobs.values():
            self.upstream.add_blob("library/redis", content)
        self.layer = Digest.of(LAYER)
        self.proxy = self.house.proxy(self.upstream, library=True)

    def tearDown(self) -> None:
        self.house.fills.close()
        self.assertEqual(self.house.clock.getDelayedCalls(), [])

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> "Deferred[T]":
        """Begin, perhaps without ending."""
        return Deferred.fromCoroutine(coroutine)

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(self.begin(coroutine))


class ManifestTests(ProxyCase):
    """Tags and manifests."""

    def test_fetched_once_then_served_with_the_upstream_down(self) -> None:
        """By tag, by digest and by HEAD, after one fetch."""
        first = self.now(self.proxy.manifest(REDIS, LATEST))
        self.assertEqual(first.body, self.image.manifest)
        self.assertEqual(first.provenance.source, Source.MISS)
        self.upstream.failure = UpstreamOutage("down")
        for reference in (LATEST, self.image.digest):
            again = self.now(self.proxy.manifest(REDIS, reference))
            self.assertEqual(again.body, self.image.manifest)
            self.assertEqual(again.provenance.source, Source.HIT)
            resolved = self.now(self.proxy.resolve(REDIS, reference))
            self.assertEqual(resolved.descriptor, first.descriptor)
        self.assertEqual(self.upstream.asked["manifest"], 1)

    def test_a_one_part_name_is_the_librarys(self) -> None:
        """``redis`` and ``library/redis`` are one image."""
        self.now(self.proxy.manifest(ImageName("redis"), LATEST))
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.assertEqual(self.upstream.asked["manifest"], 1)
        self.assertEqual(
            self.now(self.proxy.images(Page())), Names(("library/redis",), False)
        )

    def test_revalidated_by_head_when_old(self) -> None:
        """After max_age a HEAD confirms the copy, for as long again."""
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.house.clock.advance(3601)
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.assertEqual(self.upstream.asked["head"], 1)
        self.assertEqual(self.upstream.asked["manifest"], 1)

    def test_a_moved_tag_is_fetched(self) -> None:
        """When the HEAD shows another digest, the new manifest is fetched."""
        self.now(self.proxy.manifest(REDIS, LATEST))
        other = make_image(b"new")
        self.upstream.add("library/redis", "latest", other.media_type, other.manifest)
        self.house.clock.advance(3601)
        moved = self.now(self.proxy.manifest(REDIS, LATEST))
        self.assertEqual(moved.body, other.manifest)
        self.assertEqual(moved.provenance.source, Source.MISS)

    def test_stale_on_outage_says_so(self) -> None:
        """An old copy is served with a warning while the upstream fails."""
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.house.clock.advance(3601)
        for failure in (
            UpstreamOutage("down"),
            Refused(ErrorCode.DENIED, "403"),
            Miss(ErrorCode.MANIFEST_UNKNOWN, "401", certain=False),
        ):
            self.upstream.failure = failure
            stale = self.now(self.proxy.manifest(REDIS, LATEST))
            self.assertEqual(stale.body, self.image.manifest)
            self.assertEqual(stale.provenance.source, Source.STALE)
            self.assertIn(failure.detail, stale.provenance.warning)

    def test_without_a_copy_the_truth_is_told(self) -> None:
        """An outage is an outage, a miss a miss, a denial a miss."""
        self.upstream.failure = UpstreamOutage("down")
        self.failureResultOf(
            self.begin(self.proxy.manifest(REDIS, LATEST)), UpstreamOutage
        )
        self.upstream.failure = Refused(ErrorCode.DENIED, "403")
        self.failureResultOf(self.begin(self.proxy.manifest(REDIS, LATEST)), Miss)
        self.upstream.failure = None
        self.failureResultOf(self.begin(self.proxy.manifest(OTHER, LATEST)), Miss)

    def test_an_unusable_manifest_is_an_outage(self) -> None:
        """What is no manifest is neither stored nor served."""
        self.upstream.add("library/redis", "bad", self.image.media_type, b"<html>")
        self.failureResultOf(
            self.begin(self.proxy.manifest(REDIS, Tag("bad"))), UpstreamOutage
        )
        self.assertIsNone(self.now(self.house.metadata.tag(1, REDIS, Tag("bad"))))

    def test_lost_bytes_are_fetched_again(self) -> None:
        """When the store has lost a manifest, the upstream gives it again."""
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.now(self.house.store.delete(self.image.digest))
        again = self.now(self.proxy.manifest(REDIS, LATEST))
        self.assertEqual(again.body, self.image.manifest)

    def test_a_signed_schema_1_manifest(self) -> None:
        """Named by its payload, given out with the signature it came with."""
        text = b'{\n   "schemaVersion": 1,\n   "fsLayers": []\n}'
        body = signed(text)
        media_type = mediatypes.DOCKER_SCHEMA1_SIGNED
        digest = self.upstream.add("library/redis", "old", media_type, body)
        made = Descriptor(media_type, Digest.of(text), len(body))
        self.upstream.manifests["library/redis", digest] = UpstreamManifest(made, body)
        for _ in range(2):
            manifest = self.now(self.proxy.manifest(REDIS, Tag("old")))
            self.assertEqual(manifest.body, body)
            self.assertEqual(manifest.descriptor.digest, Digest.of(text))
        self.assertEqual(self.upstream.asked["manifest"], 1)

    def test_tags_from_the_upstream_or_the_copies(self) -> None:
        """The upstream lists its tags; while it fails, we list ours."""
        self.upstream.add(
            "library/redis", "7", self.image.media_type, self.image.manifest
        )
        self.now(self.proxy.manifest(REDIS, LATEST))
        listed = self.now(self.proxy.tags(REDIS, Page()))
        self.assertEqual(listed.names, ("7", "latest"))
        self.upstream.failure = UpstreamOutage("down")
        listed = self.now(self.proxy.tags(REDIS, Page()))
        self.assertEqual(listed.names, ("latest",))
        self.failureResultOf(self.begin(self.proxy.tags(OTHER, Page())), UpstreamOutage)


class BlobTests(ProxyCase):
    """Blobs, whole and while they come."""

    def test_fetched_once_then_served_with_the_upstream_down(self) -> None:
        """The second pull comes from the store."""
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertEqual(blob.provenance.source, Source.MISS)
        self.assertEqual(self.now(whole(blob)), LAYER)
        self.upstream.failure = UpstreamOutage("down")
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertEqual(blob.provenance.source, Source.HIT)
        self.assertEqual(self.now(whole(blob)), LAYER)
        size, _ = self.now(self.proxy.blob_size(REDIS, self.layer))
        self.assertEqual(size, len(LAYER))
        held = self.now(self.proxy.holds(REDIS, self.layer))
        self.assertEqual(held and held.size, len(LAYER))

    def test_another_image_must_ask_the_upstream(self) -> None:
        """Shared bytes grant nothing to an image that the upstream denies (I10)."""
        self.now(whole(self.now(self.proxy.blob(REDIS, self.layer))))
        self.failureResultOf(self.begin(self.proxy.blob(OTHER, self.layer)), Miss)
        self.assertIsNone(self.now(self.proxy.holds(OTHER, self.layer)))

    def test_many_readers_one_download(self) -> None:
        """Who comes later joins; a slow and a leaving reader change nothing."""
        self.upstream.at_once = False
        first = self.now(self.proxy.blob(REDIS, self.layer))
        body = self.upstream.bodies[0]
        body.send(100_000)
        second = self.now(self.proxy.blob(REDIS, self.layer))
        leaving = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertEqual(self.now(first.available(0)), 100_000)
        self.assertEqual(self.now(leaving.read(0, 10)), LAYER[:10])
        self.now(leaving.close())
        reading = self.begin(whole(second))
        self.assertNoResult(reading)
        body.finish()
        self.assertEqual(self.successResultOf(reading), LAYER)
        self.assertEqual(self.now(whole(first)), LAYER)
        self.assertEqual(self.upstream.asked["blob"], 1)

    def test_another_image_joins_when_the_upstream_has_it_too(self) -> None:
        """One download; both images have the blob afterwards."""
        self.upstream.add_blob("library/other", LAYER)
        self.upstream.at_once = False
        first = self.now(self.proxy.blob(REDIS, self.layer))
        second = self.now(self.proxy.blob(OTHER, self.layer))
        self.failureResultOf(self.begin(self.proxy.blob(ImageName("x"), self.layer)))
        self.upstream.bodies[0].finish()
        for blob in (first, second):
            self.assertEqual(self.now(whole(blob)), LAYER)
        for image in (REDIS, OTHER):
            self.assertIsNotNone(self.now(self.proxy.holds(image, self.layer)))
        self.assertEqual(self.upstream.asked["blob"], 1)

    def test_the_tail_is_held_back_until_verified(self) -> None:
        """Before the digest is verified nobody gets the last 64 KiB (I7)."""
        self.upstream.at_once = False
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        body = self.upstream.bodies[0]
        body.send(len(LAYER))
        self.assertEqual(self.now(blob.available(0)), len(LAYER) - 65536)
        waiting = self.begin(blob.available(len(LAYER) - 65536))
        self.assertNoResult(waiting)
        body.finish()
        self.assertEqual(self.successResultOf(waiting), len(LAYER))
        self.now(blob.close())

    def test_wrong_content_is_never_complete(self) -> None:
        """A wrong byte: no reader gets to the end, nothing is stored."""
        wrong = LAYER[:-1] + b"!"
        self.upstream.blobs["library/redis", self.layer] = wrong
        self.upstream.at_once = False
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        reading = self.begin(whole(blob))
        self.upstream.bodies[0].finish()
        self.failureResultOf(reading, UpstreamOutage)
        self.now(blob.close())
        self.assertIsNone(self.now(self.house.store.stat(self.layer)))
        self.assertIsNone(self.now(self.proxy.holds(REDIS, self.layer)))

    def test_a_size_other_than_the_manifests_is_refused_at_once(self) -> None:
        """The manifest has told the size."""
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.upstream.blobs["library/redis", self.layer] = LAYER + b"!"
        self.failureResultOf(
            self.begin(self.proxy.blob(REDIS, self.layer)), UpstreamOutage
        )

    def test_a_broken_upstream_is_resumed(self) -> None:
        """It is asked for the rest only; the hash goes on."""
        self.upstream.at_once = False
        reading = self.begin(whole(self.now(self.proxy.blob(REDIS, self.layer))))
        self.upstream.bodies[0].send(150_000)
        self.upstream.bodies[0].break_off()
        self.assertEqual(self.upstream.bodies[1].offset, 150_000)
        self.upstream.bodies[1].finish()
        self.assertEqual(self.successResultOf(reading), LAYER)

    def test_without_progress_it_is_given_up_and_kept(self) -> None:
        """What came so far serves the next pull."""
        self.upstream.at_once = False
        reading = self.begin(whole(self.now(self.proxy.blob(REDIS, self.layer))))
        self.upstream.bodies[0].send(150_000)
        self.upstream.bodies[0].break_off()
        self.upstream.bodies[1].break_off()
        self.failureResultOf(reading, UpstreamOutage)
        reading = self.begin(whole(self.now(self.proxy.blob(REDIS, self.layer))))
        self.assertEqual(self.upstream.bodies[2].offset, 150_000)
        self.upstream.bodies[2].finish()
        self.assertEqual(self.successResultOf(reading), LAYER)

    def test_what_is_kept_is_dropped_in_time(self) -> None:
        """After ten minutes the beginning is gone."""
        self.test_without_progress_it_is_given_up_and_kept()
        other = self.upstream.add_blob("library/redis", b"x" * 200_000)
        reading = self.begin(whole(self.now(self.proxy.blob(REDIS, other))))
        body = self.upstream.bodies[-1]
        body.send(100_000)
        body.break_off()
        self.upstream.bodies[-1].break_off()
        self.failureResultOf(reading, UpstreamOutage)
        self.house.clock.advance(601)
        self.begin(self.proxy.blob(REDIS, other))
        self.assertEqual(self.upstream.bodies[-1].offset, 0)
        self.upstream.bodies[-1].finish()

    def test_an_abandoned_small_fill_goes_on(self) -> None:
        """Nobody reads any more; the next client will be glad."""
        self.upstream.at_once = False
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.upstream.bodies[0].send(10)
        self.now(blob.close())
        self.upstream.bodies[0].finish()
        self.assertEqual(self.now(self.house.store.stat(self.layer)), len(LAYER))

    def test_an_abandoned_large_fill_stops_after_a_while(self) -> None:
        """Over 256 MiB and less than half done: 30 s of patience."""
        self.upstream.at_once = False
        begun = self.begin(self.proxy.blob(REDIS, self.layer))
        body = self.upstream.bodies[0]
        blob = self.successResultOf(begun)
        fill = self.house.fills.under_way(self.layer)
        assert fill is not None
        fill.size = 300 * 1024 * 1024
        self.now(blob.close())
        self.house.clock.advance(29)
        self.assertFalse(body.stopped)
        self.house.clock.advance(2)
        self.assertTrue(body.stopped)
        self.assertIsNone(self.house.fills.under_way(self.layer))

    def test_a_new_reader_saves_an_abandoned_fill(self) -> None:
        """The patience ends when somebody joins."""
        self.upstream.at_once = False
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        fill = self.house.fills.under_way(self.layer)
        assert fill is not None
        fill.size = 300 * 1024 * 1024
        self.now(blob.close())
        again = self.begin(self.proxy.blob(REDIS, self.layer))
        self.house.clock.advance(60)
        self.assertFalse(self.upstream.bodies[0].stopped)
        fill.size = len(LAYER)
        self.upstream.bodies[0].finish()
        self.now(self.successResultOf(again).close())

    def test_unknown_to_the_upstream(self) -> None:
        """A miss reaches every waiter, and leaves nothing behind."""
        digest = Digest.of(b"nobody has it")
        self.failureResultOf(self.begin(self.proxy.blob(REDIS, digest)), Miss)
        self.failureResultOf(self.begin(self.proxy.blob_size(REDIS, digest)), Miss)
        self.assertIsNone(self.house.fills.under_way(digest))

    def test_a_size_nobody_tells(self) -> None:
        """Then the blob is served once it is whole."""
        self.upstream.tells_size = False
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertEqual(self.now(whole(blob)), LAYER)

    def test_content_that_was_closed(self) -> None:
        """Reading on after close is a fault that shows."""
        self.upstream.at_once = False
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.now(blob.close())
        self.now(blob.close())
        self.failureResultOf(self.begin(blob.available(0)), StorageOutage)
        self.upstream.bodies[0].finish()
