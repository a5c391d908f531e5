"""When a proxy asks its upstream about a tag, and what it serves meanwhile."""

from collections.abc import Coroutine
from dataclasses import replace
from math import inf
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import (
    Miss,
    Outage,
    Refused,
    UpstreamBlocked,
    UpstreamLimited,
    UpstreamOutage,
)
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.freshness import Freshness
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Reference, Tag
from pullthrough.upstream.nobody import NobodyUpstream
from pullthrough.values import Manifest, UpstreamHead, UpstreamManifest
from pullthrough.waiters import Waiters
from tests.support.house import House
from tests.support.images import MadeImage, make_image
from tests.support.upstream import ScriptedUpstream

T = TypeVar("T")

APP = ImageName("team/app")
V1 = Tag("v1")
LATEST = Tag("latest")
DAY = 86400.0

#: A miss as a registry tells it, and one that nobody should remember.
GONE = Miss(ErrorCode.MANIFEST_UNKNOWN, "the upstream does not have it")
UNSURE = Miss(ErrorCode.MANIFEST_UNKNOWN, "wants other credentials", certain=False)
DENIED = Refused(ErrorCode.DENIED, "the upstream denies it (403)")


class SlowUpstream(ScriptedUpstream):
    """Answers about manifests only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.free = True
        self.waiters = Waiters()

    def let(self) -> None:
        """Answer all who wait."""
        self.free = True
        self.waiters.wake()

    async def head(self, image: ImageName, reference: Reference) -> UpstreamHead | None:
        """When it is let."""
        self.asked["begun"] += 1
        await self.waiters.until(lambda: self.free)
        return await super().head(image, reference)

    async def manifest(
        self, image: ImageName, reference: Reference
    ) -> UpstreamManifest:
        """When it is let."""
        self.asked["begun"] += 1
        await self.waiters.until(lambda: self.free)
        return await super().manifest(image, reference)


class FreshCase(SynchronousTestCase):
    """A proxy of an upstream that has one image under two tags."""

    freshness = Freshness(3600.0)
    time_to_live = 600.0

    def setUp(self) -> None:
        self.house = House()
        self.upstream = SlowUpstream()
        self.image = make_image(b"first")
        for tag in ("v1", "latest"):
            self.move(tag, self.image)
        self.proxy = self.make(self.freshness)

    def make(self, freshness: Freshness) -> Any:
        """Another proxy of the upstream."""
        return self.house.proxy(
            self.upstream, freshness=freshness, time_to_live=self.time_to_live
        )

    def move(self, tag: str, image: MadeImage) -> None:
        """The upstream's tag stands for this."""
        self.upstream.add("team/app", tag, image.media_type, image.manifest)

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def pull(self, reference: Reference = V1) -> Manifest:
        """Pull a manifest that must come."""
        found: Manifest = self.now(self.proxy.manifest(APP, reference))
        return found

    def fails(self, error: type[Exception], reference: Reference = V1) -> Any:
        """Pull a manifest that must not come."""
        pulling = Deferred.fromCoroutine(self.proxy.manifest(APP, reference))
        return self.failureResultOf(pulling, error).value

    def questions(self) -> tuple[int, int]:
        """How many HEAD and GET of manifests there were since the last time."""
        asked = self.upstream.asked
        return asked.pop("head", 0), asked.pop("manifest", 0)


class FreshnessTests(FreshCase):
    """When the upstream is asked."""

    def test_not_while_it_is_fresh(self) -> None:
        """One GET; then nothing for nine tenths of its age at least."""
        self.assertEqual(self.pull().provenance.source, Source.MISS)
        self.assertEqual(self.questions(), (0, 1))
        self.house.clock.advance(3600 * 0.89)
        self.assertEqual(self.pull().provenance.source, Source.HIT)
        self.assertEqual(self.questions(), (0, 0))

    def test_head_when_it_is_stale(self) -> None:
        """A HEAD, no GET, and it is fresh again from now on."""
        self.pull()
        self.house.clock.advance(3601)
        self.questions()
        found = self.pull()
        self.assertEqual(
            (found.provenance.source, found.provenance.warning), (Source.HIT, "")
        )
        self.assertEqual(self.questions(), (1, 0))
        self.house.clock.advance(3000)
        self.pull()
        self.assertEqual(self.questions(), (0, 0))

    def test_get_only_when_it_has_moved(self) -> None:
        """Another digest by HEAD: the new manifest is fetched, the old one kept."""
        self.pull()
        other = make_image(b"second")
        self.move("v1", other)
        self.house.clock.advance(3601)
        self.questions()
        found = self.pull()
        self.assertEqual(
            (found.body, found.provenance.source), (other.manifest, Source.MISS)
        )
        self.assertEqual(self.questions(), (1, 1))
        self.assertEqual(self.pull(self.image.digest).body, self.image.manifest)
        self.assertEqual(self.pull().provenance.source, Source.HIT)
        self.assertEqual(self.questions(), (0, 0))

    def test_a_head_that_tells_nothing(self) -> None:
        """The manifest is fetched, even if it is the same."""

        class Mute(ScriptedUpstream):
            async def head(self, image: ImageName, reference: Reference) -> None:
                self._ask("head")

        self.upstream.__class__ = type("MuteUpstream", (Mute, SlowUpstream), {})
        self.pull()
        self.house.clock.advance(3601)
        self.questions()
        self.assertEqual(self.pull().body, self.image.manifest)
        self.assertEqual(self.questions(), (1, 1))
        self.pull()
        self.assertEqual(self.questions(), (0, 0))

    def test_digests_are_never_asked_again(self) -> None:
        """What a digest names cannot change: years later, by GET and by HEAD."""
        self.pull()
        self.questions()
        self.house.clock.advance(10 * 365 * DAY)
        self.assertEqual(self.pull(self.image.digest).provenance.source, Source.HIT)
        self.now(self.proxy.resolve(APP, self.image.digest))
        self.assertEqual(self.questions(), (0, 0))

    def test_a_resolve_is_a_question_too(self) -> None:
        """A HEAD of a client follows the same rules, and fetches what is not here."""
        resolved = self.now(self.proxy.resolve(APP, V1))
        self.assertEqual(resolved.descriptor.digest, self.image.digest)
        self.assertEqual(self.questions(), (0, 1))
        self.house.clock.advance(3601)
        self.now(self.proxy.resolve(APP, V1))
        self.assertEqual(self.questions(), (1, 0))

    def test_ages_of_tags(self) -> None:
        """A pattern has an age of its own; always asks each time, never no more."""
        self.proxy = self.make(
            Freshness(3600.0, tag_ages=(("latest", 60.0), ("v*", inf)))
        )
        for tag in (LATEST, V1):
            self.pull(tag)
        self.questions()
        self.house.clock.advance(61)
        for tag, expected in ((V1, (0, 0)), (LATEST, (1, 0))):
            self.pull(tag)
            self.assertEqual(self.questions(), expected)
        self.house.clock.advance(1000 * DAY)
        self.pull(V1)
        self.assertEqual(self.questions(), (0, 0))
        self.proxy = self.make(Freshness(0.0))
        self.pull(V1)
        self.questions()
        for _ in range(3):
            self.pull(V1)
        self.assertEqual(self.questions(), (3, 0))


class StaleTests(FreshCase):
    """While the upstream cannot tell."""

    def test_up_to_an_age(self) -> None:
        """A copy is served, and says so, for seven days; then the truth is told."""
        self.pull()
        for failure in (
            UpstreamOutage("down"),
            UpstreamLimited("limits us", 30.0),
            UpstreamBlocked("keeps failing", 40.0),
            DENIED,
            UNSURE,
        ):
            self.upstream.failure = failure
            self.house.clock.rightNow = 1_000_000 + 7 * DAY
            stale = self.pull()
            self.assertEqual(stale.provenance.source, Source.STALE)
            self.assertIn(
                "hub serves its copy of team/app:v1", stale.provenance.warning
            )
            self.assertIn(failure.detail, stale.provenance.warning)
            self.house.clock.advance(1)
            kind = Miss if isinstance(failure, Refused) else type(failure)
            self.assertEqual(self.fails(kind).detail, failure.detail)

    def test_the_age_counts_from_the_last_answer(self) -> None:
        """Not from when the copy was fetched."""
        self.pull()
        self.house.clock.advance(5 * DAY)
        self.pull()
        self.upstream.failure = UpstreamOutage("down")
        self.house.clock.advance(5 * DAY)
        self.assertEqual(self.pull().provenance.source, Source.STALE)

    def test_digests_are_never_stale(self) -> None:
        """They need no upstream."""
        self.pull()
        self.upstream.failure = UpstreamOutage("down")
        self.house.clock.advance(100 * DAY)
        found = self.pull(self.image.digest).provenance
        self.assertEqual((found.source, found.warning), (Source.HIT, ""))

    def test_blocked_by_hand(self) -> None:
        """Who has switched the upstream off wants copies of any age; without one it is
        an outage, not a miss."""
        self.pull()
        self.upstream.failure = UpstreamBlocked("blocked = yes", by_hand=True)
        self.house.clock.advance(1000 * DAY)
        found = self.pull()
        self.assertEqual(found.body, self.image.manifest)
        self.assertIn("blocked = yes", found.provenance.warning)
        self.fails(UpstreamBlocked, LATEST)

    def test_nobody_to_ask(self) -> None:
        """The upstream that dials nothing behaves so."""
        proxy: Any = self.house.proxy(NobodyUpstream("offline"))  # type: ignore[arg-type]
        pulling = Deferred.fromCoroutine(proxy.manifest(APP, V1))
        self.assertTrue(self.failureResultOf(pulling, UpstreamBlocked).value.by_hand)

    def test_no_copy_in_between(self) -> None:
        """When the new manifest cannot be fetched, the old one is served."""

        class Half(SlowUpstream):
            async def manifest(self, image: ImageName, reference: Reference) -> Any:
                raise UpstreamOutage("broke off")

        self.pull()
        self.move("v1", make_image(b"second"))
        self.house.clock.advance(3601)
        self.upstream.__class__ = Half
        found = self.pull()
        self.assertEqual(
            (found.body, found.provenance.source), (self.image.manifest, Source.STALE)
        )


class TogetherTests(FreshCase):
    """Many who ask at once."""

    def begin(self, count: int) -> "list[Deferred[Manifest]]":
        """So many pulls, which wait."""
        self.upstream.free = False
        self.upstream.asked.clear()
        pulls = [
            Deferred.fromCoroutine(self.proxy.manifest(APP, V1)) for _ in range(count)
        ]
        self.assertEqual(self.upstream.asked["begun"], 1)
        return pulls

    def test_one_get(self) -> None:
        """A hundred first pulls are one question."""
        pulls = self.begin(100)
        self.upstream.let()
        for pull in pulls:
            self.assertEqual(self.successResultOf(pull).body, self.image.manifest)
        self.assertEqual(self.questions(), (0, 1))

    def test_one_head(self) -> None:
        """And so are a hundred revalidations; one that leaves ends it for nobody."""
        self.pull()
        self.house.clock.advance(3601)
        pulls = self.begin(100)
        leaving = pulls.pop(0)
        leaving.addErrback(lambda _: None)
        leaving.cancel()
        self.upstream.let()
        for pull in pulls:
            self.successResultOf(pull)
        self.assertEqual(self.questions(), (1, 0))

    def test_an_error_is_shared_once(self) -> None:
        """The next to come asks anew."""
        pulls = self.begin(10)
        self.upstream.failure = UpstreamOutage("down")
        self.upstream.let()
        for pull in pulls:
            self.failureResultOf(pull, Outage)
        self.assertEqual(self.questions(), (0, 1))
        self.upstream.failure = None
        self.pull()


class ChainTests(FreshCase):
    """An upstream that is a proxy itself, and cannot confirm what it serves."""

    def doubt(self, warning: str) -> None:
        """It says so."""
        for key, found in self.upstream.manifests.items():
            self.upstream.manifests[key] = replace(found, warning=warning)

    def test_not_confirmed(self) -> None:
        """The copy is as old as it was, and says so (invariant I14)."""
        self.pull()
        self.doubt("middle serves its copy")
        for _ in range(2):
            self.house.clock.advance(3 * DAY)
            found = self.pull()
            self.assertEqual(found.provenance.source, Source.STALE)
            self.assertIn("middle serves its copy", found.provenance.warning)
        self.house.clock.advance(2 * DAY)
        self.failureResultOf(
            Deferred.fromCoroutine(self.proxy.manifest(APP, V1)), UpstreamOutage
        )
        self.doubt("")
        self.assertEqual(self.pull().provenance.source, Source.HIT)

    def test_fetched_so(self) -> None:
        """What comes like that is old at once; by digest there is nothing to doubt."""
        self.doubt("middle serves its copy")
        found = self.pull()
        self.assertEqual(found.provenance.warning, "middle serves its copy")
        self.assertEqual(self.pull(self.image.digest).provenance.warning, "")
        self.doubt("")
        self.assertEqual(self.pull().provenance.source, Source.HIT)
        self.assertEqual(self.upstream.asked["head"], 1)
