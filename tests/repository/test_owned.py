"""Names that a hosted member owns: no proxy answers for them, or lists them."""

from pullthrough.errors import Miss, Offline, StorageOutage
from pullthrough.interfaces import INamespaced
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.offline import OfflineRepository
from pullthrough.repository.writable import WritableGroup
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.ownership import Ownership
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
from tests.repository.test_group import GroupCase
from tests.repository.test_hosted import APP, V1
from tests.support.images import make_image

OURS = make_image(b"ours")


class OwnedCase(GroupCase):
    """A hosted member that owns team/*, and an upstream that has team/app too."""

    ownership = Ownership(("team/*",))

    def setUp(self) -> None:
        super().setUp()
        for image, tag in (("team/app", "v1"), ("team/app", "v2"), ("other/app", "v1")):
            self.upstream.add(image, tag, self.theirs.media_type, self.theirs.manifest)
            for content in self.theirs.blobs.values():
                self.upstream.add_blob(image, content)
        self.open = GroupRepository("open", [self.hosted, self.proxy])
        self.hosted = self.house.hosted("own", ownership=self.ownership)
        self.group = GroupRepository("all", [self.proxy, self.hosted])


class OwnedTests(OwnedCase):
    """By glob."""

    def test_never_asked(self) -> None:
        """Absent, offline or failing: the upstream hears nothing, a copy is not
        given out (threat T18)."""
        # A copy came in by another way.
        self.now(self.open.manifest(APP, V1))
        self.upstream.asked.clear()
        self.fails(self.group.manifest(APP, V1), Miss)
        self.fails(self.group.manifest(APP, self.theirs.digest), Miss)
        for digest in self.theirs.blobs:
            self.fails(self.group.blob(APP, digest), Miss)
            self.fails(self.group.blob_size(APP, digest), Miss)
        self.assertIsNone(self.now(self.group.holds(APP, self.theirs.digest)))
        self.assertFalse(self.now(self.group.links(APP, next(iter(self.theirs.blobs)))))
        self.fails(self.group.tags(APP, Page()), Miss)
        off = GroupRepository(
            "all", [self.proxy, OfflineRepository("own", "hosted", self.house.owned)]
        )
        self.fails(off.manifest(APP, V1), Offline)
        self.push(APP, V1, OURS)
        self.now(self.house.store.delete(OURS.digest))
        self.fails(self.group.manifest(APP, V1), StorageOutage)
        self.assertEqual(sum(self.upstream.asked.values()), 0)

    def test_by_namespace(self) -> None:
        """Nor by the name of its registry (``ns``)."""
        group = GroupRepository("all", self.group.members, {"hub.test": {"hub"}})
        hub = group.within("hub.test")
        assert hub is not None
        self.fails(hub.manifest(APP, V1), Miss)
        self.assertEqual(sum(self.upstream.asked.values()), 0)
        self.now(hub.manifest(ImageName("other/app"), V1))

    def test_other_names(self) -> None:
        """They come from the upstream."""
        self.now(self.group.manifest(ImageName("other/app"), V1))

    def test_lists(self) -> None:
        """A proxy's copies of such names are not shown, however the pages fall."""
        for image in ("other/app", "team/app"):
            self.now(self.open.manifest(ImageName(image), V1))
        for page, names in (
            (Page(), Names(("other/app",), False)),
            (Page(1), Names(("other/app",), True)),
            (Page(1, "other/app"), Names((), False)),
            (Page(0), Names((), False)),
        ):
            self.assertEqual(self.now(self.group.images(page)), names)
        self.assertEqual(
            [*self.now(self.group.search("app", 10)).names],
            ["other/app"],
        )
        self.push(APP, V1, OURS)
        self.assertEqual(
            self.now(self.group.images(Page())), Names(("other/app", "team/app"), False)
        )

    def test_a_push(self) -> None:
        """No layer is found in a proxy's copy of such a name."""
        self.now(self.open.manifest(APP, V1))
        for digest in self.theirs.blobs:
            self.now(self.now(self.open.blob(APP, digest)).close())
        group = WritableGroup(self.group, self.hosted)
        self.assertTrue(self.now(group.owns(APP)))
        self.fails(group.blob_size(APP, next(iter(self.theirs.blobs))), Miss)


class ExistingTests(OwnedCase):
    """``@existing``."""

    ownership = Ownership(existing=True)

    def test_what_is_there(self) -> None:
        """A name that exists is ours with every tag; once it is gone it is not."""
        self.now(self.group.manifest(APP, Tag("v2")))
        self.push(APP, V1, OURS)
        self.fails(self.group.manifest(APP, Tag("v2")), Miss)
        self.assertEqual(self.now(self.group.tags(APP, Page())).names, ("v1",))
        self.now(self.hosted.delete_manifest(APP, OURS.digest))
        self.now(self.group.manifest(APP, Tag("v2")))


class MountTests(GroupCase):
    """A layer that any member has is not sent again."""

    def test_from_a_proxy(self) -> None:
        """It is copied into the writable member; what nobody has is to be sent."""
        redis = ImageName("library/redis")
        self.now(self.group.manifest(redis, Tag("latest")))
        for digest, content in self.theirs.blobs.items():
            self.now(self.now(self.group.blob(redis, digest)).close())
            self.assertTrue(self.now(self.writable.mount(APP, digest, redis)))
            held = self.now(self.hosted.holds(APP, digest))
            self.assertEqual(held and held.size, len(content))
        none = Digest.of(b"none")
        self.assertFalse(self.now(self.writable.mount(APP, none, redis)))


class NamespaceTests(GroupCase):
    """``?ns=``."""

    def test_within(self) -> None:
        """The proxies of that registry, and nobody else; no other host."""
        group = GroupRepository(
            "all", self.group.members, {"hub.test": {"hub"}, "gone.test": {"gone"}}
        )
        writable = WritableGroup(group, self.hosted)
        redis = ImageName("library/redis")
        self.push(redis, Tag("latest"), OURS)
        for one in (group, writable):
            self.assertTrue(INamespaced.providedBy(one))
            self.assertIsNone(one.within("elsewhere.test"))
            self.assertIsNone(one.within("gone.test"))
            found = one.within("hub.test")
            assert found is not None
            manifest = self.now(found.manifest(redis, Tag("latest")))
            self.assertEqual(manifest.provenance.member, "hub")
            manifest = self.now(one.manifest(redis, Tag("latest")))
            self.assertEqual(manifest.body, OURS.manifest)
