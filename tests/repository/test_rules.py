"""Routing rules, searches and switched-off upstreams, in a proxy and in a group."""

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pullthrough.errors import (
    Miss,
    Offline,
    RegistryError,
    RuledOut,
    UpstreamBlocked,
    UpstreamOutage,
)
from pullthrough.interfaces import ISearchIndex
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.offline import OfflineRepository
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.reference import Tag
from pullthrough.spec.routing import Mode, RoutingRule
from pullthrough.web.failures import tell
from tests.support.house import House
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream

APP, SECRET = ImageName("team/app"), ImageName("secret/app")
V1 = Tag("v1")
IMAGE = make_image(b"a layer")
RULE = RoutingRule("only-team", Mode.ALLOW, ("team/*", "library/*"))


@implementer(ISearchIndex)
class Index:
    """An index that answers what the test says."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.failure: RegistryError | None = None
        self.asked: list[tuple[str, int]] = []

    async def search(self, term: str, limit: int) -> Sequence[ImageName]:
        """See :meth:`ISearchIndex.search`."""
        self.asked.append((term, limit))
        if self.failure is not None:
            raise self.failure
        return [ImageName(name) for name in self.names]


class RulesCase(SynchronousTestCase):
    """An upstream with the same image under several names."""

    def setUp(self) -> None:
        self.house = House()
        self.upstream = self.make_upstream("team/app", "secret/app", "library/redis")

    def make_upstream(self, *names: str) -> ScriptedUpstream:
        """An upstream that has these."""
        upstream = ScriptedUpstream()
        for name in names:
            upstream.add(name, "v1", IMAGE.media_type, IMAGE.manifest)
            for content in IMAGE.blobs.values():
                upstream.add_blob(name, content)
        return upstream

    def now(self, coroutine: Any) -> Any:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def fails(self, coroutine: Any, error: type[Exception]) -> Any:
        """The error, which must be there at once."""
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), error).value


class ProxyTests(RulesCase):
    """One proxy with a rule."""

    def everything(self, proxy: Any, image: ImageName) -> list[Any]:
        """All that can be asked of an image of the upstream's."""
        layer = next(iter(IMAGE.blobs))
        return [
            proxy.resolve(image, V1),
            proxy.manifest(image, V1),
            proxy.manifest(image, IMAGE.digest),
            proxy.blob(image, layer),
            proxy.blob_size(image, layer),
            proxy.tags(image, Page()),
            proxy.referrers(image, IMAGE.digest),
        ]

    def test_what_it_refuses(self) -> None:
        """Whatever is asked: 403 DENIED with the rule's name, and nobody is asked."""
        proxy = self.house.proxy(self.upstream, rule=RULE)
        for asking in self.everything(proxy, SECRET):
            error = self.fails(asking, RuledOut)
            self.assertEqual(error.code, ErrorCode.DENIED)
            self.assertIn("routing rule only-team refuses secret/app", error.detail)
            self.assertIn("in hub", error.detail)
            self.assertEqual(tell(error).status, 403)
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_what_it_lets_through(self) -> None:
        """The rest is served as without a rule."""
        proxy = self.house.proxy(self.upstream, rule=RULE)
        for asking in self.everything(proxy, APP):
            self.now(asking)

    def test_copies_are_not_given_out_either(self) -> None:
        """What was fetched before the rule came is refused as well, and nobody is told
        that it is here."""
        upstream, layer = self.upstream, next(iter(IMAGE.blobs))
        before = self.house.proxy(upstream)
        self.now(before.manifest(SECRET, V1))
        self.assertTrue(self.now(before.links(SECRET, layer)))
        self.assertIsNotNone(self.now(before.holds(SECRET, IMAGE.digest)))
        before._rule = RULE
        self.fails(before.manifest(SECRET, V1), RuledOut)
        self.assertIsNone(self.now(before.holds(SECRET, IMAGE.digest)))
        self.assertFalse(self.now(before.links(SECRET, layer)))
        self.assertEqual(self.now(before.search("app", 10)).names, ())

    def test_by_the_upstreams_name(self) -> None:
        """A one-part name is library/NAME before the rule looks at it."""
        proxy = self.house.proxy(self.upstream, rule=RULE, library=True)
        self.now(proxy.manifest(ImageName("redis"), V1))
        self.fails(proxy.manifest(ImageName("app"), V1), Miss)

    def test_tags(self) -> None:
        """A rule may name tags; the image's list is then not refused."""
        rule = RoutingRule("no-latest", Mode.BLOCK, tags=("latest",))
        proxy = self.house.proxy(self.upstream, rule=rule)
        self.now(proxy.manifest(APP, V1))
        self.now(proxy.tags(APP, Page()))
        error = self.fails(proxy.manifest(APP, Tag("latest")), RuledOut)
        self.assertIn("refuses team/app latest", error.detail)


class GroupTests(RulesCase):
    """Several proxies, some with a rule."""

    def setUp(self) -> None:
        super().setUp()
        self.ruled = self.house.proxy(self.upstream, rule=RULE)
        self.second = self.make_upstream("secret/app")
        self.open = self.house.proxy(self.second, name="second")
        self.hosted = self.house.hosted()

    def test_the_next_member_is_asked(self) -> None:
        """A rule passes the question on; the answer is the next member's."""
        group = GroupRepository("all", [self.hosted, self.ruled, self.open])
        found = self.now(group.manifest(SECRET, V1))
        self.assertEqual(found.provenance.member, "second")
        self.assertEqual(sum(self.upstream.asked.values()), 0)
        self.assertEqual(self.now(group.tags(SECRET, Page())).names, ("v1",))

    def test_at_the_end(self) -> None:
        """If nobody was allowed to ask, it is 403 with the rule's name."""
        group = GroupRepository("all", [self.hosted, self.ruled])
        for asking in (
            group.manifest(SECRET, V1),
            group.resolve(SECRET, V1),
            group.manifest(SECRET, IMAGE.digest),
            group.blob(SECRET, next(iter(IMAGE.blobs))),
            group.tags(SECRET, Page()),
        ):
            error = self.fails(asking, RuledOut)
            self.assertIn("only-team", error.detail)
        self.assertEqual(self.now(group.referrers(SECRET, IMAGE.digest)).records, ())

    def test_others_count_more(self) -> None:
        """A miss or an outage of a member that was allowed to ask is the reason."""
        group = GroupRepository("all", [self.ruled, self.open])
        self.fails(group.manifest(SECRET, Tag("none")), Miss)
        self.second.failure = UpstreamOutage("down")
        self.fails(group.manifest(SECRET, Tag("v2")), UpstreamOutage)

    def test_a_member_that_is_switched_off(self) -> None:
        """A proxy that asks nobody lets the next one answer; then it is the reason. One
        that is off is no member, but what a hosted one owns is nobody else's."""
        self.upstream.failure = UpstreamBlocked("blocked = yes", by_hand=True)
        blocked = self.house.proxy(self.upstream, name="blocked")
        group = GroupRepository("all", [blocked, self.open])
        self.now(group.manifest(SECRET, V1))
        self.fails(group.manifest(APP, V1), UpstreamBlocked)

        async def secret(image: ImageName) -> bool:
            return image == SECRET

        for kind in ("proxy", "hosted"):
            group = GroupRepository("all", [OfflineRepository("off", kind), self.open])
            self.now(group.manifest(SECRET, V1))
        off = OfflineRepository("off", "hosted", secret)
        group = GroupRepository("all", [off, self.open])
        self.fails(group.manifest(SECRET, V1), Offline)


class SearchTests(RulesCase):
    """docker search."""

    def search(self, repository: Any, limit: int = 10) -> list[str]:
        """The names that are found."""
        return [*self.now(repository.search("app", limit)).names]

    def test_index_and_copies(self) -> None:
        """Both are searched; each once, in order, and no more than was wanted."""
        index = Index("z/app", "a/app", "team/app")
        proxy = self.house.proxy(self.upstream, index=index)
        self.now(proxy.manifest(APP, V1))
        self.assertEqual(self.search(proxy), ["a/app", "team/app", "z/app"])
        self.assertEqual(self.search(proxy, 2), ["a/app", "team/app"])
        self.assertEqual(index.asked, [("app", 10), ("app", 2)])

    def test_an_index_that_fails(self) -> None:
        """The copies are found all the same."""
        index = Index()
        proxy = self.house.proxy(self.upstream, index=index)
        self.now(proxy.manifest(APP, V1))
        for index.failure in (
            UpstreamOutage("down"),
            Miss(ErrorCode.UNSUPPORTED, "404"),
            RuledOut("x"),
        ):
            self.assertEqual(self.search(proxy), ["team/app"])

    def test_without_an_index(self) -> None:
        """The copies alone."""
        proxy = self.house.proxy(self.upstream)
        self.assertEqual(self.search(proxy), [])
        self.now(proxy.manifest(APP, V1))
        self.assertEqual(self.search(proxy), ["team/app"])

    def test_rules(self) -> None:
        """What may not be pulled is not found; nor what is no name with library/."""
        index = Index("team/app", "secret/app", "app", "a" * 250)
        proxy = self.house.proxy(self.upstream, index=index, rule=RULE, library=True)
        self.assertEqual(self.search(proxy), ["app", "team/app"])

    def test_a_group(self) -> None:
        """All members are searched; each name once, in order."""
        one = self.house.proxy(self.upstream, index=Index("b/app", "c/app"))
        two = self.house.proxy(self.upstream, name="two", index=Index("a/app", "b/app"))
        group = GroupRepository("all", [self.house.hosted(), one, two])
        self.assertEqual(self.search(group), ["a/app", "b/app", "c/app"])
        self.assertEqual(self.search(group, 1), ["a/app"])

    def test_who_cannot_tell(self) -> None:
        """It is named in a warning, in a group too; who is off is passed over."""
        index = Index()
        index.failure = UpstreamOutage("index is down")
        proxy = self.house.proxy(self.upstream, index=index)
        self.now(proxy.manifest(APP, V1))
        off = OfflineRepository("off", "proxy")
        for one in (proxy, GroupRepository("all", [off, proxy])):
            found = self.now(one.search("app", 10))
            self.assertEqual(found.names, ("team/app",))
            self.assertIn("index is down", found.warning)


class TagListTests(RulesCase):
    """The tags of a proxied image."""

    def test_the_upstreams_and_ours(self) -> None:
        """Both, each once; ours with a warning while the upstream cannot tell."""
        proxy = self.house.proxy(self.upstream)
        self.now(proxy.manifest(APP, V1))
        del self.upstream.tagged["team/app", "v1"]
        self.upstream.add("team/app", "v2", IMAGE.media_type, IMAGE.manifest)
        listed = self.now(proxy.tags(APP, Page()))
        self.assertEqual((listed.names, listed.warning), (("v1", "v2"), ""))
        self.upstream.failure = UpstreamOutage("down")
        listed = self.now(proxy.tags(APP, Page()))
        self.assertEqual(listed.names, ("v1",))
        self.assertIn("hub lists its copies of team/app: down", listed.warning)
        self.assertEqual(self.now(proxy.tags(APP, Page(5, "v1"))).names, ())

    def test_without_copies(self) -> None:
        """What the upstream says is told; a denial is a miss."""
        proxy = self.house.proxy(self.upstream)
        self.fails(proxy.tags(ImageName("none"), Page()), Miss)
        self.upstream.failure = RuledOut("403")
        self.assertFalse(self.fails(proxy.tags(APP, Page()), Miss).certain)
