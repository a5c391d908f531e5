"""A group that takes pushes: they land in its writable member, and only there."""

from collections.abc import Iterable, Sequence

from zope.interface import implementer

from pullthrough.changes import Facts
from pullthrough.errors import Miss
from pullthrough.interfaces import (
    IBlob,
    INamespaced,
    IReferrers,
    IRepository,
    IUpload,
    IWritableRepository,
)
from pullthrough.repository.chain import first_found
from pullthrough.repository.copying import copy
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.manifests import described
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference, Tag
from pullthrough.threads import Inline, IThreads
from pullthrough.values import (
    ANY,
    Manifest,
    ManifestRecord,
    Referrers,
    Resolved,
    Wanted,
)

_HERE = Inline()


@implementer(IWritableRepository, IReferrers, INamespaced)
class WritableGroup:
    """Reads as the group does; writes to the hosted member chosen for it.

    :param threads: where large manifests are read.
    """

    kind = "group"

    def __init__(
        self,
        group: GroupRepository,
        writable: IWritableRepository,
        threads: IThreads = _HERE,
    ) -> None:
        self._threads = threads
        self.name = group.name
        self.members = group.members
        self._group = group
        self._writable = writable

    # -- reading: the group --

    def watched(self, image: ImageName) -> Iterable[Facts]:
        """See :meth:`IRepository.watched`."""
        return self._group.watched(image)

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """See :meth:`IRepository.resolve`."""
        return await self._group.resolve(image, reference)

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """See :meth:`IRepository.manifest`."""
        return await self._group.manifest(image, reference)

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """See :meth:`IRepository.blob`."""
        return await self._group.blob(image, digest)

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`.

        A client that pushes asks so for each layer. Only those are asked that know the
        blob: a new layer costs no question to the world, and an upstream that is down
        stops no push.
        """
        members = await self._group.known_blob(image, digest)
        return await first_found(
            members, lambda member: member.blob_size(image, digest)
        )

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """See :meth:`IRepository.holds`."""
        return await self._group.holds(image, digest)

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """See :meth:`IRepository.links`."""
        return await self._group.links(image, digest)

    async def owns(self, image: ImageName) -> bool:
        """See :meth:`IRepository.owns`."""
        return await self._group.owns(image)

    def within(self, namespace: str) -> IRepository | None:
        """See :meth:`INamespaced.within`."""
        return self._group.within(namespace)

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IRepository.tags`."""
        return await self._group.tags(image, page)

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        return await self._group.images(page)

    async def search(self, term: str, limit: int) -> Names:
        """See :meth:`IRepository.search`."""
        return await self._group.search(term, limit)

    async def referrers(
        self, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """See :meth:`IReferrers.referrers`."""
        return await self._group.referrers(image, subject, wanted)

    # -- writing: the member --

    async def put_manifest(
        self,
        image: ImageName,
        reference: Reference,
        media_type: str,
        body: bytes,
        tags: Sequence[Tag] = (),
        overwrite: bool = True,
    ) -> ManifestRecord:
        """See :meth:`IWritableRepository.put_manifest`.

        A client that found a layer in another member by HEAD did not send it; it
        is copied into the writable member first.
        """
        record = await described(self._threads, body, media_type)
        for digest in dict.fromkeys(blob.digest for blob in record.blobs):
            if await self._writable.holds(image, digest) is None:
                # The writable member then says what is missing.
                await self._bring(image, digest, image)
        return await self._writable.put_manifest(
            image, reference, media_type, body, tags, overwrite
        )

    async def _bring(self, image: ImageName, digest: Digest, source: ImageName) -> bool:
        """Copy a blob into the writable member. Says whether somebody has it."""
        members = await self._group.known_blob(source, digest)
        try:
            content = await first_found(
                members, lambda member: member.blob(source, digest)
            )
        except Miss:
            return False
        try:
            upload = await self._writable.begin_upload(image, "", digest.algorithm)
            try:
                await copy(content, upload)
                await upload.commit(digest)
            finally:
                await upload.cancel()
        finally:
            await content.close()
        return True

    async def begin_upload(
        self, image: ImageName, principal: str, algorithm: str = "sha256"
    ) -> IUpload:
        """See :meth:`IWritableRepository.begin_upload`."""
        return await self._writable.begin_upload(image, principal, algorithm)

    async def upload(
        self, image: ImageName, identifier: str, principal: str
    ) -> IUpload:
        """See :meth:`IWritableRepository.upload`."""
        return await self._writable.upload(image, identifier, principal)

    async def upload_offset(
        self, image: ImageName, identifier: str, principal: str
    ) -> int:
        """See :meth:`IWritableRepository.upload_offset`."""
        return await self._writable.upload_offset(image, identifier, principal)

    async def images_with(self, digest: Digest) -> Sequence[ImageName]:
        """See :meth:`IWritableRepository.images_with`."""
        return await self._writable.images_with(digest)

    async def mount(self, image: ImageName, digest: Digest, source: ImageName) -> bool:
        """See :meth:`IWritableRepository.mount`."""
        if await self._writable.mount(image, digest, source):
            return True
        # A layer that any member has is not sent again: it is copied from there.
        if await self._group.holds(source, digest) is None:
            return False
        return await self._bring(image, digest, source)

    async def delete_tag(self, image: ImageName, tag: Tag) -> None:
        """See :meth:`IWritableRepository.delete_tag`."""
        await self._writable.delete_tag(image, tag)

    async def delete_manifest(self, image: ImageName, digest: Digest) -> None:
        """See :meth:`IWritableRepository.delete_manifest`."""
        await self._writable.delete_manifest(image, digest)

    async def delete_blob(self, image: ImageName, digest: Digest) -> None:
        """See :meth:`IWritableRepository.delete_blob`."""
        await self._writable.delete_blob(image, digest)
