"""What an upstream lists: tags and referrers, page by page, within limits."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

from twisted.internet.interfaces import IReactorTime
from twisted.web.iweb import IResponse

from pullthrough.errors import Miss, Outage, UpstreamOutage
from pullthrough.spec import documents, mediatypes
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.links import next_page
from pullthrough.spec.manifest import listed_referrers
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, cut
from pullthrough.spec.reference import is_tag
from pullthrough.upstream.bodies import drop, read_whole
from pullthrough.upstream.headers import header_of
from pullthrough.upstream.requests import Requests, Wish, pull_scope
from pullthrough.values import ManifestRecord

#: Largest list, in bytes.
LARGEST_LIST = 4 * 1024 * 1024

#: How registries say, besides 404, that they have no API of referrers: Artifactory by
#: 406 (go-containerregistry#1962), others by 400, 405 or 501.
_UNSUPPORTED = (400, 405, 406, 501)

#: Most pages of referrers that are read (reliability C6: attackers may attach without
#: end).
MOST_PAGES = 10


class Lists:
    """Reads the lists of one upstream.

    :param name: what people know it by, ``HOST:PORT``.
    """

    def __init__(self, name: str, requests: Requests, clock: IReactorTime) -> None:
        self._name = name
        self._requests = requests
        self._clock = clock

    async def tags(self, image: ImageName, page: Page) -> Names:
        """See :meth:`IUpstream.tags`."""
        path = f"/v2/{image}/tags/list?n={page.n}"
        if page.last:
            path += f"&last={quote(page.last, safe='')}"
        wish = Wish("GET", path, pull_scope(image), ErrorCode.NAME_UNKNOWN)
        response = await self._requests.ask(wish)
        try:
            listed = documents.read(await self._whole(response)).get("tags") or []
            # Some registries list nulls, or digests as tags.
            names = [name for name in listed if is_tag(name)]
        except (ValueError, AttributeError, TypeError) as error:
            raise self._wrong("sent no usable list of tags") from error
        found = cut(names, page)
        more = page.n > 0 and bool(header_of(response, "Link"))
        return Names(found.names, found.more or (more and bool(found.names)))

    async def referrers(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord] | None:
        """See :meth:`IUpstream.referrers`."""
        path = f"/v2/{image}/referrers/{subject}"
        found: list[ManifestRecord] = []
        for _ in range(MOST_PAGES):
            wish = Wish(
                "GET",
                path,
                pull_scope(image),
                ErrorCode.MANIFEST_UNKNOWN,
                (("Accept", mediatypes.OCI_INDEX),),
                _UNSUPPORTED,
            )
            try:
                response = await self._requests.ask(wish)
            except Miss:
                # distribution-spec, "Listing Referrers": 404 means that the API is
                # not there; some answer 401 to what they do not know.
                return None
            if response.code != 200 or not _is_index(response):
                drop(response, self._clock)
                return None
            found += self._referrers(await self._whole(response))
            following = next_page(header_of(response, "Link"), path)
            if following is None:
                return found
            path = following
        raise self._wrong("lists referrers without end")

    def _referrers(self, body: bytes) -> Iterable[ManifestRecord]:
        try:
            return [
                ManifestRecord(
                    one.descriptor,
                    artifact_type=one.artifact_type,
                    annotations=one.annotations,
                )
                for one in listed_referrers(body)
            ]
        except InvalidText as error:
            raise self._wrong("sent no usable list of referrers") from error

    async def _whole(self, response: IResponse) -> bytes:
        return await read_whole(
            response,
            LARGEST_LIST,
            self._clock,
            self._name,
            self._requests.patience.idle,
        )

    def _wrong(self, what: str) -> Outage:
        return UpstreamOutage(f"upstream {self._name} {what}")


def _is_index(response: IResponse) -> bool:
    """Whether it is a list at all: some answer 200 with a page to any path."""
    media_type = mediatypes.essence(header_of(response, "Content-Type"))
    return media_type in (mediatypes.OCI_INDEX, "application/json", "")
