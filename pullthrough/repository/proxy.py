"""A proxy repository: an upstream's images, fetched once and then our own."""

from collections.abc import Callable, Sequence

from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.errors import Invalid, Miss, Outage, Refused, UpstreamOutage
from pullthrough.interfaces import (
    IBlob,
    IBlobStore,
    IContent,
    IMetadataStore,
    IRepository,
    IUpstream,
    IUpstreamBody,
)
from pullthrough.repository.blob import Blob
from pullthrough.repository.fills import Fills
from pullthrough.repository.manifests import Manifests, describe
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.freshness import Decision, decide
from pullthrough.spec.mediatypes import OCTET_STREAM
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.spec.reference import Reference, Tag
from pullthrough.values import Manifest, ManifestRecord, Resolved
from pullthrough.waiters import Flights


@implementer(IRepository)
class ProxyRepository:
    """Answers from its copies, and asks the upstream for what it does not have.

    :param repository: its id in the metadata store.
    :param library: whether a one-part name means ``library/NAME``.
    :param max_age: how long a tag is served without asking, in seconds.
    :param any_type: whether manifests of types unknown to us are fetched.
    :param now: seconds since the epoch.
    """

    kind = "proxy"
    _log = Logger()

    def __init__(
        self,
        name: str,
        repository: int,
        upstream: IUpstream,
        store: IBlobStore,
        metadata: IMetadataStore,
        manifests: Manifests,
        fills: Fills,
        *,
        library: bool,
        max_age: float,
        any_type: bool = False,
        now: Callable[[], float],
    ) -> None:
        self.name = name
        self._repository = repository
        self._upstream = upstream
        self._store = store
        self._metadata = metadata
        self._manifests = manifests
        self._fills = fills
        self._library = library
        self._max_age = max_age
        self._any_type = any_type
        self._now = now
        self._flights: Flights[tuple[ImageName, Reference], ManifestRecord] = Flights()

    # -- manifests --

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """See :meth:`IRepository.resolve`."""
        record, provenance = await self._find(self._upstream_name(image), reference)
        return Resolved(record.descriptor, provenance)

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """See :meth:`IRepository.manifest`."""
        image = self._upstream_name(image)
        record, provenance = await self._find(image, reference)
        try:
            body = await self._manifests.body(record)
        except Miss:
            # The store has lost the bytes; the upstream has them still.
            record = await self._fetch(image, record.descriptor.digest)
            body = await self._manifests.body(record)
        return Manifest(record.descriptor, body, provenance)

    async def _find(
        self, image: ImageName, reference: Reference
    ) -> tuple[ManifestRecord, Provenance]:
        copy = await self._manifests.record(image, reference)
        checked_at = await self._checked_at(image, reference) if copy else None
        match decide(self._now(), checked_at, self._max_age):
            case Decision.SERVE if copy:
                return copy, Provenance(self.name, Source.HIT)
            case Decision.REVALIDATE if copy and isinstance(reference, Tag):
                return await self._revalidate(image, reference, copy)
        return await self._fetch(image, reference), Provenance(self.name, Source.MISS)

    async def _checked_at(self, image: ImageName, reference: Reference) -> float | None:
        if isinstance(reference, Digest):
            return float("inf")  # a digest never changes
        tag = await self._metadata.tag(self._repository, image, reference)
        return tag.checked_at if tag else None

    async def _revalidate(
        self, image: ImageName, tag: Tag, copy: ManifestRecord
    ) -> tuple[ManifestRecord, Provenance]:
        try:
            there = await self._upstream.head(image, tag)
            if there is not None and there.digest == copy.descriptor.digest:
                await self._metadata.checked(self._repository, image, tag, self._now())
                return copy, Provenance(self.name, Source.HIT)
            fetched = await self._fetch(image, tag)
        except (Outage, Miss, Refused) as error:
            warning = f"{self.name} serves its copy of {image}:{tag}: {error.detail}"
            self._log.warn("{warning}", warning=warning)
            return copy, Provenance(self.name, Source.STALE, warning)
        return fetched, Provenance(self.name, Source.MISS)

    async def _fetch(self, image: ImageName, reference: Reference) -> ManifestRecord:
        return await self._flights.join(
            (image, reference), lambda: self._fetch_alone(image, reference)
        )

    async def _fetch_alone(
        self, image: ImageName, reference: Reference
    ) -> ManifestRecord:
        try:
            fetched = await self._upstream.manifest(image, reference)
        except Refused as error:
            raise _denied(ErrorCode.MANIFEST_UNKNOWN, error) from error
        descriptor = fetched.descriptor
        try:
            record = describe(
                fetched.body,
                descriptor.media_type,
                descriptor.digest.algorithm,
                any_type=self._any_type,
            )
        except Invalid as error:
            raise UpstreamOutage(
                f"the upstream of {self.name} sent no usable manifest for"
                f" {image} {reference}: {error.detail}"
            ) from error
        tags = [reference] if isinstance(reference, Tag) else []
        return await self._manifests.write(
            image, record, fetched.body, tags, self._now()
        )

    # -- blobs --

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """See :meth:`IRepository.blob`."""
        image = self._upstream_name(image)
        copy = await self._open_copy(image, digest)
        if copy is not None:
            return Blob(copy, Provenance(self.name, Source.HIT))
        told = await self._told_size(image, digest)
        fill = self._fills.under_way(digest)
        if fill is not None and image not in fill.images:
            # Whoever joins must have a right to the content by this name (I10).
            await self._admit(image, digest)
        try:
            follower = await self._fills.follow(
                image,
                digest,
                lambda offset: self._open_upstream(image, digest, offset),
                told,
                lambda name, size: self._metadata.add_blob(
                    self._repository, name, digest, size
                ),
            )
        except Refused as error:
            raise _denied(ErrorCode.BLOB_UNKNOWN, error) from error
        return Blob(follower, Provenance(self.name, Source.MISS))

    async def _admit(self, image: ImageName, digest: Digest) -> None:
        if not await self._linked(image, digest):
            await self._size_upstream(image, digest)

    async def _open_upstream(
        self, image: ImageName, digest: Digest, offset: int
    ) -> IUpstreamBody:
        return await self._upstream.blob(image, digest, offset)

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`."""
        image = self._upstream_name(image)
        copy = await self._open_copy(image, digest)
        if copy is not None:
            await copy.close()
            return copy.size, Provenance(self.name, Source.HIT)
        size = await self._size_upstream(image, digest)
        return size, Provenance(self.name, Source.MISS)

    async def _open_copy(self, image: ImageName, digest: Digest) -> IContent | None:
        """Our copy, if we have one and the image may give it out."""
        known = await self._metadata.blob(self._repository, image, digest)
        if known is None and not await self._linked(image, digest):
            return None
        try:
            content = await self._store.open(digest)
        except Miss:
            return None
        if known is None:
            await self._metadata.add_blob(self._repository, image, digest, content.size)
        return content

    async def _linked(self, image: ImageName, digest: Digest) -> Descriptor | None:
        return await self._metadata.linked(self._repository, image, digest)

    async def _size_upstream(self, image: ImageName, digest: Digest) -> int:
        try:
            size = await self._upstream.blob_size(image, digest)
        except Refused as error:
            raise _denied(ErrorCode.BLOB_UNKNOWN, error) from error
        if size is not None:
            return size
        body = await self._upstream.blob(image, digest)
        body.stop()
        if body.size is None:
            raise UpstreamOutage("the upstream does not tell the size of this blob")
        return body.size

    async def _told_size(self, image: ImageName, digest: Digest) -> int | None:
        link = await self._linked(image, digest)
        return link.size or None if link else None  # schema 1 tells no sizes

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """See :meth:`IRepository.holds`."""
        image = self._upstream_name(image)
        copy = await self._open_copy(image, digest)
        if copy is not None:
            await copy.close()
            return Descriptor(OCTET_STREAM, digest, copy.size)
        record = await self._manifests.record(image, digest)
        return record.descriptor if record else None

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """See :meth:`IRepository.links`."""
        image = self._upstream_name(image)
        found = await self._metadata.linked(self._repository, image, digest)
        return found is not None

    # -- lists --

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IRepository.tags`."""
        image = self._upstream_name(image)
        try:
            return await self._upstream.tags(image, page)
        except (Outage, Refused, Miss):
            names = await self._metadata.tags(self._repository, image, page)
            if names is None:
                raise
            return names

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        return await self._metadata.images(self._repository, page)

    async def search(self, term: str, limit: int) -> Sequence[ImageName]:
        """See :meth:`IRepository.search`."""
        return await self._metadata.search(self._repository, term, limit)

    def _upstream_name(self, image: ImageName) -> ImageName:
        """Docker Hub's own images have no namespace for people, but do there."""
        if self._library and image.one_part:
            return ImageName(f"library/{image}")
        return image


def _denied(code: ErrorCode, error: Refused) -> Miss:
    # What an upstream denies to us it does not have for our clients; the chain
    # goes on to the next member.
    return Miss(code, error.detail)
