"""A repository that is switched off: it keeps everything and answers nothing."""

from collections.abc import Iterable, Sequence
from typing import NoReturn

from zope.interface import implementer

from pullthrough.changes import Facts
from pullthrough.errors import Offline
from pullthrough.interfaces import (
    IBlob,
    IReferrers,
    IUpload,
    IWritableRepository,
)
from pullthrough.repository.owned import Owns, nothing
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


@implementer(IWritableRepository, IReferrers)
class OfflineRepository:
    """Stands in for a repository with ``online = no``; everything is an outage.

    :param kind: of the repository that it stands for.
    :param owned: knows the names that no proxy may answer for all the same.
    """

    def __init__(self, name: str, kind: str, owned: Owns = nothing) -> None:
        self.name = name
        self.kind = kind
        self._owned = owned

    def _refuse(self) -> NoReturn:
        raise Offline(self.name)

    def watched(self, image: ImageName) -> Iterable[Facts]:
        """See :meth:`IRepository.watched`: nothing changes while it is off."""
        return []

    async def owns(self, image: ImageName) -> bool:
        """See :meth:`IRepository.owns`."""
        return await self._owned(image)

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """Offline."""
        self._refuse()

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """Offline."""
        self._refuse()

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """Offline."""
        self._refuse()

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """Offline."""
        self._refuse()

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """Offline."""
        self._refuse()

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """Offline: it is not asked for what it may know."""
        return False

    async def tags(self, image: ImageName, page: Page) -> Names:
        """Offline."""
        self._refuse()

    async def images(self, page: Page) -> Names:
        """Offline."""
        self._refuse()

    async def search(self, term: str, limit: int) -> Names:
        """Offline."""
        self._refuse()

    async def referrers(
        self, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """Offline."""
        self._refuse()

    async def put_manifest(
        self,
        image: ImageName,
        reference: Reference,
        media_type: str,
        body: bytes,
        tags: Sequence[Tag] = (),
        overwrite: bool = True,
    ) -> ManifestRecord:
        """Offline."""
        self._refuse()

    async def begin_upload(
        self, image: ImageName, principal: str, algorithm: str = "sha256"
    ) -> IUpload:
        """Offline."""
        self._refuse()

    async def upload(
        self, image: ImageName, identifier: str, principal: str
    ) -> IUpload:
        """Offline."""
        self._refuse()

    async def upload_offset(
        self, image: ImageName, identifier: str, principal: str
    ) -> int:
        """Offline."""
        self._refuse()

    async def images_with(self, digest: Digest) -> Sequence[ImageName]:
        """Offline."""
        self._refuse()

    async def mount(self, image: ImageName, digest: Digest, source: ImageName) -> bool:
        """Offline."""
        self._refuse()

    async def delete_tag(self, image: ImageName, tag: Tag) -> None:
        """Offline."""
        self._refuse()

    async def delete_manifest(self, image: ImageName, digest: Digest) -> None:
        """Offline."""
        self._refuse()

    async def delete_blob(self, image: ImageName, digest: Digest) -> None:
        """Offline."""
        self._refuse()
