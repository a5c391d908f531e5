"""Docker's index of a proxy: where ``docker search`` looks (V1 API)."""

from collections.abc import Sequence
from urllib.parse import quote

from twisted.internet import defer
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pullthrough.errors import UpstreamOutage, UpstreamTimeout
from pullthrough.interfaces import ISearchIndex
from pullthrough.spec import documents
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.upstream.bodies import read_whole
from pullthrough.upstream.requests import Requests, Wish

#: Seconds that a search waits for an index: a person waits for it.
PATIENCE = 5.0

#: Largest answer, in bytes.
LARGEST_ANSWER = 1024 * 1024


@implementer(ISearchIndex)
class SearchIndex:
    """Asks ``/v1/search`` of an index.

    :param name: what people know it by, ``HOST:PORT``.
    """

    def __init__(self, name: str, requests: Requests, clock: IReactorTime) -> None:
        self._name = name
        self._requests = requests
        self._clock = clock

    async def search(self, term: str, limit: int) -> Sequence[ImageName]:
        """See :meth:`ISearchIndex.search`."""
        asking = defer.Deferred.fromCoroutine(self._ask(term, limit))
        asking.addTimeout(PATIENCE, self._clock)
        try:
            return await asking
        except defer.TimeoutError:
            raise UpstreamTimeout(f"index {self._name} did not answer") from None

    async def _ask(self, term: str, limit: int) -> Sequence[ImageName]:
        wish = Wish(
            "GET", f"/v1/search?q={quote(term, safe='')}&n={limit}", "", _MISSING
        )
        response = await self._requests.ask(wish)
        body = await read_whole(
            response, LARGEST_ANSWER, self._clock, self._name, PATIENCE
        )
        try:
            results = documents.read(body)["results"]
            names = [result["name"] for result in results]
        except (ValueError, LookupError, TypeError) as error:
            raise UpstreamOutage(f"index {self._name} sent no results") from error
        return [found for name in names if (found := _image(name))][:limit]


_MISSING = ErrorCode.UNSUPPORTED


def _image(name: object) -> ImageName | None:
    try:
        return ImageName(name) if isinstance(name, str) else None
    except InvalidText:
        return None
