"""The interfaces between the layers. All input and output is ``async``.

Errors named here are those of :mod:`pullthrough.errors`; whatever else escapes
an implementation is a bug and ends the request with status 500.
"""

from collections.abc import AsyncIterator, Callable, Sequence

from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference, Tag
from pullthrough.spec.tokens import Access
from pullthrough.values import (
    Identity,
    Manifest,
    ManifestRecord,
    Resolved,
    TagRecord,
    UploadRecord,
    UpstreamManifest,
)

# --- content ---------------------------------------------------------------


class IContent(Interface):
    """Readable content; perhaps still growing while it is read.

    Reading is by position and keeps no cursor, so one content may serve one
    reader only: whoever opened it closes it.
    """

    size: int = Attribute("bytes in all, once complete")

    async def available(offset: int) -> int:
        """Wait until a byte at ``offset`` may be given out.

        :returns: the end (exclusive, > offset) of what may be given out now.
            With ``offset`` at ``size``: ``size``, once the whole has been verified.
        :raises Outage: when that byte will never come.
        """

    async def read(offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes at ``offset``, within what is available.

        :returns: at least one byte.
        :raises Outage: when the bytes cannot be read.
        """

    def fileno() -> int | None:
        """A descriptor to ``sendfile`` what is available from, if there is one."""

    async def close() -> None:
        """Let go of the file. Safe twice."""


class IIngest(IConsumer):
    """Content on its way into a blob store; invisible until committed.

    A push producer registered with it is paused while too much waits to be
    written and resumed later, so memory stays bounded. After a storage error
    nothing more is written; *flush* and *commit* raise it.
    """

    offset: int = Attribute("bytes accepted by ``write`` so far")
    written: int = Attribute("bytes that can be read back; never above offset")

    def observe(changed: Callable[[], None]) -> None:
        """Call ``changed()`` each time ``written`` grows and once on failure."""

    async def read(offset: int, length: int) -> bytes:
        """Read bytes below ``written``; goes on working after *commit* until
        *close*.

        :raises StorageOutage: when they cannot be read.
        """

    def fileno() -> int | None:
        """The descriptor of the file below, if there is one."""

    async def flush() -> None:
        """Wait until all accepted bytes are written.

        :raises StorageOutage: when one of the writes failed.
        """

    async def sync() -> int:
        """Flush and make durable (fsync), and stay open.

        :returns: the durable offset, in bytes.
        :raises StorageOutage: then nothing is certain.
        """

    async def suspend() -> int:
        """Flush and make durable, then let go of the file, keeping it.

        :returns: the durable offset, in bytes.
        :raises StorageOutage: then nothing is certain.
        """

    async def commit(digest: Digest, size: int | None = None) -> int:
        """Verify, make durable, then visible under ``digest``. Idempotent.

        The file descriptor stays open for *read* until *close*.

        :param size: what the size must be, in bytes, when that is known.
        :returns: the size in bytes.
        :raises Invalid: when size (SIZE_INVALID) or digest (DIGEST_INVALID)
            do not fit; the ingest may then only be aborted.
        :raises StorageOutage: when it could not be made durable.
        """

    async def abort() -> None:
        """Drop it all. Safe twice and after *commit*, where it only closes."""

    async def close() -> None:
        """Let go of the descriptor; safe twice. A file not committed stays."""


class IBlobStore(Interface):
    """Content by digest in one place, such as a folder."""

    name: str = Attribute("the configured name")

    async def stat(digest: Digest) -> int | None:
        """The size in bytes, or None when it is not here.

        :raises StorageOutage: when that cannot be told.
        """

    async def open(digest: Digest) -> IContent:
        """Open committed content.

        :raises Miss: BLOB_UNKNOWN when it is not here.
        :raises StorageOutage: when that cannot be told.
        """

    async def ingest(key: str, algorithm: str = "sha256") -> IIngest:
        """Begin an ingest.

        :param key: unique, ``[a-z0-9-]`` only.
        :param algorithm: which digest is likely at commit; another one costs a
            second reading.
        :raises Overload: when too much is under way.
        :raises StorageOutage: when the store cannot write.
        """

    async def resume(key: str, offset: int, algorithm: str = "sha256") -> IIngest:
        """Go on with a suspended ingest, cut back to ``offset`` bytes.

        :raises Miss: BLOB_UPLOAD_UNKNOWN when the file is gone or shorter.
        :raises StorageOutage: when the store cannot write.
        """

    async def discard(key: str) -> None:
        """Drop a suspended ingest, if it is there."""

    async def delete(digest: Digest) -> bool:
        """Remove committed content. Says whether it was here."""

    def scan() -> AsyncIterator[Digest]:
        """Every committed digest, in no order."""


# --- facts -----------------------------------------------------------------


class ITagStore(Interface):
    """Tags of the images of a repository. ``repository`` is a repository id."""

    async def tag(repository: int, image: ImageName, tag: Tag) -> TagRecord | None:
        """The record of a tag, or None."""

    async def tags(repository: int, image: ImageName, page: Page) -> Names | None:
        """A page of tag names in ASCII order; None when the image is unknown."""

    async def delete_tag(repository: int, image: ImageName, tag: Tag) -> bool:
        """Remove a tag. Says whether it was there."""

    async def images(repository: int, page: Page) -> Names:
        """A page of the names of the images that have a manifest."""


class IManifestStore(Interface):
    """Manifests of images, and the blobs that an image may give out (I10)."""

    async def manifest(
        repository: int, image: ImageName, digest: Digest
    ) -> ManifestRecord | None:
        """The record of a manifest, or None."""

    async def put_manifest(
        repository: int,
        image: ImageName,
        record: ManifestRecord,
        tags: Sequence[Tag],
        checked_at: float,
    ) -> None:
        """Record a manifest with its links and move ``tags`` to it, at once.

        What it links to may be asked for by *linked*.

        :param checked_at: when an upstream said so (seconds since the epoch).
        """

    async def delete_manifest(
        repository: int, image: ImageName, digest: Digest
    ) -> bool:
        """Remove a manifest and the tags on it. Says whether it was there."""

    async def add_blob(
        repository: int, image: ImageName, digest: Digest, size: int
    ) -> None:
        """Make a blob one of the image's. Idempotent."""

    async def blob(repository: int, image: ImageName, digest: Digest) -> int | None:
        """The size in bytes of a blob that is the image's, or None."""

    async def delete_blob(repository: int, image: ImageName, digest: Digest) -> bool:
        """The blob is no longer the image's. Says whether it was."""

    async def linked(
        repository: int, image: ImageName, digest: Digest
    ) -> Descriptor | None:
        """The descriptor by which a manifest of the image links to this blob or
        manifest, or None."""

    async def mount(
        repository: int, image: ImageName, digest: Digest, source: ImageName
    ) -> int | None:
        """Make a blob of ``source`` (same repository) one of ``image``'s.

        :returns: its size in bytes, or None when ``source`` has no such blob.
        """

    async def referrers(
        repository: int, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord]:
        """The manifests whose subject it is, sorted by digest."""


class IUploadStore(Interface):
    """Upload sessions, which outlive a connection and a restart."""

    async def begin_upload(record: UploadRecord) -> None:
        """Record a new session."""

    async def upload(identifier: str) -> UploadRecord | None:
        """The session, or None."""

    async def advance_upload(identifier: str, offset: int, touched: float) -> None:
        """The session now stands at ``offset`` durable bytes."""

    async def end_upload(identifier: str) -> None:
        """Forget the session. Safe twice."""

    async def uploads_before(touched: float) -> Sequence[UploadRecord]:
        """The sessions not touched since then (seconds since the epoch)."""


class IMetadataStore(ITagStore, IManifestStore, IUploadStore):
    """All facts about content. Each method is one durable transaction.

    :raises StorageOutage: any method, when the database fails.
    """

    async def repository(name: str, kind: str) -> int:
        """The id of a repository, made when it is new. Rights bind to the id."""

    async def checked(
        repository: int, image: ImageName, tag: Tag, checked_at: float
    ) -> None:
        """An upstream has confirmed the tag (seconds since the epoch)."""

    async def close() -> None:
        """Finish what is queued, then close the database."""


# --- upstream --------------------------------------------------------------


class IUpstreamBody(Interface):
    """The body of a blob on its way from an upstream; nothing read yet."""

    size: int | None = Attribute("the size of the whole blob in bytes, if told")
    offset: int = Attribute("where in the blob the body begins, in bytes")

    async def deliver(consumer: IConsumer) -> None:
        """Stream into ``consumer``, which paces it by pause and resume.

        :returns: when all that was promised has been written.
        :raises UpstreamOutage: when it broke, stalled, or had another length.
        :raises UpstreamTimeout: when it stalled.
        """

    def stop() -> None:
        """Let go at once; a *deliver* under way raises UpstreamOutage."""


class IUpstream(Interface):
    """One remote registry, asked by its own protocol.

    Every method: :raises Miss: the upstream says 404, or 401 after a fresh
    token; :raises Refused: it says 403; :raises UpstreamLimited: it says 429;
    :raises UpstreamOutage, UpstreamTimeout, EgressOutage: no usable answer.
    """

    async def head(image: ImageName, reference: Reference) -> Descriptor | None:
        """What a tag or digest is, by HEAD; None when the upstream does not
        tell by HEAD (no digest, 405): ask *manifest* then."""

    async def manifest(image: ImageName, reference: Reference) -> UpstreamManifest:
        """Fetch a manifest whole; at most 4 MiB; the digest is the body's own.

        :raises UpstreamOutage: also when a manifest asked by digest has another,
            or the answer is no manifest (an HTML page).
        """

    async def blob(image: ImageName, digest: Digest, offset: int = 0) -> IUpstreamBody:
        """Open a blob at ``offset`` bytes. The bytes are not verified."""

    async def blob_size(image: ImageName, digest: Digest) -> int | None:
        """The size of a blob in bytes by HEAD; None when it is not told."""

    async def tags(image: ImageName, page: Page) -> Names:
        """A page of the upstream's tags."""


# --- repositories ----------------------------------------------------------


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

    async def tags(image: ImageName, page: Page) -> Names:
        """A page of the image's tags, in ASCII order."""

    async def images(page: Page) -> Names:
        """A page of image names, in ASCII order."""


class IBlob(IContent):
    """A blob as a repository gives it out."""

    provenance: Provenance = Attribute("which member answered, and how")


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
        image: ImageName, reference: Reference, media_type: str, body: bytes
    ) -> Descriptor:
        """Store a manifest and move the tag, if the reference is one.

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

    async def mount(image: ImageName, digest: Digest, source: ImageName) -> bool:
        """Take a blob over from another image. False: upload it then."""

    async def delete_tag(image: ImageName, tag: Tag) -> None:
        """:raises Miss: MANIFEST_UNKNOWN."""

    async def delete_manifest(image: ImageName, digest: Digest) -> None:
        """Delete a manifest with all its tags. :raises Miss: MANIFEST_UNKNOWN."""

    async def delete_blob(image: ImageName, digest: Digest) -> None:
        """:raises Miss: BLOB_UNKNOWN."""


# --- access ----------------------------------------------------------------


class IAuthenticator(Interface):
    """Who is asking."""

    async def password(username: str, password: str) -> Identity:
        """The identity that a name and password prove.

        :raises Unauthenticated: when they prove nothing.
        """

    def token(token: str, service: str) -> Identity:
        """The identity, and the access it was narrowed to, of a bearer token.

        :param service: the repository whose connector was asked.
        :raises Unauthenticated: unknown, expired or for another service.
        """

    def grant(identity: Identity, service: str, access: Sequence[Access]) -> str:
        """A fresh bearer token for this service with this access."""

    lifetime: int = Attribute("how long a token lives, in seconds")


class IAccessPolicy(Interface):
    """Who may do what. Plain and pure."""

    def permits(
        principal: str, repository: str, image: ImageName | None, action: str
    ) -> bool:
        """Whether ``principal`` (empty: anonymous) may do it.

        :param action: ``pull``, ``push``, ``delete`` or ``catalog``.
        :param image: None for what concerns no image, such as ``/v2/``.
        """
