"""A blob as a repository gives it out: content, and who answered."""

from collections.abc import Callable

from zope.interface import implementer

from pullthrough.interfaces import IBlob, IContent
from pullthrough.spec.provenance import Provenance


@implementer(IBlob)
class Blob:
    """Content with its provenance.

    :param ahead: makes content that reads a range ahead of what is there.
    """

    def __init__(
        self,
        content: IContent,
        provenance: Provenance,
        ahead: Callable[[IContent, int, int], IContent] | None = None,
    ) -> None:
        self._content = content
        self._ahead = ahead
        self.size = content.size
        self.provenance = provenance

    def expect(self, start: int, end: int) -> None:
        """See :meth:`IBlob.expect`."""
        if self._ahead is not None:
            self._content = self._ahead(self._content, start, end)

    async def available(self, offset: int) -> int:
        """See :meth:`IContent.available`."""
        return await self._content.available(offset)

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        return await self._content.read(offset, length)

    def fileno(self) -> int | None:
        """See :meth:`IContent.fileno`."""
        return self._content.fileno()

    async def close(self) -> None:
        """See :meth:`IContent.close`."""
        await self._content.close()
