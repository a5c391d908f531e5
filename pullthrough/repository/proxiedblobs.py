"""The blobs of a proxy: our copies, else fills, which may be read as they grow."""

from math import inf

from twisted.logger import Logger

from pullthrough.errors import (
    Miss,
    Refused,
    Rotten,
    UpstreamOutage,
    denied,
)
from pullthrough.interfaces import (
    IBlob,
    IBlobStore,
    IContent,
    IForeignLayers,
    IMetadataStore,
    IUpstream,
    IUpstreamBody,
)
from pullthrough.repository.ahead import WORTH, Ahead
from pullthrough.repository.blob import Blob
from pullthrough.repository.fill import HELD_BACK
from pullthrough.repository.fills import Fills
from pullthrough.repository.negative import KnownMisses
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.mediatypes import OCTET_STREAM
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.values import BlobRecord


class ProxiedBlobs:
    """Opens blobs, and tells their sizes.

    :param name: of the repository.
    :param repository: its id in the metadata store.
    :param foreign: where foreign layers come from; None: from nowhere.
    """

    _log = Logger()

    def __init__(
        self,
        name: str,
        repository: int,
        upstream: IUpstream,
        store: IBlobStore,
        metadata: IMetadataStore,
        fills: Fills,
        misses: KnownMisses,
        foreign: IForeignLayers | None = None,
    ) -> None:
        self._name = name
        self._repository = repository
        self._upstream = upstream
        self._store = store
        self._metadata = metadata
        self._fills = fills
        self._misses = misses
        self._foreign = foreign

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """Our copy, or the fill."""
        copy, link = await self._find(image, digest)
        if copy is not None:
            return Blob(copy, Provenance(self._name, Source.HIT, until=inf))
        fill = self._fills.under_way(digest)
        if fill is None:
            self._refuse_known(image, digest, link)
        elif image not in fill.images and link is None:
            # Whoever joins must have a right to the content by this name (I10).
            await self._size_upstream(image, digest, link)
        told = link.size or None if link else None  # schema 1 tells no sizes
        if link is None:
            layer = await self._foreign_layer(image, digest)
            told = layer.descriptor.size if layer else None
        source = Source.HIT if fill is not None and fill.complete else Source.MISS
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
            raise denied(ErrorCode.BLOB_UNKNOWN, error) from error

        def ahead(content: IContent, start: int, end: int) -> IContent:
            """From the side, unless the fill is near; never the end of the blob."""
            end = min(end, content.size - HELD_BACK)
            running = self._fills.under_way(digest)
            if running is None or start >= end or start - running.written < WORTH:
                return content
            upstream = self._upstream
            return Ahead(
                content, lambda: upstream.blob(image, digest, start, end), start, end
            )

        return Blob(follower, Provenance(self._name, source), ahead)

    async def _open_upstream(
        self, image: ImageName, digest: Digest, offset: int
    ) -> IUpstreamBody:
        try:
            body = await self._upstream.blob(image, digest, offset)
        except Miss as error:
            layer = await self._foreign_layer(image, digest)
            if layer is not None and self._foreign is not None:
                return await self._foreign.open(layer.urls, digest, offset)
            self._misses.note((image, digest), error)
            raise
        self._misses.clear((image, digest))
        return body

    async def _foreign_layer(
        self, image: ImageName, digest: Digest
    ) -> ForeignLayer | None:
        """The foreign layer of the image that this is, if we may fetch it."""
        if self._foreign is None:
            return None
        layer = await self._metadata.foreign(self._repository, image, digest)
        if layer is None or not self._foreign.permits(layer.urls):
            return None
        return layer

    def _refuse_known(
        self, image: ImageName, digest: Digest, link: Descriptor | None
    ) -> None:
        known = self._misses.get((image, digest))
        if known is not None and link is None:
            raise known

    async def size(self, image: ImageName, digest: Digest) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`."""
        copy, link = await self._find(image, digest)
        if copy is not None:
            await copy.close()
            return copy.size, Provenance(self._name, Source.HIT, until=inf)
        fill = self._fills.under_way(digest)
        if (
            fill is not None
            and fill.size is not None
            and (link or image in fill.images)
        ):
            return fill.size, Provenance(self._name, Source.MISS)
        self._refuse_known(image, digest, link)
        size = await self._size_upstream(image, digest, link)
        return size, Provenance(self._name, Source.MISS)

    async def copy(self, image: ImageName, digest: Digest) -> IContent | None:
        """Our copy, if we have one and the image may give it out."""
        copy, _ = await self._find(image, digest)
        return copy

    async def _find(
        self, image: ImageName, digest: Digest
    ) -> tuple[IContent | None, Descriptor | None]:
        """Our copy; where there is none, how a manifest of the image links to it."""
        known = await self._metadata.blob(self._repository, image, digest)
        if known is not None:
            content = await self._open(image, digest, known)
            if content is not None:
                return content, None
        link = await self.linked(image, digest)
        if known is None and link is not None:
            return await self._open(image, digest, None), link
        return None, link

    async def _open(
        self, image: ImageName, digest: Digest, known: BlobRecord | None
    ) -> IContent | None:
        try:
            content = await self._store.open(digest)
        except Miss:
            return None
        try:
            if known is not None and content.size != known.size:
                raise Rotten(f"{digest} has another size than it had")
            await content.available(0)
        except Rotten as error:
            self._log.error("{name}: {why}", name=self._name, why=error.detail)
            await content.close()
            await self._store.quarantine(digest)
            return None
        except BaseException:
            await content.close()
            raise
        if known is None:
            await self._metadata.add_blob(self._repository, image, digest, content.size)
        return content

    async def linked(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """How a manifest of the image links to it."""
        return await self._metadata.linked(self._repository, image, digest)

    async def _size_upstream(
        self, image: ImageName, digest: Digest, link: Descriptor | None
    ) -> int:
        try:
            size = await self._upstream.blob_size(image, digest)
        except Refused as error:
            raise denied(ErrorCode.BLOB_UNKNOWN, error) from error
        except Miss:
            layer = await self._foreign_layer(image, digest)
            if layer is not None:
                return layer.descriptor.size
            if link is None:
                raise  # but not remembered: by GET it may be there all the same
            # Harbor as a proxy of its own knows by HEAD only what it has cached
            # (distribution#4747): a blob that a manifest names is asked by GET.
            size = None
        if size is None:
            size = await self._size_by_get(image, digest)
        if link is not None and link.size not in (0, size):  # schema 1 tells none
            raise UpstreamOutage(
                f"the upstream has {size} bytes where its manifest says {link.size}"
            )
        return size

    async def _size_by_get(self, image: ImageName, digest: Digest) -> int:
        try:
            body = await self._upstream.blob(image, digest)
        except Refused as error:
            raise denied(ErrorCode.BLOB_UNKNOWN, error) from error
        body.stop()
        if body.size is None:
            raise UpstreamOutage("the upstream does not tell the size of this blob")
        return body.size

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """The blob, if it is here and the image's."""
        copy = await self.copy(image, digest)
        if copy is None:
            return None
        await copy.close()
        return Descriptor(OCTET_STREAM, digest, copy.size)
