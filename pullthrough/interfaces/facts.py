"""Facts about content: tags, manifests, membership, upload sessions."""

from collections.abc import Sequence

from zope.interface import Attribute, Interface

from pullthrough.changes import Changes
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
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

    async def has_image(repository: int, image: ImageName) -> bool:
        """Whether the image has a manifest."""

    async def search(repository: int, term: str, limit: int) -> Sequence[ImageName]:
        """The images that have a manifest and ``term`` in their names, in order."""


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
        fixed: frozenset[Tag] = frozenset(),
    ) -> Tag | None:
        """Record a manifest with its links and move ``tags`` to it, at once.

        What it links to may be asked for by *linked*.

        :param checked_at: when an upstream said so (seconds since the epoch).
        :param fixed: tags that may not move from another manifest.
        :returns: one of those, if it would have to move; nothing is then changed.
        """

    async def delete_manifest(
        repository: int, image: ImageName, digest: Digest
    ) -> bool:
        """Remove a manifest and the tags on it. Says whether it was there."""

    async def add_blob(
        repository: int,
        image: ImageName,
        digest: Digest,
        size: int,
        leased_until: float = 0,
    ) -> None:
        """Make a blob one of the image's. Idempotent; a lease only grows.

        :param leased_until: how long it is kept without a manifest that links to it
            (seconds since the epoch).
        """

    async def blob(
        repository: int, image: ImageName, digest: Digest
    ) -> BlobRecord | None:
        """A blob that is the image's, or None."""

    async def delete_blob(repository: int, image: ImageName, digest: Digest) -> bool:
        """The blob is no longer the image's. Says whether it was."""

    async def linked(
        repository: int, image: ImageName, digest: Digest
    ) -> Descriptor | None:
        """The descriptor by which a manifest of the image links to this blob or
        manifest, or None."""

    async def foreign(
        repository: int, image: ImageName, digest: Digest
    ) -> ForeignLayer | None:
        """The foreign layer of a manifest of the image that has this digest, or
        None."""

    async def images_with(repository: int, digest: Digest) -> Sequence[ImageName]:
        """Some of the images that have a blob, in no order."""

    async def mount(
        repository: int,
        image: ImageName,
        digest: Digest,
        source: ImageName,
        leased_until: float = 0,
    ) -> int | None:
        """Make a blob of ``source`` (same repository) one of ``image``'s.

        :returns: its size in bytes, or None when ``source`` has no such blob.
        """

    async def referrers(
        repository: int, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """The manifests whose subject it is, and those that the manifest under the
        fallback tag lists (distribution-spec, "Enabling the Referrers API")."""

    async def listed_referrers(
        repository: int, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> ReferrersRecord | None:
        """What an upstream has listed as referring to it, or None."""

    async def put_listed_referrers(
        repository: int, image: ImageName, subject: Digest, listed: ReferrersRecord
    ) -> None:
        """Keep what an upstream has listed, in place of what it listed before."""


class IUploadStore(Interface):
    """Upload sessions, which outlive a connection and a restart."""

    async def begin_upload(record: UploadRecord) -> None:
        """Record a new session."""

    async def finish_upload(
        record: UploadRecord, digest: Digest, size: int, leased_until: float
    ) -> None:
        """The session ends in a blob of its image, at once; see
        :meth:`IManifestStore.add_blob`. It need not be recorded."""

    async def upload(identifier: str) -> UploadRecord | None:
        """The session, or None."""

    async def advance_upload(identifier: str, offset: int, touched: float) -> None:
        """The session now stands at ``offset`` durable bytes."""

    async def end_upload(identifier: str) -> None:
        """Forget the session. Safe twice."""

    async def uploads_before(touched: float, started: float) -> Sequence[UploadRecord]:
        """The sessions not touched since ``touched``, or begun before ``started``
        (seconds since the epoch)."""


class ILoginStore(Interface):
    """Logins by refresh token, which outlive a restart."""

    async def put_login(record: LoginRecord) -> None:
        """Keep a login, or note that it was used."""

    async def login(token_hash: bytes) -> LoginRecord | None:
        """The login of a token, or None."""

    async def end_login(token_hash: bytes) -> None:
        """Forget a login. Safe twice."""

    async def end_logins_before(used_at: float) -> int:
        """Forget those that were not used since (seconds since the epoch). How many."""


class IMetadataStore(ITagStore, IManifestStore, IUploadStore, ILoginStore):
    """All facts about content. Each method is one durable transaction.

    :raises StorageOutage: any method, when the database fails.
    """

    changes: Changes = Attribute(
        "where each change of tags, manifests and membership is noted, once it is"
        " durable and before its method returns"
    )

    async def repository(name: str, kind: str) -> int:
        """The id of a repository, made when it is new. Rights bind to the id."""

    async def checked(
        repository: int, image: ImageName, tag: Tag, checked_at: float
    ) -> None:
        """An upstream has confirmed the tag (seconds since the epoch)."""

    async def close() -> None:
        """Finish what is queued, then close the database."""
