"""The hosted repository and its upload sessions."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Invalid, Miss, Outage, Refused, StorageOutage
from pullthrough.interfaces import IWritableRepository
from pullthrough.repository import uploads
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.offline import OfflineRepository
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.mediatypes import DOCKER_SCHEMA1_SIGNED, OCI_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
from pullthrough.spec.writepolicy import Deployment, WritePolicy
from tests.repository.test_proxy import whole
from tests.spec.test_manifest import signed
from tests.support.house import House
from tests.support.images import MadeImage, make_image

T = TypeVar("T")

APP = ImageName("team/app")
OTHER = ImageName("team/other")
V1 = Tag("v1")


class HostedCase(SynchronousTestCase):
    """One hosted repository."""

    def setUp(self) -> None:
        self.house = House()
        self.hosted = self.house.hosted()

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def fails(self, coroutine: Coroutine[Any, Any, Any], error: type[Exception]) -> Any:
        """The error, which must be there at once."""
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), error).value

    def push_blob(self, image: ImageName, content: bytes) -> Digest:
        """Upload one blob."""
        upload = self.now(self.hosted.begin_upload(image, "alice"))
        upload.write(content)
        digest = Digest.of(content)
        self.assertEqual(self.now(upload.commit(digest)), len(content))
        return digest

    def push(self, image: ImageName, tag: Tag, made: MadeImage) -> None:
        """Push a whole image."""
        for content in made.blobs.values():
            self.push_blob(image, content)
        self.now(self.hosted.put_manifest(image, tag, made.media_type, made.manifest))


class ImageTests(HostedCase):
    """Manifests, tags and blobs."""

    def test_a_signed_manifest_takes_no_other_name(self) -> None:
        """Its name is what its payload hashes to, which anybody may choose."""
        made = make_image(b"layer")
        self.push(APP, V1, made)
        forged = signed(made.manifest)
        error = self.fails(
            self.hosted.put_manifest(APP, made.digest, DOCKER_SCHEMA1_SIGNED, forged),
            Invalid,
        )
        self.assertEqual(error.code, ErrorCode.MANIFEST_INVALID)
        self.assertIn("not signed", error.detail)
        for reference in (V1, made.digest):
            found = self.now(self.hosted.manifest(APP, reference))
            self.assertEqual(found.body, made.manifest)

    def test_what_is_pushed_is_pulled(self) -> None:
        """By tag and by digest, byte for byte; blobs too."""
        made = make_image(b"layer")
        self.push(APP, V1, made)
        for reference in (V1, made.digest):
            manifest = self.now(self.hosted.manifest(APP, reference))
            self.assertEqual(manifest.body, made.manifest)
            self.assertEqual(manifest.provenance.member, "own")
            resolved = self.now(self.hosted.resolve(APP, reference))
            self.assertEqual(resolved.descriptor, manifest.descriptor)
        for digest, content in made.blobs.items():
            self.assertEqual(
                self.now(whole(self.now(self.hosted.blob(APP, digest)))), content
            )
        self.assertEqual(self.now(self.hosted.tags(APP, Page())), Names(("v1",), False))
        self.assertEqual(
            self.now(self.hosted.images(Page())), Names(("team/app",), False)
        )
        held = self.now(self.hosted.holds(APP, made.digest))
        self.assertEqual(held and held.media_type, OCI_MANIFEST)

    def test_a_manifest_needs_its_blobs(self) -> None:
        """MANIFEST_BLOB_UNKNOWN names the one that is missing."""
        made = make_image(b"layer")
        error = self.fails(
            self.hosted.put_manifest(APP, V1, made.media_type, made.manifest), Invalid
        )
        self.assertEqual(error.code, ErrorCode.MANIFEST_BLOB_UNKNOWN)
        self.fails(self.hosted.manifest(APP, V1), Miss)

    def test_a_manifest_by_digest(self) -> None:
        """The digest in the URL must be its digest, in either algorithm."""
        made = make_image(b"layer")
        self.push(APP, V1, made)
        put = self.hosted.put_manifest
        error = self.fails(
            put(APP, Digest.of(b"x"), made.media_type, made.manifest), Invalid
        )
        self.assertEqual(error.code, ErrorCode.DIGEST_INVALID)
        digest = Digest.of(made.manifest, "sha512")
        record = self.now(put(APP, digest, made.media_type, made.manifest))
        self.assertEqual(record.descriptor.digest, digest)
        pulled = self.now(self.hosted.manifest(APP, digest))
        self.assertEqual(pulled.body, made.manifest)

    def test_what_is_no_manifest_is_refused(self) -> None:
        """MANIFEST_INVALID."""
        error = self.fails(
            self.hosted.put_manifest(APP, V1, OCI_MANIFEST, b"{}"), Invalid
        )
        self.assertEqual(error.code, ErrorCode.MANIFEST_INVALID)

    def test_unknown_things_are_misses(self) -> None:
        """Each with its own code."""
        digest = Digest.of(b"x")
        for coroutine, code in (
            (self.hosted.manifest(APP, V1), ErrorCode.MANIFEST_UNKNOWN),
            (self.hosted.resolve(APP, digest), ErrorCode.MANIFEST_UNKNOWN),
            (self.hosted.blob(APP, digest), ErrorCode.BLOB_UNKNOWN),
            (self.hosted.blob_size(APP, digest), ErrorCode.BLOB_UNKNOWN),
            (self.hosted.tags(APP, Page()), ErrorCode.NAME_UNKNOWN),
            (self.hosted.delete_tag(APP, V1), ErrorCode.MANIFEST_UNKNOWN),
            (self.hosted.delete_manifest(APP, digest), ErrorCode.MANIFEST_UNKNOWN),
            (self.hosted.delete_blob(APP, digest), ErrorCode.BLOB_UNKNOWN),
        ):
            self.assertEqual(self.fails(coroutine, Miss).code, code)

    def test_lost_bytes_are_an_outage(self) -> None:
        """What was acknowledged and cannot be read is never a 404."""
        made = make_image(b"layer")
        self.push(APP, V1, made)
        for digest in (made.digest, *made.blobs):
            self.now(self.house.store.delete(digest))
        self.fails(self.hosted.manifest(APP, V1), StorageOutage)
        self.fails(self.hosted.blob(APP, next(iter(made.blobs))), StorageOutage)

    def test_mount(self) -> None:
        """A blob of one image becomes another's; an unknown one does not."""
        digest = self.push_blob(APP, b"layer")
        self.fails(self.hosted.blob(OTHER, digest), Miss)
        self.assertTrue(self.now(self.hosted.mount(OTHER, digest, APP)))
        size, _ = self.now(self.hosted.blob_size(OTHER, digest))
        self.assertEqual(size, 5)
        self.assertFalse(self.now(self.hosted.mount(OTHER, Digest.of(b"x"), APP)))

    def test_delete(self) -> None:
        """A tag goes alone; a manifest takes its tags along; a blob goes alone."""
        made = make_image(b"layer")
        self.push(APP, V1, made)
        self.push(APP, Tag("v2"), made)
        self.now(self.hosted.delete_tag(APP, V1))
        self.fails(self.hosted.manifest(APP, V1), Miss)
        self.now(self.hosted.manifest(APP, Tag("v2")))
        self.now(self.hosted.delete_manifest(APP, made.digest))
        self.fails(self.hosted.manifest(APP, Tag("v2")), Miss)
        digest = Digest.of(b"layer")
        self.now(self.hosted.delete_blob(APP, digest))
        self.fails(self.hosted.blob(APP, digest), Miss)


class UploadTests(HostedCase):
    """Upload sessions."""

    def test_in_pieces(self) -> None:
        """Opened again it goes on where it stands."""
        upload = self.now(self.hosted.begin_upload(APP, "alice"))
        upload.write(b"one ")
        self.assertEqual(self.now(upload.checkpoint()), 4)
        again = self.now(self.hosted.upload(APP, upload.identifier, "alice"))
        self.assertEqual(again.offset, 4)
        again.write(b"two")
        self.assertEqual(again.offset, 7)
        self.assertEqual(self.now(again.commit(Digest.of(b"one two"))), 7)
        self.fails(self.hosted.upload(APP, upload.identifier, "alice"), Miss)

    def test_it_is_bound_to_its_owner_and_image(self) -> None:
        """Anybody else sees no session (I12)."""
        upload = self.now(self.hosted.begin_upload(APP, "alice"))
        self.now(upload.checkpoint())
        for image, principal in ((OTHER, "alice"), (APP, "bob"), (APP, "")):
            self.fails(self.hosted.upload(image, upload.identifier, principal), Miss)
            self.fails(
                self.hosted.upload_offset(image, upload.identifier, principal), Miss
            )
        self.assertEqual(
            self.now(self.hosted.upload_offset(APP, upload.identifier, "alice")), 0
        )

    def test_one_writer_at_a_time(self) -> None:
        """A second request to a session in use is refused."""
        upload = self.now(self.hosted.begin_upload(APP, "alice"))
        self.fails(self.hosted.upload(APP, upload.identifier, "alice"), Refused)
        self.now(upload.cancel())

    def test_a_wrong_digest_ends_it(self) -> None:
        """DIGEST_INVALID; nothing is left."""
        upload = self.now(self.hosted.begin_upload(APP, "alice"))
        upload.write(b"x")
        error = self.fails(upload.commit(Digest.of(b"y")), Invalid)
        self.assertEqual(error.code, ErrorCode.DIGEST_INVALID)
        self.fails(self.hosted.upload(APP, upload.identifier, "alice"), Miss)
        self.assertIsNone(self.now(self.house.store.stat(Digest.of(b"x"))))

    def test_cancel(self) -> None:
        """Twice is as good as once; a session that ended cannot go on."""
        upload = self.now(self.hosted.begin_upload(APP, "alice"))
        self.now(upload.cancel())
        self.now(upload.cancel())
        self.fails(upload.checkpoint(), Invalid)
        self.fails(self.hosted.upload(APP, upload.identifier, "alice"), Miss)

    def test_many_resting_sessions(self) -> None:
        """The oldest let go of their files and go on all the same."""
        identifiers = []
        self.house.sessions.most = uploads.RESTING + 10
        for number in range(uploads.RESTING + 3):
            upload = self.now(self.hosted.begin_upload(APP, "alice"))
            upload.write(b"%d " % number)
            self.now(upload.checkpoint())
            identifiers.append(upload.identifier)
        again = self.now(self.hosted.upload(APP, identifiers[0], "alice"))
        again.write(b"end")
        self.now(again.commit(Digest.of(b"0 end")))
        self.now(self.house.uploads.close())
        again = self.now(self.hosted.upload(APP, identifiers[-1], "alice"))
        again.write(b"end")
        self.now(again.commit(Digest.of(b"%d end" % (uploads.RESTING + 2))))

    def test_they_expire(self) -> None:
        """After an hour unused, or a day in all; what they stored goes too."""
        idle = self.now(self.hosted.begin_upload(APP, "alice"))
        idle.write(b"x")
        self.now(idle.checkpoint())
        busy = self.now(self.hosted.begin_upload(APP, "alice"))
        self.house.clock.advance(uploads.IDLE + 1)
        self.fails(self.hosted.upload(APP, idle.identifier, "alice"), Miss)
        again = self.now(self.hosted.begin_upload(APP, "alice"))
        again.write(b"y")
        self.now(again.checkpoint())
        self.assertEqual(self.now(self.house.uploads.sweep()), 1)
        self.assertIsNone(self.now(self.house.metadata.upload(idle.identifier)))
        self.assertNotIn(idle.identifier, self.house.store.open_ingests)
        self.now(busy.checkpoint())
        self.now(self.hosted.upload_offset(APP, busy.identifier, "alice"))
        for _ in range(30):
            self.house.clock.advance(uploads.IDLE - 1)
            self.now(self.house.uploads.sweep())
            if again.identifier not in self.house.store.open_ingests:
                break
            record = self.now(self.house.metadata.upload(again.identifier))
            self.now(
                self.house.metadata.advance_upload(
                    again.identifier, 1, self.house.clock.seconds()
                )
            )
            assert record is not None
            self.assertLess(
                self.house.clock.seconds() - record.started, uploads.LONGEST + 1
            )
        self.assertEqual(self.house.store.open_ingests, frozenset())

    def test_it_is_writable(self) -> None:
        """Hosted provides what pushes need."""
        self.assertTrue(IWritableRepository.providedBy(self.hosted))


class PolicyTests(HostedCase):
    """Deployment policies."""

    def redeploy(self, deployment: Deployment, tag: str) -> None:
        """Push twice under one tag."""
        self.hosted = self.house.hosted("own", deployment)
        self.push(APP, Tag(tag), make_image(b"first"))
        self.push(APP, Tag(tag), make_image(b"first"))
        self.push(APP, Tag(tag), make_image(b"second"))

    def test_allow_once(self) -> None:
        """A tag does not move, but the same may be pushed again, and another tag."""
        once = Deployment(WritePolicy.ALLOW_ONCE)
        with self.assertRaises(self.failureException) as caught:
            self.redeploy(once, "v1")
        self.assertIn("may not move", str(caught.exception))
        manifest = self.now(self.hosted.manifest(APP, V1))
        self.assertEqual(manifest.body, make_image(b"first").manifest)
        self.push(APP, Tag("v2"), make_image(b"second"))
        self.now(self.hosted.delete_tag(APP, V1))
        self.push(APP, V1, make_image(b"second"))

    def test_latest(self) -> None:
        """It moves where it is let."""
        self.redeploy(Deployment(WritePolicy.ALLOW_ONCE, latest=True), "latest")
        with self.assertRaises(self.failureException):
            self.redeploy(Deployment(WritePolicy.ALLOW_ONCE), "latest")

    def test_deny(self) -> None:
        """Nothing is written or deleted; what is there is served."""
        made = make_image(b"layer")
        self.push(APP, V1, made)
        self.hosted._deployment = Deployment(WritePolicy.DENY)
        digest = Digest.of(b"layer")
        for coroutine in (
            self.hosted.put_manifest(APP, V1, made.media_type, made.manifest),
            self.hosted.begin_upload(APP, "alice"),
            self.hosted.mount(OTHER, digest, APP),
        ):
            error = self.fails(coroutine, Refused)
            self.assertEqual(error.code, ErrorCode.DENIED)
        for coroutine in (
            self.hosted.delete_tag(APP, V1),
            self.hosted.delete_manifest(APP, made.digest),
            self.hosted.delete_blob(APP, digest),
        ):
            error = self.fails(coroutine, Refused)
            self.assertEqual(error.code, ErrorCode.UNSUPPORTED)
        self.now(self.hosted.manifest(APP, V1))

    def test_leases(self) -> None:
        """A push has one; a HEAD makes it longer, at most once in half of it."""
        self.push(APP, V1, make_image(b"layer"))
        digest = Digest.of(b"layer")
        for later, since in (
            (0, 0),
            (uploads.LEASE / 4, 0),
            (uploads.LEASE / 2, 3 * uploads.LEASE / 4),
        ):
            self.house.clock.advance(later)
            self.now(self.hosted.blob_size(APP, digest))
            found = self.now(self.house.metadata.blob(1, APP, digest))
            self.assertEqual(found.leased_until, 1_000_000 + since + uploads.LEASE)
        self.now(self.hosted.mount(OTHER, digest, APP))
        found = self.now(self.house.metadata.blob(1, OTHER, digest))
        self.assertEqual(
            found.leased_until, 1_000_000 + 3 * uploads.LEASE / 4 + uploads.LEASE
        )

    def test_unknown_types(self) -> None:
        """Refused, unless the repository takes any; that of old ORAS is known."""
        body = b'{"blobs":[]}'
        for media_type in ("application/json", "text/html", "application/x"):
            error = self.fails(
                self.hosted.put_manifest(APP, V1, media_type, body), Invalid
            )
            self.assertEqual(error.code, ErrorCode.MANIFEST_INVALID)
        known = "application/vnd.oci.artifact.manifest.v1+json"
        self.now(self.hosted.put_manifest(APP, V1, known, body))
        self.hosted._any_type = True
        self.now(self.hosted.put_manifest(APP, V1, "application/x", body))


class OfflineTests(HostedCase):
    """A repository that is switched off."""

    def test_everything_is_an_outage(self) -> None:
        """Each question says that it is offline."""
        offline = OfflineRepository("own", "hosted")
        digest = Digest.of(b"x")
        for coroutine in (
            offline.resolve(APP, V1),
            offline.manifest(APP, V1),
            offline.blob(APP, digest),
            offline.blob_size(APP, digest),
            offline.holds(APP, digest),
            offline.tags(APP, Page()),
            offline.images(Page()),
            offline.search("x", 5),
            offline.referrers(APP, digest),
            offline.put_manifest(APP, V1, "a/b", b""),
            offline.begin_upload(APP, ""),
            offline.upload(APP, "k", ""),
            offline.upload_offset(APP, "k", ""),
            offline.images_with(digest),
            offline.mount(APP, digest, OTHER),
            offline.delete_tag(APP, V1),
            offline.delete_manifest(APP, digest),
            offline.delete_blob(APP, digest),
        ):
            error = self.fails(coroutine, Outage)
            self.assertEqual(error.detail, "repository own is offline")
        self.assertFalse(self.now(offline.links(APP, digest)))
        group = GroupRepository("all", [offline, self.hosted])
        self.push(APP, V1, make_image(b"layer"))
        self.fails(group.manifest(APP, V1), Outage)
