"""An upstream that is not to be asked: blocked by hand, or everything is offline."""

from collections.abc import Sequence
from typing import NoReturn

from zope.interface import implementer

from pullthrough.errors import UpstreamBlocked
from pullthrough.interfaces import IUpstream, IUpstreamBody
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Reference
from pullthrough.values import ManifestRecord, UpstreamHead, UpstreamManifest


@implementer(IUpstream)
class NobodyUpstream:
    """Dials nothing; only copies are served.

    :param why: told to clients.
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def _refuse(self) -> NoReturn:
        raise UpstreamBlocked(self._why, by_hand=True)

    async def head(self, image: ImageName, reference: Reference) -> UpstreamHead | None:
        """Not asked."""
        self._refuse()

    async def manifest(
        self, image: ImageName, reference: Reference
    ) -> UpstreamManifest:
        """Not asked."""
        self._refuse()

    async def blob(
        self,
        image: ImageName,
        digest: Digest,
        offset: int = 0,
        end: int | None = None,
    ) -> IUpstreamBody:
        """Not asked."""
        self._refuse()

    async def blob_size(self, image: ImageName, digest: Digest) -> int | None:
        """Not asked."""
        self._refuse()

    async def tags(self, image: ImageName, page: Page) -> Names:
        """Not asked."""
        self._refuse()

    async def referrers(
        self, image: ImageName, subject: Digest
    ) -> Sequence[ManifestRecord] | None:
        """Not asked."""
        self._refuse()
