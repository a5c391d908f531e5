"""A hosted repository: our own images, pushed and pulled."""

from collections.abc import Callable, Iterable, Sequence
from math import inf

from zope.interface import implementer

from pullthrough.changes import Facts
from pullthrough.errors import Invalid, Miss, Refused, StorageOutage
from pullthrough.interfaces import (
    IBlob,
    IBlobStore,
    IMetadataStore,
    IReferrers,
    IUpload,
    IWritableRepository,
)
from pullthrough.repository.blob import Blob
from pullthrough.repository.manifests import Manifests, described
from pullthrough.repository.owned import Owns, nothing
from pullthrough.repository.uploads import LEASE, Uploads
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.mediatypes import (
    DOCKER_SCHEMA1_SIGNED,
    OCTET_STREAM,
    SCHEMA1,
)
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.spec.reference import Reference, Tag
from pullthrough.spec.writepolicy import Deployment
from pullthrough.values import (
    ANY,
    BlobRecord,
    Manifest,
    ManifestRecord,
    Referrers,
    Resolved,
    Wanted,
)


@implementer(IWritableRepository, IReferrers)
class HostedRepository:
    """Serves what was pushed to it, and nothing else.

    :param repository: its id in the metadata store.
    :param now: seconds since the epoch.
    :param deployment: what new pushes may change.
    :param any_type: whether manifests of types unknown to us may be pushed.
    :param owned: knows the names that no proxy may answer for.
    """

    kind = "hosted"

    def __init__(
        self,
        name: str,
        repository: int,
        store: IBlobStore,
        metadata: IMetadataStore,
        manifests: Manifests,
        uploads: Uploads,
        now: Callable[[], float],
        deployment: Deployment = Deployment(),  # noqa: B008  frozen
        any_type: bool = False,
        owned: Owns = nothing,
    ) -> None:
        self.name = name
        self._repository = repository
        self._store = store
        self._metadata = metadata
        self._manifests = manifests
        self._uploads = uploads
        self._now = now
        self._deployment = deployment
        self._any_type = any_type
        self._owned = owned
        self._provenance = Provenance(name, Source.HIT, until=inf)

    # -- reading --

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """See :meth:`IRepository.resolve`."""
        record = await self._record(image, reference)
        return Resolved(record.descriptor, self._provenance)

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """See :meth:`IRepository.manifest`."""
        record = await self._record(image, reference)
        try:
            return await self._manifests.read(record, self._provenance)
        except Miss as error:
            raise StorageOutage(f"{self.name} has lost a manifest's bytes") from error

    async def _record(self, image: ImageName, reference: Reference) -> ManifestRecord:
        record = await self._manifests.record(image, reference)
        if record is None:
            raise Miss(
                ErrorCode.MANIFEST_UNKNOWN,
                f"{self.name} has no manifest {image} {reference}",
                until=inf,
            )
        return record

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """See :meth:`IRepository.blob`."""
        await self._known(image, digest)
        try:
            content = await self._store.open(digest)
        except Miss as error:
            raise StorageOutage(f"{self.name} has lost blob {digest}") from error
        return Blob(content, self._provenance)

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`."""
        found = await self._known(image, digest)
        now, until = self._now(), found.leased_until
        if until < now + LEASE / 2:
            # A client that is told so does not push it again: it must stay until the
            # manifest comes. Once in half a lease is enough.
            until = now + LEASE
            await self._metadata.add_blob(
                self._repository, image, digest, found.size, until
            )
        return found.size, self._provenance.at_most(until - LEASE / 2)

    async def _known(self, image: ImageName, digest: Digest) -> BlobRecord:
        found = await self._metadata.blob(self._repository, image, digest)
        if found is None:
            raise _no_blob(self.name, image, digest)
        return found

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """See :meth:`IRepository.holds`."""
        found = await self._metadata.blob(self._repository, image, digest)
        if found is not None:
            return Descriptor(OCTET_STREAM, digest, found.size)
        record = await self._manifests.record(image, digest)
        return record.descriptor if record else None

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """See :meth:`IRepository.links`."""
        found = await self._metadata.linked(self._repository, image, digest)
        return found is not None

    def watched(self, image: ImageName) -> Iterable[Facts]:
        """See :meth:`IRepository.watched`."""
        return [(self._repository, image)]

    async def owns(self, image: ImageName) -> bool:
        """See :meth:`IRepository.owns`."""
        return await self._owned(image)

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IRepository.tags`."""
        names = await self._metadata.tags(self._repository, image, page)
        if names is None:
            raise Miss(ErrorCode.NAME_UNKNOWN, f"{self.name} has no image {image}")
        return names

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        return await self._metadata.images(self._repository, page)

    async def search(self, term: str, limit: int) -> Names:
        """See :meth:`IRepository.search`."""
        found = await self._metadata.search(self._repository, term, limit)
        return Names(tuple(image.text for image in found), False)

    async def referrers(
        self, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """See :meth:`IReferrers.referrers`."""
        return await self._metadata.referrers(self._repository, image, subject, wanted)

    # -- writing --

    async def put_manifest(
        self,
        image: ImageName,
        reference: Reference,
        media_type: str,
        body: bytes,
        tags: Sequence[Tag] = (),
        overwrite: bool = True,
    ) -> ManifestRecord:
        """See :meth:`IWritableRepository.put_manifest`."""
        self._admit_write()
        asked = reference if isinstance(reference, Digest) else None
        algorithm = asked.algorithm if asked else "sha256"
        record = await described(
            self._manifests.threads,
            body,
            media_type,
            algorithm,
            strict=True,
            any_type=self._any_type,
        )
        if asked not in (None, record.descriptor.digest):
            raise Invalid(
                ErrorCode.DIGEST_INVALID,
                f"the manifest has digest {record.descriptor.digest}",
            )
        await self._check_standing(image, record)
        await self._check_blobs(image, record)
        moved = [*tags, reference] if isinstance(reference, Tag) else tags
        fixed = self._deployment.fixed(moved) if overwrite else frozenset(moved)
        return await self._manifests.write(
            image, record, body, moved, self._now(), fixed
        )

    def _admit_write(self) -> None:
        if not self._deployment.writable:
            raise Refused(
                ErrorCode.DENIED, f"{self.name} is read-only (write_policy = deny)"
            )

    def _admit_delete(self) -> None:
        # distribution-spec, "Deleting tags": "If tag deletion is disabled, the registry
        # MUST respond with either a 400 Bad Request or a 405 Method Not Allowed".
        if not self._deployment.writable:
            raise Refused(
                ErrorCode.UNSUPPORTED,
                f"nothing is deleted from {self.name} (write_policy = deny)",
            )

    async def _check_standing(self, image: ImageName, record: ManifestRecord) -> None:
        """A signed schema 1 manifest is named by its payload, which its pusher chooses:
        it must not take the name of another manifest."""
        if record.descriptor.media_type != DOCKER_SCHEMA1_SIGNED:
            return
        digest = record.descriptor.digest
        there = await self._metadata.manifest(self._repository, image, digest)
        if there and there.descriptor.media_type != DOCKER_SCHEMA1_SIGNED:
            raise Invalid(
                ErrorCode.MANIFEST_INVALID,
                f"{digest} is another manifest of {image}, which is not signed",
            )

    async def _check_blobs(self, image: ImageName, record: ManifestRecord) -> None:
        """The blobs that a manifest needs must be the image's, with their sizes."""
        told = record.descriptor.media_type not in SCHEMA1  # which tells no sizes
        for needed in dict.fromkeys(record.blobs):
            digest = needed.digest
            found = await self._metadata.blob(self._repository, image, digest)
            if found is None:
                raise Invalid(
                    ErrorCode.MANIFEST_BLOB_UNKNOWN,
                    f"push blob {digest} to {image} first",
                )
            if told and found.size != needed.size:
                raise Invalid(
                    ErrorCode.MANIFEST_INVALID,
                    f"blob {digest} has {found.size} bytes, not {needed.size}",
                )

    async def begin_upload(
        self, image: ImageName, principal: str, algorithm: str = "sha256"
    ) -> IUpload:
        """See :meth:`IWritableRepository.begin_upload`."""
        self._admit_write()
        return await self._uploads.begin(image, principal, algorithm)

    async def upload(
        self, image: ImageName, identifier: str, principal: str
    ) -> IUpload:
        """See :meth:`IWritableRepository.upload`."""
        return await self._uploads.open(image, identifier, principal)

    async def upload_offset(
        self, image: ImageName, identifier: str, principal: str
    ) -> int:
        """See :meth:`IWritableRepository.upload_offset`."""
        return await self._uploads.offset(image, identifier, principal)

    async def images_with(self, digest: Digest) -> Sequence[ImageName]:
        """See :meth:`IWritableRepository.images_with`."""
        return await self._metadata.images_with(self._repository, digest)

    async def mount(self, image: ImageName, digest: Digest, source: ImageName) -> bool:
        """See :meth:`IWritableRepository.mount`."""
        self._admit_write()
        until = self._now() + LEASE
        size = await self._metadata.mount(
            self._repository, image, digest, source, until
        )
        return size is not None

    async def delete_tag(self, image: ImageName, tag: Tag) -> None:
        """See :meth:`IWritableRepository.delete_tag`."""
        self._admit_delete()
        if not await self._metadata.delete_tag(self._repository, image, tag):
            raise Miss(
                ErrorCode.MANIFEST_UNKNOWN, f"{self.name} has no tag {image}:{tag}"
            )

    async def delete_manifest(self, image: ImageName, digest: Digest) -> None:
        """See :meth:`IWritableRepository.delete_manifest`."""
        self._admit_delete()
        if not await self._metadata.delete_manifest(self._repository, image, digest):
            raise Miss(
                ErrorCode.MANIFEST_UNKNOWN,
                f"{self.name} has no manifest {image}@{digest}",
            )

    async def delete_blob(self, image: ImageName, digest: Digest) -> None:
        """See :meth:`IWritableRepository.delete_blob`."""
        self._admit_delete()
        if not await self._metadata.delete_blob(self._repository, image, digest):
            raise _no_blob(self.name, image, digest)


def _no_blob(name: str, image: ImageName, digest: Digest) -> Miss:
    return Miss(
        ErrorCode.BLOB_UNKNOWN, f"{name} has no blob {digest} of {image}", until=inf
    )
