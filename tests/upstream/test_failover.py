"""Several URLs of one registry."""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.errors import (
    Miss,
    Overload,
    Refused,
    RegistryError,
    UpstreamBlocked,
    UpstreamLimited,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.interfaces import IUpstream
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.reference import Tag
from pullthrough.upstream.failover import FailoverUpstream
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream

APP = ImageName("team/app")
V1 = Tag("v1")
LAYER = b"a layer"


class FailoverCase(SynchronousTestCase):
    """Two upstreams with the same image."""

    def setUp(self) -> None:
        self.image = make_image(LAYER)
        self.first, self.second = ScriptedUpstream(), ScriptedUpstream()
        for one in (self.first, self.second):
            one.add("team/app", "v1", self.image.media_type, self.image.manifest)
            one.add_blob("team/app", LAYER)
            one.referring = ()
        self.upstream = FailoverUpstream([self.first, self.second])

    def asks(self) -> dict[str, Callable[[], Awaitable[Any]]]:
        """Everything that can be asked."""
        upstream, layer = self.upstream, Digest.of(LAYER)
        return {
            "head": lambda: upstream.head(APP, V1),
            "manifest": lambda: upstream.manifest(APP, V1),
            "blob": lambda: upstream.blob(APP, layer, 3),
            "blob_size": lambda: upstream.blob_size(APP, layer),
            "tags": lambda: upstream.tags(APP, Page()),
            "referrers": lambda: upstream.referrers(APP, self.image.digest),
        }

    def outcome(self, ask: Callable[[], Awaitable[Any]]) -> Any:
        """The result, or the error."""
        found: list[Any] = []

        async def asking() -> None:
            try:
                found.append(await ask())
            except RegistryError as error:
                found.append(error)

        self.successResultOf(Deferred.fromCoroutine(asking()))
        return found[0]


class FailoverTests(FailoverCase):
    """Who is asked."""

    def test_interface(self) -> None:
        """It is an upstream itself."""
        self.assertTrue(verifyObject(IUpstream, self.upstream))

    def test_the_first_alone(self) -> None:
        """While it answers, nobody else is asked."""
        for name, ask in self.asks().items():
            self.assertNotIsInstance(self.outcome(ask), RegistryError)
            self.assertEqual(self.first.asked[name], 1)
        self.assertEqual(sum(self.second.asked.values()), 0)

    def test_the_next_after_an_outage(self) -> None:
        """Whatever the outage is, and whatever is asked."""
        for failure in (
            UpstreamOutage("down"),
            UpstreamTimeout("silent"),
            UpstreamLimited("limited"),
            UpstreamBlocked("blocked"),
            Overload("busy"),
        ):
            self.first.failure = failure
            for name, ask in self.asks().items():
                before = self.second.asked[name]
                self.assertNotIsInstance(self.outcome(ask), RegistryError)
                self.assertEqual(self.second.asked[name], before + 1)
        self.assertEqual(self.second.bodies[0].offset, 3)

    def test_a_miss_is_an_answer(self) -> None:
        """And so is a denial: the next is not asked."""
        for failure in (
            Miss(ErrorCode.MANIFEST_UNKNOWN, "404"),
            Miss(ErrorCode.MANIFEST_UNKNOWN, "401", certain=False),
            Refused(ErrorCode.DENIED, "403"),
        ):
            self.first.failure = failure
            for ask in self.asks().values():
                self.assertIs(self.outcome(ask), failure)
        self.assertEqual(sum(self.second.asked.values()), 0)

    def test_a_miss_of_the_next_is_one_too(self) -> None:
        """The registry's content is the same at each URL."""
        self.first.failure = UpstreamOutage("down")
        self.second.failure = Miss(ErrorCode.MANIFEST_UNKNOWN, "404")
        for ask in self.asks().values():
            self.assertIs(self.outcome(ask), self.second.failure)

    def test_nobody_can_tell(self) -> None:
        """The outage of the first is told: it is the one that was meant."""
        self.first.failure = UpstreamOutage("the first is down")
        self.second.failure = UpstreamLimited("the second limits us")
        for ask in self.asks().values():
            self.assertIs(self.outcome(ask), self.first.failure)
