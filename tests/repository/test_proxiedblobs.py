"""Blobs that the upstream does not have, denies, or tells little about."""

from typing import Any

from twisted.internet.defer import Deferred

from pullthrough.errors import Miss, Refused, StorageOutage, UpstreamOutage
from pullthrough.interfaces import IIngest
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.offline import OfflineRepository
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Source
from pullthrough.storage.memory import MemoryBlobStore
from tests.repository.test_proxy import LATEST, LAYER, OTHER, REDIS, ProxyCase, whole
from tests.support.house import House
from tests.support.upstream import ScriptedUpstream

NONE = Digest.of(b"none")


class ByGet(ScriptedUpstream):
    """Knows blobs by GET only, as Harbor does as a proxy of its own."""

    async def blob_size(self, image: ImageName, digest: Digest) -> int | None:
        """404."""
        self._ask("blob_size")
        raise Miss(ErrorCode.BLOB_UNKNOWN, "the upstream has no such blob")


class BlobCase(ProxyCase):
    """What may go wrong."""

    def fails(self, coroutine: Any, error: type[Exception]) -> Any:
        """The error, which must be there at once."""
        return self.failureResultOf(self.begin(coroutine), error).value

    def asked(self) -> tuple[int, int]:
        """How many HEAD and GET of blobs there were since the last time."""
        asked = self.upstream.asked
        return asked.pop("blob_size", 0), asked.pop("blob", 0)


class MissingTests(BlobCase):
    """Known misses of blobs."""

    def test_a_plain_404(self) -> None:
        """Of a GET: it is told again for a while, by GET and HEAD."""
        self.fails(self.proxy.blob(REDIS, NONE), Miss)
        self.assertEqual(self.asked(), (0, 1))
        for again in (self.proxy.blob, self.proxy.blob_size):
            error = self.fails(again(REDIS, NONE), Miss)
            self.assertIn("(known for a while)", error.detail)
            self.assertEqual(error.code, ErrorCode.BLOB_UNKNOWN)
        self.assertEqual(self.asked(), (0, 0))
        self.house.clock.advance(600)
        self.fails(self.proxy.blob(REDIS, NONE), Miss)
        self.assertEqual(self.asked(), (0, 1))

    def test_a_404_to_head(self) -> None:
        """It is not remembered: by GET the blob may be there (distribution#4747)."""
        self.upstream.__class__ = ByGet
        self.fails(self.proxy.blob_size(REDIS, self.layer), Miss)
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertTrue(self.now(whole(blob)) == LAYER)

    def test_what_a_manifest_names_is_asked_for(self) -> None:
        """A miss that was known before does not hide it."""
        layer = self.upstream.blobs.pop(("library/redis", self.layer))
        self.fails(self.proxy.blob(REDIS, self.layer), Miss)
        self.now(self.proxy.manifest(REDIS, LATEST))
        self.upstream.blobs["library/redis", self.layer] = layer
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertTrue(self.now(whole(blob)) == LAYER)

    def test_denied(self) -> None:
        """A 403 is a miss for clients, and nothing to remember."""
        self.upstream.failure = Refused(ErrorCode.DENIED, "403")
        for ask in (self.proxy.blob, self.proxy.blob_size):
            self.assertFalse(self.fails(ask(REDIS, self.layer), Miss).certain)
        self.upstream.failure = None
        size, _ = self.now(self.proxy.blob_size(REDIS, self.layer))
        self.assertEqual(size, len(LAYER))


class SizeTests(BlobCase):
    """HEAD of a blob."""

    def test_by_get(self) -> None:
        """A blob that a manifest names and HEAD does not know is asked for by GET;
        another one is a miss."""
        self.upstream.__class__ = ByGet
        self.fails(self.proxy.blob_size(REDIS, self.layer), Miss)
        self.now(self.proxy.manifest(REDIS, LATEST))
        size, provenance = self.now(self.proxy.blob_size(REDIS, self.layer))
        self.assertEqual((size, provenance.source), (len(LAYER), Source.MISS))
        self.assertTrue(self.upstream.bodies[0].stopped)

    def test_denied_by_get(self) -> None:
        """A miss."""

        class Denying(ByGet):
            async def blob(self, *args: Any, **more: Any) -> Any:
                raise Refused(ErrorCode.DENIED, "403")

        self.now(self.proxy.manifest(REDIS, LATEST))
        self.upstream.__class__ = Denying
        self.fails(self.proxy.blob_size(REDIS, self.layer), Miss)

    def test_not_told(self) -> None:
        """Neither by HEAD nor by GET: an outage."""
        self.upstream.tells_size = False
        self.fails(self.proxy.blob_size(REDIS, self.layer), UpstreamOutage)


class GroupTests(BlobCase):
    """Members that cannot tell what they hold."""

    def test_another_copy_is_as_good(self) -> None:
        """By digest an offline member does not matter while another one has a copy."""
        self.now(self.proxy.manifest(REDIS, LATEST))
        group = GroupRepository("all", [OfflineRepository("off", "hosted"), self.proxy])
        found = self.now(group.manifest(REDIS, self.image.digest))
        self.assertEqual(found.provenance.member, "hub")

    def test_referrers_of_a_hosted_member(self) -> None:
        """One that is off owns what it has: that there are none nobody can say."""

        async def everything(image: ImageName) -> bool:
            return True

        offline = OfflineRepository("off", "hosted", everything)
        group = GroupRepository("all", [self.proxy, offline])
        error = self.fails(group.referrers(REDIS, self.image.digest), Exception)
        self.assertIn("off is offline", error.detail)
        group = GroupRepository("all", [self.proxy, OfflineRepository("off", "hosted")])
        found = self.now(group.referrers(REDIS, self.image.digest))
        self.assertEqual(found.records, ())


class Failing(MemoryBlobStore):
    """Its ingests cannot commit, or take their time."""

    problem: Exception | None = None
    turn: Deferred[None] | None = None

    async def ingest(self, key: str, algorithm: str = "sha256") -> IIngest:
        """One that asks this store first."""
        store, ingest = self, await super().ingest(key, algorithm)
        real = ingest.commit

        async def commit(*args: Any, **more: Any) -> int:
            if store.turn is not None:
                await store.turn
            if store.problem is not None:
                raise store.problem
            return await real(*args, **more)

        ingest.commit = commit  # type: ignore[method-assign]
        return ingest


class EndTests(BlobCase):
    """The end of a fill: readers have what is verified, whether it lasts or not."""

    def setUp(self) -> None:
        super().setUp()
        self.store = Failing("failing")
        self.house = House(store=self.store)
        self.proxy = self.house.proxy(self.upstream, library=True)
        self.now(self.proxy.manifest(REDIS, LATEST))

    def test_nobody_waits_for_the_disk(self) -> None:
        """What is verified is given out before it is durable; whoever comes meanwhile
        gets the same, and the upstream is not asked again."""
        self.store.turn = Deferred()
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertTrue(self.now(whole(blob)) == LAYER)
        self.assertIsNone(self.now(self.store.stat(self.layer)))
        again = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertEqual(again.provenance.source, Source.HIT)
        size, _ = self.now(self.proxy.blob_size(REDIS, self.layer))
        self.assertEqual(size, len(LAYER))
        self.store.turn.callback(None)
        self.assertEqual(self.now(self.store.stat(self.layer)), len(LAYER))
        self.assertTrue(self.now(whole(again)) == LAYER)
        self.assertEqual(self.asked(), (0, 1))

    def test_what_cannot_be_kept(self) -> None:
        """Its readers still get all of it, and nothing of it stays."""
        self.store.turn = Deferred()
        self.store.problem = StorageOutage("the disk is full")
        blob = self.now(self.proxy.blob(REDIS, self.layer))
        self.now(blob.available(0))
        self.store.turn.callback(None)
        self.flushLoggedErrors()
        self.assertIsNone(self.house.fills.under_way(self.layer))
        self.assertTrue(self.now(whole(blob)) == LAYER)
        self.assertEqual(self.store.open_ingests, frozenset())
        self.store.problem = None
        again = self.now(self.proxy.blob(REDIS, self.layer))
        self.assertEqual(again.provenance.source, Source.MISS)
        self.assertTrue(self.now(whole(again)) == LAYER)

    def test_the_size_while_it_comes(self) -> None:
        """The fill knows it; another image has to have a right to it."""
        self.upstream.at_once = False
        reading = self.begin(self.proxy.blob(REDIS, self.layer))
        blob = self.successResultOf(reading)
        size, provenance = self.now(self.proxy.blob_size(REDIS, self.layer))
        self.assertEqual((size, provenance.source), (len(LAYER), Source.MISS))
        self.fails(self.proxy.blob_size(OTHER, self.layer), Miss)
        self.assertEqual(self.asked(), (1, 1))
        self.upstream.bodies[0].finish()
        self.assertTrue(self.now(whole(blob)) == LAYER)
