"""Committed content in a file."""

from zope.interface import implementer

from pullthrough.interfaces import IContent
from pullthrough.storage.openfile import OpenFile


@implementer(IContent)
class FileContent:
    """One reader of a committed file.

    :param size: of the file when it was opened, in bytes.
    """

    def __init__(self, file: OpenFile, size: int) -> None:
        self._file = file
        self.size = size

    async def available(self, offset: int) -> int:
        """See :meth:`IContent.available`: all of it, at once."""
        return self.size

    async def read(self, offset: int, length: int) -> bytes:
        """See :meth:`IContent.read`."""
        return await self._file.read(offset, length)

    def fileno(self) -> int | None:
        """See :meth:`IContent.fileno`."""
        return self._file.fileno()

    async def close(self) -> None:
        """See :meth:`IContent.close`."""
        await self._file.close()
