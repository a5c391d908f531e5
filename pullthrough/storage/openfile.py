"""An open file whose reads run in threads, and which outlives all of them."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from pullthrough.errors import StorageOutage
from pullthrough.storage.files import Files
from pullthrough.threads import IThreads

P = ParamSpec("P")
T = TypeVar("T")


def outage(doing: str, error: OSError) -> StorageOutage:
    """What the system said, in the house's words."""
    return StorageOutage(f"the blob store cannot {doing}: {error.strerror or error}")


class OpenFile:
    """A file descriptor that is closed once, and never under a running read.

    :param fd: the descriptor, or what opens it: the first job does, which must then
        run alone.
    """

    def __init__(
        self, files: Files, threads: IThreads, fd: int | Callable[[], int]
    ) -> None:
        self._files = files
        self._threads = threads
        self._fd = fd
        self._running = 0
        self._closing = False
        self._closed = False

    def fileno(self) -> int | None:
        """The descriptor, from the first job until *close*."""
        fd = self._fd
        return None if self._closing or not isinstance(fd, int) else fd

    async def run(
        self,
        doing: str,
        function: Callable[Concatenate[int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run ``function(fd, *args)`` in a thread.

        :raises StorageOutage: when it raises OSError, or the file is closed.
        """
        if self._closing:
            raise StorageOutage(f"the blob store cannot {doing}: the file is closed")
        self._running += 1
        try:
            result: T = await self._threads.run(self._do, function, *args, **kwargs)
            return result
        except OSError as error:
            raise outage(doing, error) from error
        finally:
            self._running -= 1
            if self._closing and not self._running:
                await self._close()

    async def last(
        self,
        doing: str,
        function: Callable[Concatenate[int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """The same, and after success close in the same job; nothing else may run."""

        def then_close(fd: int) -> T:
            result = function(fd, *args, **kwargs)
            self._closing = self._closed = True
            self._files.close(fd)
            return result

        return await self.run(doing, then_close)

    async def read(self, offset: int, length: int) -> bytes:
        """At least one byte at ``offset``.

        :raises StorageOutage: when there is none, or it cannot be read.
        """
        data = await self.run("read", self._files.read, length, offset)
        if not data and length:
            raise StorageOutage("the blob store cannot read: the file is cut short")
        return data

    async def close(self) -> None:
        """Close when nothing runs any more. Safe twice."""
        self._closing = True
        if not self._running:
            await self._close()

    async def _close(self) -> None:
        if not self._closed and isinstance(self._fd, int):
            self._closed = True
            try:
                await self._threads.run(self._files.close, self._fd)
            except OSError as error:
                raise outage("close", error) from error

    # -- in a thread --

    def _do(
        self,
        function: Callable[Concatenate[int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        if not isinstance(self._fd, int):
            self._fd = self._fd()
        return function(self._fd, *args, **kwargs)
