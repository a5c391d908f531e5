"""What every metadata store must do; a mixin for its test case."""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from zope.interface.verify import verifyObject

from pullthrough.interfaces import IMetadataStore
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_INDEX, OCI_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag, fallback_tag
from pullthrough.values import (
    ANY,
    BlobRecord,
    LoginRecord,
    ManifestRecord,
    Referrers,
    ReferrersRecord,
    TagRecord,
    UploadRecord,
    Wanted,
)

T = TypeVar("T")

APP = ImageName("team/app")
OTHER = ImageName("team/other")
LAYER = Descriptor("a/layer", Digest.of(b"layer"), 5)
CONFIG = Descriptor("a/config", Digest.of(b"config"), 6)
SUBJECT = Digest.of(b"subject")


def record(name: bytes, **more: Any) -> ManifestRecord:
    """A manifest's record."""
    fields = {"blobs": (CONFIG, LAYER), **more}
    return ManifestRecord(
        Descriptor(OCI_MANIFEST, Digest.of(name), len(name)), **fields
    )


def digests_of(found: Referrers) -> list[Digest]:
    """What is listed."""
    return [one.descriptor.digest for one in found.records]


class MetadataStoreContract:
    """The rules."""

    store: Any

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))  # type: ignore

    def repository(self, name: str = "own") -> int:
        """A repository's id."""
        return self.now(self.store.repository(name, "hosted"))

    def put(self, repository: int, name: bytes, *tags: str, **more: Any) -> Digest:
        """Record a manifest."""
        made = record(name, **more)
        names = [Tag(tag) for tag in tags]
        self.now(self.store.put_manifest(repository, APP, made, names, 10.0))
        return made.descriptor.digest

    # -- the rules --

    def test_interface(self) -> None:
        """It provides what it says."""
        self.assertTrue(verifyObject(IMetadataStore, self.store))

    def test_repositories(self) -> None:
        """One id for a name and a kind, the same for ever."""
        own = self.repository()
        self.assertEqual(self.repository(), own)
        self.assertNotEqual(self.repository("other"), own)
        self.assertNotEqual(self.now(self.store.repository("own", "proxy")), own)

    def test_manifest(self) -> None:
        """All facts come back, links in their order."""
        own = self.repository()
        child = Descriptor(OCI_MANIFEST, Digest.of(b"child"), 9)
        digest = self.put(
            own,
            b"m",
            manifests=(child,),
            subject=SUBJECT,
            artifact_type="a/b",
            annotations='{"k":"v"}',
        )
        expected = record(
            b"m",
            manifests=(child,),
            subject=SUBJECT,
            artifact_type="a/b",
            annotations='{"k":"v"}',
        )
        self.assertEqual(self.now(self.store.manifest(own, APP, digest)), expected)
        self.assertIsNone(self.now(self.store.manifest(own, OTHER, digest)))
        self.assertIsNone(self.now(self.store.manifest(own, APP, SUBJECT)))
        other = self.repository("other")
        self.assertIsNone(self.now(self.store.manifest(other, APP, digest)))

    def test_the_same_manifest_again(self) -> None:
        """The later facts count; links are not doubled."""
        own = self.repository()
        self.put(own, b"m")
        digest = self.put(own, b"m", blobs=(LAYER,))
        found = self.now(self.store.manifest(own, APP, digest))
        self.assertEqual(found.blobs, (LAYER,))

    def test_links(self) -> None:
        """What a manifest of the image refers to is known; of no other image."""
        own = self.repository()
        self.put(own, b"m", manifests=(Descriptor(OCI_INDEX, SUBJECT, 3),))
        linked = self.store.linked
        self.assertEqual(self.now(linked(own, APP, LAYER.digest)), LAYER)
        self.assertEqual(self.now(linked(own, APP, SUBJECT)).size, 3)
        self.assertIsNone(self.now(linked(own, OTHER, LAYER.digest)))
        self.assertIsNone(self.now(linked(own, APP, Digest.of(b"x"))))

    def test_tags(self) -> None:
        """A tag stands for one manifest, and moves."""
        own = self.repository()
        first = self.put(own, b"1", "latest", "v1")
        self.assertEqual(
            self.now(self.store.tag(own, APP, Tag("latest"))), TagRecord(first, 10.0)
        )
        second = self.put(own, b"2", "latest")
        found = self.now(self.store.tag(own, APP, Tag("latest")))
        self.assertEqual(found.digest, second)
        self.assertIsNone(self.now(self.store.tag(own, APP, Tag("v2"))))
        self.now(self.store.checked(own, APP, Tag("v1"), 99.0))
        self.now(self.store.checked(own, APP, Tag("none"), 99.0))
        found = self.now(self.store.tag(own, APP, Tag("v1")))
        self.assertEqual(found, TagRecord(first, 99.0))
        self.assertTrue(self.now(self.store.delete_tag(own, APP, Tag("v1"))))
        self.assertFalse(self.now(self.store.delete_tag(own, APP, Tag("v1"))))
        self.assertIsNotNone(self.now(self.store.manifest(own, APP, first)))

    def test_fixed_tags(self) -> None:
        """A tag that may not move stays, and nothing else of that push is done."""
        own = self.repository()
        first = self.put(own, b"1", "v1")
        put, fixed = self.store.put_manifest, frozenset({Tag("v1")})
        tags = [Tag("v1"), Tag("v2")]
        held = self.now(put(own, APP, record(b"2"), tags, 0.0, fixed))
        self.assertEqual(held, Tag("v1"))
        self.assertEqual(self.now(self.store.tags(own, APP, Page())).names, ("v1",))
        gone = self.now(self.store.manifest(own, APP, Digest.of(b"2")))
        self.assertIsNone(gone)
        self.assertIsNone(self.now(put(own, APP, record(b"1"), tags, 0.0, fixed)))
        found = self.now(self.store.tag(own, APP, Tag("v2")))
        self.assertEqual(found.digest, first)

    def test_changes(self) -> None:
        """What changes an answer about an image is noted when its method returns;
        what does not change one is not."""
        own = self.repository()
        digest = self.put(own, b"m", "v1")
        self.now(self.store.add_blob(own, APP, LAYER.digest, 2))

        def moves(work: Any) -> bool:
            watches = [
                self.store.changes.watch([(own, image)]) for image in (APP, OTHER)
            ]
            self.now(work)
            self.assertTrue(watches[1].same())
            return not watches[0].same()

        made = record(b"n")
        store = self.store
        for work in (
            store.put_manifest(own, APP, made, [Tag("v1")], 1.0),
            store.delete_tag(own, APP, Tag("v1")),
            store.delete_manifest(own, APP, digest),
            store.delete_blob(own, APP, LAYER.digest),
        ):
            self.assertTrue(moves(work))
        for work in (
            store.add_blob(own, APP, LAYER.digest, 2),
            store.checked(own, APP, Tag("v1"), 99.0),
            store.tag(own, APP, Tag("v1")),
        ):
            self.assertFalse(moves(work))

    def test_tag_pages(self) -> None:
        """ASCII order, pages, and None for an image that nobody knows."""
        own = self.repository()
        self.assertIsNone(self.now(self.store.tags(own, APP, Page())))
        self.put(own, b"1", "b", "a", "B", "_", "10", "9")
        for page, expected in (
            (Page(), Names(("10", "9", "B", "_", "a", "b"), False)),
            (Page(2), Names(("10", "9"), True)),
            (Page(2, "9"), Names(("B", "_"), True)),
            (Page(2, "_"), Names(("a", "b"), False)),
            (Page(2, "Z"), Names(("_", "a"), True)),
            (Page(0), Names((), False)),
            (Page(5, "zzz"), Names((), False)),
        ):
            self.assertEqual(self.now(self.store.tags(own, APP, page)), expected)

    def test_images(self) -> None:
        """Images with a manifest, in order, paged, of one repository."""
        own, other = self.repository(), self.repository("other")
        for name in ("b", "a/x", "a"):
            image = ImageName(name)
            self.now(self.store.put_manifest(own, image, record(b"m"), [], 0.0))
        self.now(self.store.add_blob(own, OTHER, LAYER.digest, 5))
        images = self.store.images
        self.assertEqual(self.now(images(own, Page())), Names(("a", "a/x", "b"), False))
        self.assertEqual(self.now(images(own, Page(1, "a"))), Names(("a/x",), True))
        self.assertEqual(self.now(images(other, Page())), Names((), False))

    def test_search(self) -> None:
        """Images with a manifest and the term in their names; no pattern means more."""
        own = self.repository()
        for name in ("team/app", "app", "zapp", "other"):
            image = ImageName(name)
            self.now(self.store.put_manifest(own, image, record(b"m"), [], 0.0))
        self.now(self.store.add_blob(own, ImageName("apple"), LAYER.digest, 5))
        search = self.store.search
        found = [name.text for name in self.now(search(own, "app", 10))]
        self.assertEqual(found, ["app", "team/app", "zapp"])
        self.assertEqual(len(self.now(search(own, "app", 2))), 2)
        self.assertEqual(len(self.now(search(own, "", 10))), 4)
        for term in ("%", "_", "*", "'"):
            self.assertEqual(list(self.now(search(own, term, 10))), [])

    def test_delete_manifest(self) -> None:
        """Its tags and links go; other manifests and blobs stay."""
        own = self.repository()
        first = self.put(own, b"1", "v1", "latest")
        second = self.put(own, b"2", "v2", blobs=())
        self.now(self.store.add_blob(own, APP, LAYER.digest, 5))
        self.assertTrue(self.now(self.store.delete_manifest(own, APP, first)))
        self.assertFalse(self.now(self.store.delete_manifest(own, APP, first)))
        self.assertEqual(
            self.now(self.store.tags(own, APP, Page())), Names(("v2",), False)
        )
        self.assertIsNotNone(self.now(self.store.manifest(own, APP, second)))
        self.assertIsNone(self.now(self.store.linked(own, APP, LAYER.digest)))
        self.assertIsNotNone(self.now(self.store.blob(own, APP, LAYER.digest)))

    def test_referrers(self) -> None:
        """The manifests with that subject, by digest."""
        own = self.repository()
        self.assertEqual(self.now(self.store.referrers(own, APP, SUBJECT)), Referrers())
        digests = [self.put(own, name, subject=SUBJECT) for name in (b"1", b"2", b"3")]
        self.put(own, b"4")
        found = self.now(self.store.referrers(own, APP, SUBJECT))
        self.assertEqual(digests_of(found), sorted(digests, key=str))
        self.assertEqual(found.records[0].blobs, ())

    def test_referrers_of_the_fallback_tag(self) -> None:
        """Those that it lists count as well, as long as they are here; each once."""
        own = self.repository()
        first, second = (self.put(own, name) for name in (b"1", b"2"))
        both = self.put(own, b"3", subject=SUBJECT)
        self.put(own, b"4")
        listed = [
            Descriptor(OCI_MANIFEST, one, 7)
            for one in (second, first, both, Digest.of(b"gone"))
        ]
        index = ManifestRecord(
            Descriptor(OCI_INDEX, Digest.of(b"index"), 9),
            blobs=(Descriptor(OCI_MANIFEST, Digest.of(b"4"), 7),),
            manifests=tuple(listed),
        )
        tag = fallback_tag(SUBJECT)
        self.now(self.store.put_manifest(own, APP, index, [tag], 0))
        found = self.now(self.store.referrers(own, APP, SUBJECT))
        self.assertEqual(digests_of(found), sorted((first, second, both), key=str))
        self.now(self.store.delete_tag(own, APP, tag))
        found = self.now(self.store.referrers(own, APP, SUBJECT))
        self.assertEqual(digests_of(found), [both])

    def test_which_referrers(self) -> None:
        """A page, of a type, as many as fit; of what an upstream lists likewise."""
        own = self.repository()
        records = [
            ManifestRecord(
                Descriptor(OCI_MANIFEST, Digest("sha256", f"{number:064x}"), 7),
                subject=SUBJECT,
                artifact_type="odd/x" if number % 2 else "even/x",
                annotations='{"é":"%s"}' % ("x" * number),
            )
            for number in range(5)
        ]
        for record in reversed(records):
            self.now(self.store.put_manifest(own, APP, record, [], 0))
        slim = tuple(replace(record, subject=None) for record in records)
        told = ReferrersRecord(slim[::-1], 5.0)
        self.now(self.store.put_listed_referrers(own, APP, SUBJECT, told))
        last = str(slim[1].descriptor.digest)
        room = slim[0].cost + slim[1].cost
        for wanted, expected, more in (
            (ANY, slim, False),
            (Wanted(Page(2)), slim[:2], True),
            (Wanted(Page(5)), slim, False),
            (Wanted(Page(9, last)), slim[2:], False),
            (Wanted(Page(0)), (), False),
            (Wanted(Page(9, "z")), (), False),
            (Wanted(artifact_type="odd/x"), (slim[1], slim[3]), False),
            (Wanted(Page(1, last), "odd/x"), (slim[3],), False),
            (Wanted(Page(1), "odd/x"), (slim[1],), True),
            (Wanted(artifact_type="none"), (), False),
            (Wanted(room=room), slim[:2], True),
            (Wanted(room=room - 1), slim[:1], True),
            (Wanted(room=1), (), True),
        ):
            found = self.now(self.store.referrers(own, APP, SUBJECT, wanted))
            self.assertEqual(found, Referrers(expected, more=more), wanted)
            listed = self.now(self.store.listed_referrers(own, APP, SUBJECT, wanted))
            self.assertEqual(listed, ReferrersRecord(expected, 5.0, more), wanted)

    def test_listed_referrers(self) -> None:
        """What an upstream has listed is kept whole, in place of what it listed before,
        for one image and subject."""
        own = self.repository()
        listed, put = self.store.listed_referrers, self.store.put_listed_referrers
        self.assertIsNone(self.now(listed(own, APP, SUBJECT)))
        told = tuple(
            ManifestRecord(
                Descriptor(OCI_MANIFEST, Digest.of(name), 7),
                artifact_type="application/x",
                annotations='{"k":"v"}',
            )
            for name in sorted((b"1", b"2"), key=Digest.of)
        )
        for records, checked_at in ((told, 5.0), ((), 6.0), (told[:1], 7.5)):
            expected = ReferrersRecord(records, checked_at)
            self.now(put(own, APP, SUBJECT, expected))
            self.assertEqual(self.now(listed(own, APP, SUBJECT)), expected)
        self.assertIsNone(self.now(listed(own, APP, LAYER.digest)))
        self.assertIsNone(self.now(listed(own, OTHER, SUBJECT)))
        self.assertIsNone(self.now(listed(self.repository("other"), APP, SUBJECT)))
        self.assertEqual(self.now(self.store.referrers(own, APP, SUBJECT)), Referrers())

    def test_has_image(self) -> None:
        """An image is there as long as it has a manifest."""
        own = self.repository()
        self.now(self.store.add_blob(own, APP, LAYER.digest, 5))
        self.assertFalse(self.now(self.store.has_image(own, APP)))
        digest = self.put(own, b"m")
        self.assertTrue(self.now(self.store.has_image(own, APP)))
        self.assertFalse(self.now(self.store.has_image(own, OTHER)))
        self.assertFalse(self.now(self.store.has_image(own + 1, APP)))
        self.now(self.store.delete_manifest(own, APP, digest))
        self.assertFalse(self.now(self.store.has_image(own, APP)))

    def test_logins(self) -> None:
        """Kept by the token's hash; using one only moves its time; old ones go."""
        one = LoginRecord(b"1" * 32, "alice", "own", "proof", 10.0)
        two = LoginRecord(b"2" * 32, "bob", "all", "other", 20.0)
        for record_ in (one, two):
            self.now(self.store.put_login(record_))
        self.assertEqual(self.now(self.store.login(b"1" * 32)), one)
        self.assertIsNone(self.now(self.store.login(b"3" * 32)))
        used = LoginRecord(b"1" * 32, "mallory", "x", "y", 30.0)
        self.now(self.store.put_login(used))
        self.assertEqual(
            self.now(self.store.login(b"1" * 32)), replace(one, used_at=30.0)
        )
        self.assertEqual(self.now(self.store.end_logins_before(25.0)), 1)
        self.assertIsNone(self.now(self.store.login(b"2" * 32)))
        for _ in range(2):
            self.now(self.store.end_login(b"1" * 32))
        self.assertIsNone(self.now(self.store.login(b"1" * 32)))

    def test_foreign_layers(self) -> None:
        """They are found by their digest, but are no links: nothing must be there."""
        own = self.repository()
        layer = ForeignLayer(
            Descriptor("a/b", Digest.of(b"foreign"), 7), ("https://x.test/1", "b")
        )
        wanted = layer.descriptor.digest
        self.assertIsNone(self.now(self.store.foreign(own, APP, wanted)))
        digest = self.put(own, b"with", foreign=(layer,))
        found = self.now(self.store.manifest(own, APP, digest))
        self.assertEqual(found, record(b"with", foreign=(layer,)))
        self.assertEqual(self.now(self.store.foreign(own, APP, wanted)), layer)
        self.assertIsNone(self.now(self.store.foreign(own, APP, LAYER.digest)))
        self.assertIsNone(self.now(self.store.foreign(own, OTHER, wanted)))
        self.assertIsNone(self.now(self.store.linked(own, APP, wanted)))

    def test_blobs(self) -> None:
        """An image has what was added, and loses what was deleted."""
        own = self.repository()
        blob = self.store.blob
        self.assertIsNone(self.now(blob(own, APP, LAYER.digest)))
        self.now(self.store.add_blob(own, APP, LAYER.digest, 5))
        self.now(self.store.add_blob(own, APP, LAYER.digest, 5))
        self.assertEqual(self.now(blob(own, APP, LAYER.digest)), BlobRecord(5))
        self.assertIsNone(self.now(blob(own, OTHER, LAYER.digest)))
        self.assertTrue(self.now(self.store.delete_blob(own, APP, LAYER.digest)))
        self.assertFalse(self.now(self.store.delete_blob(own, APP, LAYER.digest)))

    def test_mount(self) -> None:
        """From an image that has it, in the same repository only."""
        own, other = self.repository(), self.repository("other")
        self.now(self.store.add_blob(own, APP, LAYER.digest, 5))
        mount = self.store.mount
        self.assertEqual(self.now(mount(own, OTHER, LAYER.digest, APP)), 5)
        self.assertIsNotNone(self.now(self.store.blob(own, OTHER, LAYER.digest)))
        self.assertIsNone(self.now(mount(own, OTHER, CONFIG.digest, APP)))
        self.assertIsNone(self.now(mount(other, OTHER, LAYER.digest, APP)))

    def test_leases(self) -> None:
        """They only grow; one that is mounted has its own."""
        own = self.repository()
        blob, add = self.store.blob, self.store.add_blob
        self.now(add(own, APP, LAYER.digest, 5, 100.0))
        self.now(add(own, APP, LAYER.digest, 5, 50.0))
        self.assertEqual(self.now(blob(own, APP, LAYER.digest)), BlobRecord(5, 100.0))
        self.now(add(own, APP, LAYER.digest, 5, 150.0))
        self.assertEqual(self.now(blob(own, APP, LAYER.digest)), BlobRecord(5, 150.0))
        self.now(self.store.mount(own, OTHER, LAYER.digest, APP, 70.0))
        self.assertEqual(self.now(blob(own, OTHER, LAYER.digest)), BlobRecord(5, 70.0))

    def test_images_with(self) -> None:
        """Those of the repository that have the blob."""
        own, other = self.repository(), self.repository("other")
        for image in (APP, OTHER):
            self.now(self.store.add_blob(own, image, LAYER.digest, 5))
        found = self.now(self.store.images_with(own, LAYER.digest))
        self.assertEqual(set(found), {APP, OTHER})
        self.assertEqual(
            list(self.now(self.store.images_with(other, LAYER.digest))), []
        )

    def test_uploads(self) -> None:
        """A session is kept, moves on, and ends."""
        own = self.repository()
        made = UploadRecord("k1", own, APP, "alice", "sha512", 0, 1.0, 1.0)
        self.now(self.store.begin_upload(made))
        self.assertEqual(self.now(self.store.upload("k1")), made)
        self.now(self.store.advance_upload("k1", 77, 5.0))
        found = self.now(self.store.upload("k1"))
        self.assertEqual((found.offset, found.touched), (77, 5.0))
        before = self.store.uploads_before
        self.assertEqual(list(self.now(before(5.0, 1.0))), [])
        self.assertEqual(list(self.now(before(5.1, 0.0))), [found])
        self.assertEqual(list(self.now(before(0.0, 1.1))), [found])
        self.now(self.store.end_upload("k1"))
        self.now(self.store.end_upload("k1"))
        self.now(self.store.advance_upload("k1", 1, 1.0))
        self.assertIsNone(self.now(self.store.upload("k1")))

    def test_an_upload_ends_in_a_blob(self) -> None:
        """The session goes, the blob is the image's; also of one never recorded, and
        of a blob that was there, whose lease only grows."""
        own = self.repository()
        one = UploadRecord("k1", own, APP, "alice", "sha256", 0, 1.0, 1.0)
        other = replace(one, identifier="k2")
        self.now(self.store.begin_upload(one))
        for record, until, leased in ((one, 50.0, 50.0), (other, 40.0, 50.0)):
            self.now(self.store.finish_upload(record, LAYER.digest, 5, until))
            self.assertIsNone(self.now(self.store.upload(record.identifier)))
            self.assertEqual(
                self.now(self.store.blob(own, APP, LAYER.digest)),
                BlobRecord(5, leased),
            )
        self.assertIsNone(self.now(self.store.blob(own, OTHER, LAYER.digest)))
