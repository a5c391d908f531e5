"""One remote registry, by the distribution protocol."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IResponse
from zope.interface import implementer

from pullthrough.errors import Outage, UpstreamOutage
from pullthrough.interfaces import IUpstream, IUpstreamBody
from pullthrough.spec import mediatypes
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.manifest import LARGEST_MANIFEST, digest_of, media_type_of
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Reference
from pullthrough.spec.warning import parse_warning
from pullthrough.upstream.blobs import IDENTITY, encoding_of, open_blob, refuse_encoded
from pullthrough.upstream.bodies import drop, length_of, read_to_end
from pullthrough.upstream.headers import header_of, told_length, values_of
from pullthrough.upstream.lists import Lists
from pullthrough.upstream.requests import Requests, Wish, pull_scope
from pullthrough.values import ManifestRecord, UpstreamHead, UpstreamManifest

T = TypeVar("T")

_ACCEPT = (("Accept", ", ".join(mediatypes.ACCEPT_MANIFESTS)),)


@implementer(IUpstream)
class RegistryUpstream:
    """Asks a registry for manifests, blobs and tags.

    :param name: what people know it by, ``HOST:PORT``.
    """

    def __init__(self, name: str, requests: Requests, clock: IReactorTime) -> None:
        self._name = name
        self._requests = requests
        self._clock = clock
        self._bodies = requests.limits.bodies
        self._metadata = requests.limits.metadata
        self._lists = Lists(name, requests, clock)

    async def _turn(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do what is no blob when there is a turn for it."""
        await self._metadata.take()
        try:
            return await work()
        finally:
            self._metadata.release()

    # -- manifests --

    async def head(self, image: ImageName, reference: Reference) -> UpstreamHead | None:
        """See :meth:`IUpstream.head`."""
        return await self._turn(lambda: self._head(image, reference))

    async def _head(
        self, image: ImageName, reference: Reference
    ) -> UpstreamHead | None:
        wish = replace(self._manifest(image, reference, "HEAD"), answers=(405,))
        response = await self._requests.ask(wish)
        drop(response, self._clock)
        if response.code == 405:
            return None
        told = header_of(response, "Docker-Content-Digest")
        media_type = mediatypes.essence(header_of(response, "Content-Type"))
        size = told_length(response)
        if not media_type or size is None:
            return None
        try:
            descriptor = Descriptor(media_type, Digest.parse(told), size)
        except InvalidText:
            return None
        return UpstreamHead(descriptor, _warning(response))

    async def manifest(
        self, image: ImageName, reference: Reference
    ) -> UpstreamManifest:
        """See :meth:`IUpstream.manifest`."""
        return await self._turn(lambda: self._get(image, reference))

    async def _get(self, image: ImageName, reference: Reference) -> UpstreamManifest:
        response = await self._requests.ask(self._manifest(image, reference, "GET"))
        refuse_encoded(response, self._name, self._clock)
        body, marked = await read_to_end(
            response,
            LARGEST_MANIFEST,
            self._clock,
            self._name,
            self._requests.patience.idle,
        )
        expected = length_of(response)
        if expected is not None and expected != len(body):
            raise self._wrong("sent a manifest cut short")
        declared = header_of(response, "Content-Type")
        if mediatypes.essence(declared) == "text/html":
            raise self._wrong("sent a web page where a manifest should be")
        asked = reference if isinstance(reference, Digest) else None
        try:
            media_type = media_type_of(body, declared)
            algorithm = asked.algorithm if asked else "sha256"
            digest = digest_of(body, media_type, algorithm)
        except InvalidText as error:
            raise self._wrong(f"sent no usable manifest: {error.detail}") from error
        if asked is not None and asked != digest:
            raise self._wrong(f"sent manifest {digest} where {asked} was asked")
        told = header_of(response, "Docker-Content-Digest")
        vouched = told.startswith("sha256:")
        if vouched and asked is None and told != str(digest):
            raise self._wrong(f"sent manifest {digest} and called it {told}")
        if not (marked or vouched or asked):
            raise self._wrong("sent a manifest whose end is not marked")
        descriptor = Descriptor(media_type, digest, len(body))
        return UpstreamManifest(descriptor, body, _warning(response))

    def _manifest(self, image: ImageName, reference: Reference, method: str) -> Wish:
        return Wish(
            method,
            f"/v2/{image}/manifests/{reference}",
            pull_scope(image),
            ErrorCode.MANIFEST_UNKNOWN,
            (*_ACCEPT, *IDENTITY),
        )

    # -- blobs --

    async def blob(
        self,
        image: ImageName,
        digest: Digest,
        offset: int = 0,
        end: int | None = None,
    ) -> IUpstreamBody:
        """See :meth:`IUpstream.blob`."""
        wish = self._blob(image, digest, "GET")
        release = self._bodies.release
        await self._bodies.take()
        try:
            return await open_blob(
                self._requests, wish, offset, end, self._clock, self._name, release
            )
        except BaseException:
            release()
            raise

    async def blob_size(self, image: ImageName, digest: Digest) -> int | None:
        """See :meth:`IUpstream.blob_size`."""
        return await self._turn(lambda: self._size(image, digest))

    async def _size(self, image: ImageName, digest: Digest) -> int | None:
        wish = replace(self._blob(image, digest, "HEAD"), answers=(405,))
        response = await self._requests.ask(wish)
        drop(response, self._clock)
        page = mediatypes.essence(header_of(response, "Content-Type")) == "text/html"
        if response.code != 200 or page or encoding_of(response):
            return None  # it is not the blob that is told of
        return told_length(response)

    def _blob(self, image: ImageName, digest: Digest, method: str) -> Wish:
        return Wish(
            method,
            f"/v2/{image}/blobs/{digest}",
            pull_scope(image),
            ErrorCode.BLOB_UNKNOWN,
            IDENTITY,
        )

    # -- lists --

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IUpstream.tags`."""
        return await self._turn(lambda: self._lists.tags(image, page))

    async def referrers(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord] | None:
        """See :meth:`IUpstream.referrers`."""
        return await self._turn(lambda: self._lists.referrers(image, subject))

    def _wrong(self, what: str) -> Outage:
        return UpstreamOutage(f"upstream {self._name} {what}")


def _warning(response: IResponse) -> str:
    values = values_of(response, "Warning")
    return next((text for value in values if (text := parse_warning(value))), "")
