"""Content: readable, on its way, and the stores that keep it."""

from collections.abc import AsyncIterator, Callable

from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from pullthrough.spec.digest import Digest


class IContent(Interface):
    """Readable content; perhaps still growing while it is read.

    Reading is by position and keeps no cursor, so one content may serve one
    reader only: whoever opened it closes it.
    """

    size: int = Attribute("bytes in all, once complete")

    async def available(offset: int) -> int:
        """Wait until a byte at ``offset`` may be given out.

        :returns: the end (exclusive, > offset) of what may be given out now.
            With ``offset`` at ``size``: ``size``, once the whole has been verified.
        :raises Outage: when that byte will never come.
        """

    async def read(offset: int, length: int) -> bytes:
        """Read up to ``length`` bytes at ``offset``, within what is available.

        :returns: at least one byte.
        :raises Outage: when the bytes cannot be read.
        """

    def fileno() -> int | None:
        """A descriptor to ``sendfile`` what is available from, if there is one."""

    async def close() -> None:
        """Let go of the file. Safe twice."""


class IIngest(IConsumer):
    """Content on its way into a blob store; invisible until committed.

    A push producer registered with it is paused while too much waits to be
    written and resumed later, so memory stays bounded. After a storage error
    nothing more is written; *flush* and *commit* raise it. What is small may wait for
    more, until *flush*, *verify*, *sync* or *commit*.
    """

    offset: int = Attribute("bytes accepted by ``write`` so far")
    written: int = Attribute("bytes that can be read back; never above offset")

    def observe(changed: Callable[[], None]) -> None:
        """Call ``changed()`` each time ``written`` grows and once on failure."""

    async def read(offset: int, length: int) -> bytes:
        """Read bytes below ``written``; goes on working after *commit* until
        *close*.

        :raises StorageOutage: when they cannot be read.
        """

    def fileno() -> int | None:
        """The descriptor of the file below, if there is one."""

    async def flush() -> None:
        """Wait until all accepted bytes are written.

        :raises StorageOutage: when one of the writes failed.
        """

    async def sync() -> int:
        """Flush and make durable (fsync), and stay open.

        :returns: the durable offset, in bytes.
        :raises StorageOutage: then nothing is certain.
        """

    async def suspend() -> int:
        """Flush and make durable, then let go of the file, keeping it.

        :returns: the durable offset, in bytes.
        :raises StorageOutage: then nothing is certain.
        """

    async def verify(digest: Digest, size: int | None = None) -> int:
        """Flush, and verify what *commit* verifies.

        :returns: the size in bytes.
        :raises Invalid: like *commit*.
        :raises StorageOutage: when one of the writes failed.
        """

    async def commit(
        digest: Digest, size: int | None = None, close: bool = False
    ) -> int:
        """Verify, make durable, then visible under ``digest``. Idempotent.

        The file descriptor stays open for *read* until *close*.

        :param size: what the size must be, in bytes, when that is known.
        :param close: let go of the descriptor at once.
        :returns: the size in bytes.
        :raises Invalid: when size (SIZE_INVALID) or digest (DIGEST_INVALID)
            do not fit; the ingest may then only be aborted.
        :raises StorageOutage: when it could not be made durable.
        """

    async def abort() -> None:
        """Drop it all. Safe twice and after *commit*, where it only closes."""

    async def close() -> None:
        """Let go of the descriptor; safe twice. A file not committed stays."""


class IBlobStore(Interface):
    """Content by digest in one place, such as a folder."""

    name: str = Attribute("the configured name")

    async def stat(digest: Digest) -> int | None:
        """The size in bytes, or None when it is not here.

        :raises StorageOutage: when that cannot be told.
        """

    async def open(digest: Digest) -> IContent:
        """Open committed content. What has rotted is found out while it is read, at
        the latest before its last byte is available: that raises Rotten.

        :raises Miss: BLOB_UNKNOWN when it is not here.
        :raises StorageOutage: when that cannot be told.
        """

    async def ingest(key: str, algorithm: str = "sha256") -> IIngest:
        """Begin an ingest.

        :param key: unique, ``[a-z0-9-]`` only.
        :param algorithm: which digest is likely at commit; another one costs a
            second reading.
        :raises Overload: when too much is under way.
        :raises StorageOutage: when the store cannot write.
        """

    async def resume(key: str, offset: int, algorithm: str = "sha256") -> IIngest:
        """Go on with a suspended ingest, cut back to ``offset`` bytes.

        :raises Miss: BLOB_UPLOAD_UNKNOWN when the file is gone or shorter.
        :raises StorageOutage: when the store cannot write.
        """

    async def discard(key: str) -> None:
        """Drop a suspended ingest, if it is there."""

    async def quarantine(digest: Digest) -> None:
        """Put content aside that is not what its name says; it is then not here."""

    async def delete(digest: Digest) -> bool:
        """Remove committed content. Says whether it was here."""

    def scan() -> AsyncIterator[Digest]:
        """Every committed digest, in no order."""
