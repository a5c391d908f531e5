"""Foreign layers: fetched from the URLs that a manifest names, if we may.

Image-spec, layer.md, "Non-Distributable Layers": a registry need not have them.
"""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pullthrough.errors import Miss, Outage, Refused
from pullthrough.interfaces import IForeignLayers, IUpstreamBody
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.origins import Origin
from pullthrough.turns import Turns
from pullthrough.upstream.blobs import IDENTITY, open_blob
from pullthrough.upstream.requests import Requests, Wish
from pullthrough.upstream.slots import BODIES, BODY_PATIENCE

#: Most URLs of one layer that are tried.
MOST_URLS = 4


@implementer(IForeignLayers)
class ForeignLayers:
    """Asks wherever a URL leads that a glob lets through, without credentials.

    :param requests: makes what asks a URL.
    :param globs: of whole URLs.
    """

    def __init__(
        self,
        requests: Callable[[str], Requests],
        globs: Sequence[str],
        clock: IReactorTime,
    ) -> None:
        self._requests = requests
        self._globs = globs
        self._clock = clock
        self._turns = Turns("foreign layers", BODIES, clock, BODY_PATIENCE)

    def permits(self, urls: Iterable[str]) -> bool:
        """See :meth:`IForeignLayers.permits`."""
        return bool(self._permitted(urls))

    def _permitted(self, urls: Iterable[str]) -> list[str]:
        return [url for url in urls if _is_url(url) and self._lets_through(url)]

    def _lets_through(self, url: str) -> bool:
        return any(fnmatchcase(url, glob) for glob in self._globs)

    async def open(
        self, urls: Iterable[str], digest: Digest, offset: int
    ) -> IUpstreamBody:
        """See :meth:`IForeignLayers.open`."""
        problem: Miss | Outage | Refused = Miss(
            ErrorCode.BLOB_UNKNOWN, f"no URL of foreign layer {digest} may be asked"
        )
        for url in self._permitted(urls)[:MOST_URLS]:
            try:
                return await self._open(url, offset)
            except (Miss, Outage, Refused) as error:
                problem = error
        raise problem

    async def _open(self, url: str, offset: int) -> IUpstreamBody:
        wish = Wish("GET", "", "", ErrorCode.BLOB_UNKNOWN, IDENTITY)
        await self._turns.take()
        try:
            return await open_blob(
                self._requests(url),
                wish,
                offset,
                None,
                self._clock,
                str(Origin.of(url)),
                self._turns.release,
            )
        except BaseException:
            self._turns.release()
            raise


def _is_url(text: str) -> bool:
    try:
        Origin.of(text)
    except ValueError:
        return False
    return text.isascii() and text.isprintable() and " " not in text
