"""Groups: own images first, the proxies behind them, pushes into the house."""

from twisted.internet.defer import Deferred

from pullthrough.errors import Invalid, Miss, StorageOutage, UpstreamOutage
from pullthrough.interfaces import IRepository, IWritableRepository
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.writable import WritableGroup
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from tests.repository.test_hosted import APP, V1, HostedCase
from tests.repository.test_proxy import LATEST, REDIS, whole
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream


class GroupCase(HostedCase):
    """A group of one hosted and one proxy repository."""

    def setUp(self) -> None:
        super().setUp()
        self.upstream = ScriptedUpstream()
        self.theirs = make_image(b"their layer")
        self.upstream.add(
            "library/redis", "latest", self.theirs.media_type, self.theirs.manifest
        )
        for content in self.theirs.blobs.values():
            self.upstream.add_blob("library/redis", content)
        self.proxy = self.house.proxy(self.upstream, library=True)
        self.group = GroupRepository("all", [self.hosted, self.proxy])
        self.writable = WritableGroup(self.group, self.hosted)


class ReadingTests(GroupCase):
    """Which member answers."""

    def test_own_images_first(self) -> None:
        """A name that both have is ours; the upstream is not even asked."""
        ours = make_image(b"our layer")
        self.push(REDIS, LATEST, ours)
        manifest = self.now(self.group.manifest(REDIS, LATEST))
        self.assertEqual(manifest.body, ours.manifest)
        self.assertEqual(manifest.provenance.member, "own")
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_then_the_proxies(self) -> None:
        """What we do not have comes from the upstream."""
        manifest = self.now(self.group.manifest(REDIS, LATEST))
        self.assertEqual(manifest.body, self.theirs.manifest)
        self.assertEqual(manifest.provenance.member, "hub")
        resolved = self.now(self.group.resolve(REDIS, LATEST))
        self.assertEqual(resolved.provenance.source, Source.HIT)
        for digest, content in self.theirs.blobs.items():
            size, _ = self.now(self.group.blob_size(REDIS, digest))
            self.assertEqual(size, len(content))
            self.assertEqual(
                self.now(whole(self.now(self.group.blob(REDIS, digest)))), content
            )
            held = self.now(self.group.holds(REDIS, digest))
            self.assertEqual(held and held.size, len(content))
        self.assertIsNone(self.now(self.group.holds(REDIS, Digest.of(b"none"))))

    def test_nobody_has_it(self) -> None:
        """404 only when every member said no; 50x when one could not tell."""
        self.fails(self.group.manifest(APP, V1), Miss)
        self.upstream.failure = UpstreamOutage("down")
        self.fails(self.group.manifest(APP, V1), Miss)  # known for a while
        self.fails(self.group.manifest(APP, Tag("v2")), UpstreamOutage)

    def test_a_failing_hosted_member_ends_the_chain(self) -> None:
        """One cannot know what it holds: a stranger's image must not answer."""
        ours = make_image(b"our layer")
        self.push(REDIS, LATEST, ours)
        self.now(self.house.store.delete(ours.digest))
        self.fails(self.group.manifest(REDIS, LATEST), StorageOutage)
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_a_digest_from_whoever_has_it(self) -> None:
        """Copies come before any network, whatever the order of members."""
        turned = GroupRepository("turned", [self.proxy, self.hosted])
        ours = make_image(b"our layer")
        self.push(APP, V1, ours)
        manifest = self.now(turned.manifest(APP, ours.digest))
        self.assertEqual(manifest.provenance.member, "own")
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_a_group_in_a_group(self) -> None:
        """Its members stand in its place, each once."""
        outer = GroupRepository("outer", [self.hosted, self.writable])
        self.assertEqual([member.name for member in outer.members], ["own", "hub"])

    def test_lists_are_merged(self) -> None:
        """Tags and images of all members, each once, in order, paged."""
        self.push(REDIS, Tag("latest"), self.theirs)
        self.push(REDIS, Tag("own"), self.theirs)
        self.push(APP, V1, self.theirs)
        self.assertEqual(
            self.now(self.group.tags(REDIS, Page())), Names(("latest", "own"), False)
        )
        self.assertEqual(
            self.now(self.group.tags(REDIS, Page(1))), Names(("latest",), True)
        )
        self.assertEqual(
            self.now(self.group.images(Page(1))), Names(("library/redis",), True)
        )
        self.fails(self.group.tags(ImageName("none"), Page()), Miss)

    def test_what_it_provides(self) -> None:
        """Only a group with a writable member takes pushes."""
        self.assertTrue(IRepository.providedBy(self.group))
        self.assertFalse(IWritableRepository.providedBy(self.group))
        self.assertTrue(IWritableRepository.providedBy(self.writable))


class PushTests(GroupCase):
    """Pushes land in the hosted member."""

    def test_a_push_lands_in_the_hosted_member(self) -> None:
        """And nothing of it leaves the house."""
        made = make_image(b"our layer")
        for content in made.blobs.values():
            upload = self.now(self.writable.begin_upload(APP, "alice"))
            upload.write(content)
            self.now(upload.checkpoint())
            offset = self.writable.upload_offset(APP, upload.identifier, "alice")
            self.assertEqual(self.now(offset), len(content))
            again = self.now(self.writable.upload(APP, upload.identifier, "alice"))
            self.now(again.commit(Digest.of(content)))
        self.now(self.writable.put_manifest(APP, V1, made.media_type, made.manifest))
        manifest = self.now(self.hosted.manifest(APP, V1))
        self.assertEqual(manifest.body, made.manifest)
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_a_layer_that_only_a_proxy_has_is_brought(self) -> None:
        """A client that saw it by HEAD does not send it; the push succeeds."""
        redis = self.theirs
        self.now(self.proxy.manifest(REDIS, LATEST))
        for digest in redis.blobs:
            self.now(self.writable.blob_size(REDIS, digest))
        self.now(
            self.writable.put_manifest(REDIS, V1, redis.media_type, redis.manifest)
        )
        self.upstream.failure = UpstreamOutage("down")
        for digest, content in redis.blobs.items():
            blob = self.now(self.hosted.blob(REDIS, digest))
            self.assertEqual(self.now(whole(blob)), content)

    def test_a_layer_that_nobody_has(self) -> None:
        """The push is refused and names it."""
        made = make_image(b"our layer")
        self.fails(
            self.writable.put_manifest(APP, V1, made.media_type, made.manifest),
            Invalid,
        )

    def test_a_push_tells_the_upstream_nothing(self) -> None:
        """A layer that nobody here knows is asked of nobody outside."""
        self.upstream.failure = UpstreamOutage("down")
        self.fails(self.writable.blob_size(APP, Digest.of(b"new")), Miss)
        self.assertFalse(self.now(self.writable.links(APP, Digest.of(b"new"))))
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_the_rest_is_the_members_too(self) -> None:
        """Mount and delete go to the writable member; reading to the group."""
        made = make_image(b"our layer")
        self.push(APP, V1, made)
        layer = Digest.of(b"our layer")
        self.assertTrue(self.now(self.writable.mount(REDIS, layer, APP)))
        self.now(self.writable.delete_blob(REDIS, layer))
        self.now(self.writable.resolve(APP, V1))
        self.now(self.writable.blob_size(APP, layer))
        self.now(whole(self.now(self.writable.blob(APP, layer))))
        self.assertIsNotNone(self.now(self.writable.holds(APP, layer)))
        self.assertEqual(self.now(self.writable.tags(APP, Page())).names, ("v1",))
        self.assertEqual(self.now(self.writable.images(Page())).names, ("team/app",))
        self.now(self.writable.delete_tag(APP, V1))
        self.now(self.writable.delete_manifest(APP, made.digest))
        self.fails(self.writable.manifest(APP, made.digest), Miss)

    def test_reading_while_it_is_fetched(self) -> None:
        """Bringing a layer follows a fill that is under way."""
        self.upstream.at_once = False
        redis = self.theirs
        self.now(self.proxy.manifest(REDIS, LATEST))
        putting = Deferred.fromCoroutine(
            self.writable.put_manifest(REDIS, V1, redis.media_type, redis.manifest)
        )
        while self.upstream.bodies:
            self.assertNoResult(putting)
            self.upstream.bodies.pop().finish()
        self.successResultOf(putting)
