"""Several URLs of one registry: the next is asked when one cannot tell."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from zope.interface import implementer

from pullthrough.errors import Outage
from pullthrough.interfaces import IUpstream, IUpstreamBody
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Reference
from pullthrough.values import ManifestRecord, UpstreamHead, UpstreamManifest

T = TypeVar("T")


@implementer(IUpstream)
class FailoverUpstream:
    """Asks the first, and the next ones only after an outage; a miss is an answer.

    :param upstreams: in the order configured.
    """

    def __init__(self, upstreams: Sequence[IUpstream]) -> None:
        self._upstreams = upstreams

    async def _first(self, ask: Callable[[IUpstream], Awaitable[T]]) -> T:
        outages: list[Outage] = []
        for upstream in self._upstreams:
            try:
                return await ask(upstream)
            except Outage as error:
                outages.append(error)
        raise outages[0]

    async def head(self, image: ImageName, reference: Reference) -> UpstreamHead | None:
        """See :meth:`IUpstream.head`."""
        return await self._first(lambda one: one.head(image, reference))

    async def manifest(
        self, image: ImageName, reference: Reference
    ) -> UpstreamManifest:
        """See :meth:`IUpstream.manifest`."""
        return await self._first(lambda one: one.manifest(image, reference))

    async def blob(
        self,
        image: ImageName,
        digest: Digest,
        offset: int = 0,
        end: int | None = None,
    ) -> IUpstreamBody:
        """See :meth:`IUpstream.blob`."""
        return await self._first(lambda one: one.blob(image, digest, offset, end))

    async def blob_size(self, image: ImageName, digest: Digest) -> int | None:
        """See :meth:`IUpstream.blob_size`."""
        return await self._first(lambda one: one.blob_size(image, digest))

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IUpstream.tags`."""
        return await self._first(lambda one: one.tags(image, page))

    async def referrers(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord] | None:
        """See :meth:`IUpstream.referrers`."""
        return await self._first(lambda one: one.referrers(image, subject))
