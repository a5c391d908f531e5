"""A proxy repository: an upstream's images, fetched once and then our own."""

from collections.abc import Iterable
from dataclasses import replace

from zope.interface import implementer

from pullthrough.changes import Facts
from pullthrough.errors import (
    Miss,
    Outage,
    Refused,
    RuledOut,
    denied,
)
from pullthrough.interfaces import (
    IBlob,
    IMetadataStore,
    IReferrers,
    IRepository,
    ISearchIndex,
    IUpstream,
)
from pullthrough.repository.manifests import Manifests
from pullthrough.repository.proxied import ProxiedManifests
from pullthrough.repository.proxiedblobs import ProxiedBlobs
from pullthrough.repository.proxiedreferrers import ProxiedReferrers
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, merged
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference
from pullthrough.spec.routing import RoutingRule
from pullthrough.values import ANY, Manifest, Referrers, Resolved, Wanted


@implementer(IRepository, IReferrers)
class ProxyRepository:
    """Answers from its copies, and asks the upstream for what it does not have.

    :param repository: its id in the metadata store.
    :param index: where images are searched; None: only among the copies.
    :param rule: which images may be asked for at all; None: every one.
    :param library: whether a one-part name means ``library/NAME``.
    """

    kind = "proxy"

    def __init__(
        self,
        name: str,
        repository: int,
        upstream: IUpstream,
        metadata: IMetadataStore,
        manifests: Manifests,
        proxied: ProxiedManifests,
        blobs: ProxiedBlobs,
        referrers: ProxiedReferrers,
        *,
        index: ISearchIndex | None = None,
        rule: RoutingRule | None = None,
        library: bool = False,
    ) -> None:
        self.name = name
        self._repository = repository
        self._upstream = upstream
        self._metadata = metadata
        self._manifests = manifests
        self._proxied = proxied
        self._blobs = blobs
        self._referrers = referrers
        self._index = index
        self._rule = rule
        self._library = library

    # -- what may be asked for, and by which name --

    def _admitted(self, image: ImageName, reference: Reference | None) -> ImageName:
        """The name that the upstream knows it by.

        :raises RuledOut: when the routing rule refuses it.
        """
        if self._library and image.one_part:
            # Docker Hub's own images have no namespace for people, but do there.
            image = ImageName(f"library/{image}")
        rule = self._rule
        if rule is not None and not rule.permits(image, reference):
            what = image.text if reference is None else f"{image} {reference}"
            raise RuledOut(f"routing rule {rule.name} refuses {what} in {self.name}")
        return image

    # -- manifests --

    async def resolve(self, image: ImageName, reference: Reference) -> Resolved:
        """See :meth:`IRepository.resolve`."""
        image = self._admitted(image, reference)
        record, provenance = await self._proxied.find(image, reference)
        return Resolved(record.descriptor, provenance)

    async def manifest(self, image: ImageName, reference: Reference) -> Manifest:
        """See :meth:`IRepository.manifest`."""
        image = self._admitted(image, reference)
        return await self._proxied.manifest(image, reference)

    async def referrers(
        self, image: ImageName, subject: Digest, wanted: Wanted = ANY
    ) -> Referrers:
        """See :meth:`IReferrers.referrers`."""
        image = self._admitted(image, subject)
        return await self._referrers.referrers(image, subject, wanted)

    # -- blobs --

    async def blob(self, image: ImageName, digest: Digest) -> IBlob:
        """See :meth:`IRepository.blob`."""
        return await self._blobs.blob(self._admitted(image, digest), digest)

    async def blob_size(
        self, image: ImageName, digest: Digest
    ) -> tuple[int, Provenance]:
        """See :meth:`IRepository.blob_size`."""
        return await self._blobs.size(self._admitted(image, digest), digest)

    async def holds(self, image: ImageName, digest: Digest) -> Descriptor | None:
        """See :meth:`IRepository.holds`."""
        try:
            image = self._admitted(image, digest)
        except RuledOut:
            return None
        copy = await self._blobs.holds(image, digest)
        if copy is not None:
            return copy
        record = await self._manifests.record(image, digest)
        return record.descriptor if record else None

    async def links(self, image: ImageName, digest: Digest) -> bool:
        """See :meth:`IRepository.links`."""
        try:
            image = self._admitted(image, digest)
        except RuledOut:
            return False
        return await self._blobs.linked(image, digest) is not None

    def watched(self, image: ImageName) -> Iterable[Facts]:
        """See :meth:`IRepository.watched`."""
        try:
            return [(self._repository, self._admitted(image, None))]
        except RuledOut:
            return []

    async def owns(self, image: ImageName) -> bool:
        """See :meth:`IRepository.owns`: nothing here is ours."""
        return False

    # -- lists --

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IRepository.tags`: the upstream's, and those that we have."""
        image = self._admitted(image, None)
        copies = await self._metadata.tags(self._repository, image, page)
        try:
            listed = await self._upstream.tags(image, page)
        except (Outage, Refused, Miss) as error:
            if copies is None or not (copies.names or page.last):
                raise denied(ErrorCode.NAME_UNKNOWN, error) from error
            warning = f"{self.name} lists its copies of {image}: {error.detail}"
            return replace(copies, warning=warning)
        return merged([listed, copies] if copies else [listed], page)

    async def images(self, page: Page) -> Names:
        """See :meth:`IRepository.images`."""
        return await self._metadata.images(self._repository, page)

    async def search(self, term: str, limit: int) -> Names:
        """See :meth:`IRepository.search`: in the index, and among the copies."""
        found = set(await self._metadata.search(self._repository, term, limit))
        warning = ""
        if self._index is not None:
            try:
                found |= set(await self._index.search(term, limit))
            except (Outage, Refused, Miss) as error:
                # What is here is found all the same.
                warning = f"{self.name} finds its copies only: {error.detail}"
        listed = [name.text for name in sorted(found) if self._may_list(name)]
        return Names(tuple(listed[:limit]), len(listed) > limit, warning)

    def _may_list(self, image: ImageName) -> bool:
        try:
            self._admitted(image, None)
        except (RuledOut, InvalidText):
            return False
        return True
