"""What an upstream has no more, and what it never had."""

from twisted.internet.defer import Deferred

from pullthrough.errors import (
    Miss,
    RegistryError,
    UpstreamBlocked,
    UpstreamLimited,
    UpstreamOutage,
)
from pullthrough.spec.freshness import Deleted, Freshness
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from tests.repository.test_proxied import APP, DAY, DENIED, LATEST, UNSURE, FreshCase
from tests.support.images import make_image


class DeletedTests(FreshCase):
    """A tag that the upstream has no more."""

    def lose(self) -> None:
        """It was pulled; now it is gone there."""
        self.pull()
        del self.upstream.tagged["team/app", "v1"]
        self.house.clock.advance(3601)
        self.questions()

    def test_keep(self) -> None:
        """The copy is served with a warning, as by Nexus (NEXUS-26642); the upstream
        is asked again only when the miss is forgotten."""
        self.lose()
        for _ in range(3):
            found = self.pull()
            self.assertEqual(found.body, self.image.manifest)
            self.assertEqual(found.provenance.source, Source.STALE)
            self.assertIn("which its upstream has no more", found.provenance.warning)
        self.assertEqual(self.questions(), (1, 0))
        self.house.clock.advance(600)
        self.pull()
        self.assertEqual(self.questions(), (1, 0))
        self.house.clock.advance(1000 * DAY)
        self.assertEqual(self.pull().provenance.source, Source.STALE)

    def test_it_comes_back(self) -> None:
        """Then it is fresh again."""
        self.lose()
        self.pull()
        self.move("v1", make_image(b"again"))
        self.house.clock.advance(600)
        self.assertEqual(self.pull().provenance.source, Source.MISS)
        self.assertEqual(self.pull().provenance.source, Source.HIT)

    def test_drop(self) -> None:
        """The tag is forgotten and a miss; the manifest stays under its digest."""
        self.proxy = self.make(Freshness(3600.0, deleted=Deleted.DROP))
        self.lose()
        for _ in range(2):
            self.fails(Miss)
        self.assertEqual(self.questions(), (1, 0))
        self.assertEqual(self.pull(self.image.digest).body, self.image.manifest)
        self.pull(LATEST)

    def test_only_when_that_is_certain(self) -> None:
        """A 401, a 403 or a web page drop nothing."""
        self.proxy = self.make(Freshness(3600.0, deleted=Deleted.DROP))
        self.lose()
        for self.upstream.failure in (UNSURE, DENIED):
            self.assertEqual(self.pull().provenance.source, Source.STALE)


class NegativeTests(FreshCase):
    """Known misses."""

    def test_a_plain_404(self) -> None:
        """It is told again for ten minutes without asking; tags and digests alike."""
        for reference in (Tag("none"), make_image(b"none").digest):
            self.fails(Miss, reference)
            self.house.clock.advance(599)
            self.assertIn("(known for a while)", self.fails(Miss, reference).detail)
            self.assertEqual(self.questions(), (0, 1))
            self.house.clock.advance(1)
            self.fails(Miss, reference)
            self.assertEqual(self.questions(), (0, 1))

    def test_nothing_else(self) -> None:
        """Neither 401 nor 403, 429, 5xx nor being blocked is remembered (I15)."""
        failures: tuple[RegistryError, ...] = (
            UNSURE,
            DENIED,
            UpstreamLimited("429"),
            UpstreamOutage("503"),
            UpstreamBlocked("blocked", by_hand=True),
        )
        for failure in failures:
            self.upstream.failure = failure
            for _ in range(2):
                self.fails(RegistryError)
            self.assertEqual(self.questions(), (0, 2), failure)
        self.upstream.failure = None
        self.pull()

    def test_a_positive_clears_it(self) -> None:
        """A digest that was missing, and that a tag then stands for, is there."""
        other = make_image(b"second")
        self.fails(Miss, other.digest)
        self.move("v1", other)
        self.pull()
        self.assertEqual(self.pull(other.digest).body, other.manifest)

    def test_a_blob_is_no_manifest(self) -> None:
        """That a digest is no manifest tells nothing about a blob, nor the reverse:
        containerd asks for a digest as a manifest first, and then as a blob."""
        layer = self.upstream.add_blob("team/app", b"first")
        self.fails(Miss, layer)
        blob = self.now(self.proxy.blob(APP, layer))
        self.assertEqual(blob.size, 5)
        self.now(blob.close())
        size = Deferred.fromCoroutine(self.proxy.blob_size(APP, self.image.digest))
        self.failureResultOf(size, Miss)
        self.assertEqual(self.pull(self.image.digest).body, self.image.manifest)


class SwitchedOffTests(FreshCase):
    """negative_cache_enabled = no."""

    time_to_live = 0.0

    def test_each_time(self) -> None:
        """The upstream is asked each time."""
        for _ in range(3):
            self.fails(Miss, Tag("none"))
        self.assertEqual(self.questions(), (0, 3))
