"""A blob store in a folder: any disk, or a mounted NFS or CephFS."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.errors import Miss, Rotten, StorageOutage
from pullthrough.interfaces import IBlobStore, IContent, IIngest
from pullthrough.spec.digest import ALGORITHMS, Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.storage.backlog import Backlog
from pullthrough.storage.content import FileContent
from pullthrough.storage.files import Files, write_all
from pullthrough.storage.growing import Growing, hash_of
from pullthrough.storage.ingest import FileIngest
from pullthrough.storage.layout import Layout, digest_at
from pullthrough.storage.openfile import OpenFile, outage
from pullthrough.storage.verified import Verdicts, VerifiedContent
from pullthrough.threads import IThreads
from pullthrough.waiters import Flights

T = TypeVar("T")

#: Bytes read at once, and bytes verified before another job of the disk has its turn.
PIECE = 1024 * 1024
VERIFIED_AT_ONCE = 16 * PIECE


@implementer(IBlobStore)
class FilesystemBlobStore:
    """Content in files named by their digests, verified when it is first read.

    :param path: the folder; :meth:`prepare` makes it.
    :param threads: where everything that may block runs.
    :param now: seconds; for how long content that was verified is believed.
    :ivar rotten: how much was put aside because it was not what its name says.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self,
        name: str,
        path: Path,
        threads: IThreads,
        files: Files | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._verdicts = Verdicts(now)
        self._flights: Flights[Digest, None] = Flights()
        self._layout = Layout(path)
        self._threads = threads
        self._files = files or Files()
        self._backlog = Backlog()
        self.rotten = 0

    # -- at start, before anything is served --

    def prepare(self) -> None:
        """Make the folders, durably. Blocks.

        :raises StorageOutage: when the store cannot be written.
        """
        root = self._layout.root
        changed: dict[Path, None] = {}
        try:
            for folder in (*reversed(root.parents), root, *self._layout.folders()):
                if not folder.is_dir():
                    self._files.mkdir(folder)
                    changed[folder.parent] = None
            # After all of them: most file systems then have little left to do.
            for folder in changed:
                self._files.sync_folder(folder)
        except OSError as error:
            raise StorageOutage(
                f"blob store {self.name}: cannot make {error.filename or root}:"
                f" {error.strerror}"
            ) from error

    def sweep(self, keep: set[str]) -> int:
        """Remove the ingests whose keys are not to be kept. Blocks.

        :returns: how many went.
        :raises StorageOutage: when the folder cannot be read or written.
        """
        try:
            stray = set(self._files.names(self._layout.ingests)) - keep
            for name in stray:
                self._files.unlink(self._layout.ingests / name)
        except OSError as error:
            raise outage("sweep what was left behind", error) from error
        return len(stray)

    # -- while it serves --

    async def probe(self) -> None:
        """Write a small file, make it durable, rename and remove it.

        :raises StorageOutage: when that fails.
        """
        try:
            await self._blocking("write", self._try)
        except FileNotFoundError as error:  # its folder has gone
            raise outage("write", error) from error

    # -- IBlobStore --

    async def stat(self, digest: Digest) -> int | None:
        """See :meth:`IBlobStore.stat`."""
        try:
            path = self._layout.blob(digest)
            return await self._blocking("look", self._files.size_at, path)
        except FileNotFoundError:
            return None

    async def open(self, digest: Digest) -> IContent:
        """See :meth:`IBlobStore.open`."""
        self._threads.admit()
        path = self._layout.blob(digest)
        try:
            fd, size = await self._blocking("open", self._open_sized, path)
        except FileNotFoundError:
            raise Miss(ErrorCode.BLOB_UNKNOWN, f"blob {digest} is not here") from None
        content = FileContent(OpenFile(self._files, self._threads, fd), size)
        if self._verdicts.good(digest):
            return content
        return VerifiedContent(
            content, lambda: self._flights.join(digest, lambda: self._verify(digest))
        )

    async def _verify(self, digest: Digest) -> None:
        """Read all of it once; what is not its name's content is put aside.

        :raises Rotten: when it was.
        """
        try:
            fd, size = await self._blocking(
                "verify", self._open_sized, self._layout.blob(digest)
            )
        except FileNotFoundError as error:  # deleted while somebody reads it
            raise outage("verify", error) from error
        file = OpenFile(self._files, self._threads, fd)
        hashed = hasher(digest.algorithm)
        try:
            for offset in range(0, size, VERIFIED_AT_ONCE):
                length = min(VERIFIED_AT_ONCE, size - offset)
                await file.run("verify", self._feed, hashed, offset, length)
        finally:
            await file.close()
        if hashed.hexdigest() != digest.hex:
            self.rotten += 1
            self._log.error(
                "blob store {store}: {digest} has rotted; it is put aside",
                store=self.name,
                digest=str(digest),
            )
            await self.quarantine(digest)
            raise Rotten(f"blob store {self.name} holds {digest} no more: it rotted")
        self._verdicts.note(digest)

    async def quarantine(self, digest: Digest) -> None:
        """See :meth:`IBlobStore.quarantine`."""
        self._verdicts.forget(digest)
        with suppress(FileNotFoundError):
            await self._blocking("put aside", self._put_aside, digest)

    async def ingest(self, key: str, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.ingest`."""
        hashed = hasher(algorithm)
        self._threads.admit()
        path = self._layout.ingest(key)
        # Made by its first job: what is small then takes one job in all.
        return self._ingest(
            lambda: self._files.create(path), path, algorithm, hashed, 0
        )

    async def resume(self, key: str, offset: int, algorithm: str = "sha256") -> IIngest:
        """See :meth:`IBlobStore.resume`."""
        self._threads.admit()
        path = self._layout.ingest(key)
        try:
            fd, hashed = await self._blocking(
                "resume", self._cut_back, path, offset, algorithm
            )
        except FileNotFoundError:
            raise Miss(
                ErrorCode.BLOB_UPLOAD_UNKNOWN, "what was sent so far is gone"
            ) from None
        return self._ingest(fd, path, algorithm, hashed, offset)

    async def discard(self, key: str) -> None:
        """See :meth:`IBlobStore.discard`."""
        try:
            path = self._layout.ingest(key)
            await self._blocking("remove", self._files.unlink, path)
        except FileNotFoundError:
            pass

    async def delete(self, digest: Digest) -> bool:
        """See :meth:`IBlobStore.delete`."""
        path = self._layout.blob(digest)
        self._verdicts.forget(digest)
        try:
            await self._blocking("remove", self._remove, path)
        except FileNotFoundError:
            return False
        return True

    async def scan(self) -> AsyncIterator[Digest]:
        """See :meth:`IBlobStore.scan`."""
        for algorithm in ALGORITHMS:
            folder = self._layout.content / algorithm
            for prefix in await self._names(folder):
                for name in await self._names(folder / prefix):
                    digest = digest_at(algorithm, name)
                    if digest is not None:
                        yield digest

    async def _names(self, folder: Path) -> list[str]:
        return await self._blocking("list", lambda: sorted(self._files.names(folder)))

    async def _blocking(self, doing: str, function: Callable[..., T], *args: Any) -> T:
        try:
            result: T = await self._threads.run(function, *args)
            return result
        except FileNotFoundError:
            raise
        except OSError as error:
            raise outage(doing, error) from error

    # -- in a thread --

    def _try(self) -> None:
        files = self._files
        fresh, renamed = (self._layout.ingest(f"probe-{one}") for one in "12")
        with suppress(FileNotFoundError):  # what one that failed has left
            files.unlink(fresh)
        fd = files.create(fresh)
        try:
            write_all(files, fd, b"probe", 0)
            files.sync(fd)
        finally:
            files.close(fd)
        files.rename(fresh, renamed)
        files.sync_folder(self._layout.ingests)
        files.unlink(renamed)

    def _open_sized(self, path: Path) -> tuple[int, int]:
        fd = self._files.open(path)
        try:
            return fd, self._files.size(fd)
        except OSError:
            self._files.close(fd)
            raise

    def _cut_back(self, path: Path, offset: int, algorithm: str) -> tuple[int, Any]:
        fd = self._files.open(path, writable=True)
        try:
            if self._files.size(fd) < offset:
                raise FileNotFoundError(2, "shorter than it was", str(path))
            self._files.truncate(fd, offset)
            return fd, hash_of(fd, self._files, algorithm, offset)
        except BaseException:
            self._files.close(fd)
            raise

    def _feed(self, fd: int, hashed: Any, offset: int, length: int) -> None:
        end = offset + length
        while offset < end:
            piece = self._files.read(fd, min(PIECE, end - offset), offset)
            if not piece:
                return  # cut short: then the hash is another one
            hashed.update(piece)
            offset += len(piece)

    def _put_aside(self, digest: Digest) -> None:
        aside = self._layout.aside(digest)
        with suppress(FileExistsError):
            self._files.mkdir(aside.parent)
        path = self._layout.blob(digest)
        self._files.rename(path, aside)
        self._files.sync_folder(path.parent)

    def _remove(self, path: Path) -> None:
        self._files.unlink(path)
        self._files.sync_folder(path.parent)

    def _ingest(
        self,
        fd: int | Callable[[], int],
        path: Path,
        algorithm: str,
        hashed: Any,
        written: int,
    ) -> FileIngest:
        def publish(digest: Digest, size: int) -> None:
            self._publish(path, digest, size)

        return FileIngest(
            OpenFile(self._files, self._threads, fd),
            Growing(self._files, path, algorithm, hashed, publish),
            written,
            self._backlog,
        )

    def _publish(self, path: Path, digest: Digest, size: int) -> None:
        """Steps 4 to 6 of the commit: the file's bytes are durable already."""
        final = self._layout.blob(digest)
        try:
            self._files.mkdir(final.parent)
        except FileExistsError:
            pass
        else:
            self._files.sync_folder(final.parent.parent)
        # Also over what has the name already: that may have rotted.
        self._files.rename(path, final)
        self._files.sync_folder(final.parent)
        self._verdicts.note(digest)
