"""Remote registries."""

from collections.abc import Iterable, Sequence

from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Reference
from pullthrough.values import ManifestRecord, UpstreamHead, UpstreamManifest


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

    async def head(image: ImageName, reference: Reference) -> UpstreamHead | None:
        """What a tag or digest is, by HEAD; None when the upstream does not
        tell by HEAD (no digest, 405): ask *manifest* then."""

    async def manifest(image: ImageName, reference: Reference) -> UpstreamManifest:
        """Fetch a manifest whole; at most 4 MiB; the digest is the body's own.

        :raises UpstreamOutage: also when a manifest asked by digest has another,
            or the answer is no manifest (an HTML page).
        """

    async def blob(
        image: ImageName, digest: Digest, offset: int = 0, end: int | None = None
    ) -> IUpstreamBody:
        """Open a blob at ``offset`` bytes, up to ``end`` (exclusive; None: all). An
        upstream that knows no ranges gives all of it, from 0. The bytes are not
        verified."""

    async def blob_size(image: ImageName, digest: Digest) -> int | None:
        """The size of a blob in bytes by HEAD; None when it is not told."""

    async def tags(image: ImageName, page: Page) -> Names:
        """A page of the upstream's tags."""

    async def referrers(
        image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord] | None:
        """What refers to a manifest; None when the upstream has no such API."""


class IForeignLayers(Interface):
    """Where layers come from that a manifest names by URL."""

    def permits(urls: Iterable[str]) -> bool:
        """Whether one of these may be asked."""

    async def open(urls: Iterable[str], digest: Digest, offset: int) -> IUpstreamBody:
        """Open a layer at ``offset`` bytes, from the first URL that gives it.

        :raises Miss, Outage: what the last one said.
        """


class ISearchIndex(Interface):
    """Where images are searched by what people call them."""

    async def search(term: str, limit: int) -> Sequence[ImageName]:
        """Images that match ``term``, at most ``limit``.

        :raises Outage, Miss, Refused: like an upstream.
        """
