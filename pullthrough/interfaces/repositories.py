"""Repositories: what a connector serves."""

from collections.abc import Iterable, Sequence

from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from pullthrough.changes import Facts
from pullthrough.interfaces.content import IContent
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference, Tag
from pullthrough.values import (
    ANY,
    Manifest,
    ManifestRecord,
    Referrers,
    Resolved,
    Wanted,
)


class IRepository(Interface):
    """Hosted, proxy or group: what a connector serves.

    Reading: :raises Miss: not here; :raises Refused: by a rule;
    :raises Outage: nobody could tell.
    """

    name: str = Attribute("the configured name")
    kind: str = Attribute("hosted, proxy or group")

    async def resolve(image: ImageName, reference: Reference) -> Resolved:
        """What a manifest is, as for HEAD."""

    async def manifest(image: ImageName, reference: Reference) -> Manifest:
        """A manifest, its bytes exactly as they were pushed."""

    async def blob(image: ImageName, digest: Digest) -> "IBlob":
        """Open a blob, perhaps while it is being fetched."""

    async def blob_size(image: ImageName, digest: Digest) -> "tuple[int, Provenance]":
        """The size of a blob in bytes, as for HEAD; nothing is fetched."""

    async def holds(image: ImageName, digest: Digest) -> Descriptor | None:
        """The blob or manifest, if it is here and the image's; no network."""

    async def links(image: ImageName, digest: Digest) -> bool:
        """Whether a manifest of the image, which is here, links to it; no network."""

    async def owns(image: ImageName) -> bool:
        """Whether the name is ours alone: a group then asks no proxy for it, whatever
        state we are in."""

    def watched(image: ImageName) -> Iterable[Facts]:
        """The facts that answers about an image come from: while none of them changes,
        an answer stands until its provenance says."""

    async def tags(image: ImageName, page: Page) -> Names:
        """A page of the image's tags, in ASCII order."""

    async def images(page: Page) -> Names:
        """A page of image names, in ASCII order."""

    async def search(term: str, limit: int) -> Names:
        """At most ``limit`` images with ``term`` in their names, in ASCII order."""


class IReferrers(Interface):
    """A repository that knows which manifests refer to another one."""

    async def referrers(
        image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """The manifests whose subject it is, by digest; none is no error.

        :raises Outage: when nobody could tell.
        """


class INamespaced(Interface):
    """A repository in which several registries stand side by side."""

    def within(namespace: str) -> IRepository | None:
        """What the registry of that host (``ns``, as containerd sends it) is here; None
        when there is none. Never a place to connect to."""


class IBlob(IContent):
    """A blob as a repository gives it out."""

    provenance: Provenance = Attribute("which member answered, and how")

    def expect(start: int, end: int) -> None:
        """Bytes ``start`` to ``end`` (exclusive) will be read, forwards, and no others:
        they may be fetched before what lies in front of them. Called at most once,
        before anything is read."""


class IUpload(IConsumer):
    """An upload session that is open for writing, for one request at a time."""

    identifier: str = Attribute("what stands in the URL")
    offset: int = Attribute("bytes accepted so far")

    async def checkpoint() -> int:
        """Make what came so far durable; the session rests until it is opened
        again.

        :returns: the durable offset, in bytes.
        :raises StorageOutage: the session is then gone.
        """

    async def commit(digest: Digest) -> int:
        """Verify and commit; the session ends. Returns the size in bytes.

        :raises Invalid: DIGEST_INVALID; the session ends as well.
        :raises StorageOutage: it could not be made durable.
        """

    async def cancel() -> None:
        """End the session and drop its bytes. Safe twice."""


class IWritableRepository(IRepository):
    """A repository that takes pushes: hosted, or a group's writable member.

    Writing: :raises Refused: by policy (DENIED, or UNSUPPORTED where nothing is
    writable); :raises Invalid: bad content; :raises StorageOutage.
    """

    async def put_manifest(
        image: ImageName,
        reference: Reference,
        media_type: str,
        body: bytes,
        tags: Sequence[Tag] = (),
        overwrite: bool = True,
    ) -> ManifestRecord:
        """Store a manifest and move the tag, if the reference is one, and ``tags``.

        :param overwrite: whether tags that stand for another manifest may move.
        :raises Invalid: MANIFEST_INVALID, MANIFEST_BLOB_UNKNOWN, DIGEST_INVALID.
        """

    async def begin_upload(
        image: ImageName, principal: str, algorithm: str = "sha256"
    ) -> IUpload:
        """Open a new upload session, bound to principal and image."""

    async def upload(image: ImageName, identifier: str, principal: str) -> IUpload:
        """Open a session again, where it stands.

        :raises Miss: BLOB_UPLOAD_UNKNOWN, also for another's session.
        :raises Refused: when another request has it open.
        """

    async def upload_offset(image: ImageName, identifier: str, principal: str) -> int:
        """Where a session stands, in bytes, without opening it.

        :raises Miss: BLOB_UPLOAD_UNKNOWN.
        """

    async def images_with(digest: Digest) -> Sequence[ImageName]:
        """Some of the images that a blob could be mounted from."""

    async def mount(image: ImageName, digest: Digest, source: ImageName) -> bool:
        """Take a blob over from another image. False: upload it then."""

    async def delete_tag(image: ImageName, tag: Tag) -> None:
        """:raises Miss: MANIFEST_UNKNOWN."""

    async def delete_manifest(image: ImageName, digest: Digest) -> None:
        """Delete a manifest with all its tags. :raises Miss: MANIFEST_UNKNOWN."""

    async def delete_blob(image: ImageName, digest: Digest) -> None:
        """:raises Miss: BLOB_UNKNOWN."""
