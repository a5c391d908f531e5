"""The file of an ingest and its hash, as jobs in threads see them: all here blocks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pullthrough.errors import Invalid
from pullthrough.spec.digest import Digest, hasher
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.storage.files import Files, write_all

#: Bytes read at once when a hash is made anew.
PIECE = 1024 * 1024

#: Content in the order in which it came.
Pieces = Sequence[bytes | memoryview]

#: Bytes that a piece should have at least: each costs a call.
WORTH = 64 * 1024

#: What a job does with the file, once so many bytes are in it.
Step = Callable[[int, int], None]


class Growing:
    """Content that grows, and what is known of it. Every method may raise OSError.

    :param hashed: covers what the file has already.
    :param publish: gives the file its final name, durably.
    """

    def __init__(
        self,
        files: Files,
        path: Path,
        algorithm: str,
        hashed: Any,
        publish: Callable[[Digest, int], None],
    ) -> None:
        self._files = files
        self._path = path
        self._algorithm = algorithm
        self._hash = hashed
        self._publish = publish
        self._durable: int | None = None
        self._verified: tuple[Digest, int] | None = None

    def write(self, fd: int, pieces: Pieces, begin: int) -> int:
        """Write what comes next, and do not hash it; gives back where that ends."""
        for piece in pieces:
            write_all(self._files, fd, piece, begin)
            begin += len(piece)
        return begin

    def hash(self, fd: int, pieces: Pieces) -> None:
        """Hash what comes next, and do not write it."""
        for piece in pieces:
            self._hash.update(piece)

    def add(self, fd: int, pieces: Pieces, begin: int, step: Step) -> None:
        """Write and hash, then take a step."""
        end = self.write(fd, pieces, begin)
        self.hash(fd, pieces)
        step(fd, end)

    def sync(self, fd: int, size: int) -> None:
        """Make all of it durable."""
        self._files.sync(fd)
        self._durable = size

    def sync_some(self, fd: int) -> None:
        """Make durable what is written, while more may be."""
        self._files.sync(fd)

    def remove(self, fd: int) -> None:
        """Remove the file's name."""
        self._files.unlink(self._path)

    def check(self, fd: int, size: int, digest: Digest) -> None:
        """Step 2 of the commit (reliability 4.2).

        :raises Invalid: when it has another digest.
        """
        if self._verified == (digest, size):
            return
        hashed = self._hash
        if digest.algorithm != self._algorithm:
            hashed = hash_of(fd, self._files, digest.algorithm, size)
        if hashed.hexdigest() != digest.hex:
            found = Digest(digest.algorithm, hashed.hexdigest())
            raise Invalid(ErrorCode.DIGEST_INVALID, f"the content has digest {found}")
        self._verified = (digest, size)

    def seal(self, fd: int, size: int, digest: Digest) -> None:
        """Steps 2 to 6 of the commit (reliability 4.2)."""
        self.check(fd, size, digest)
        self._files.chmod(fd, 0o440)
        if self._durable != size:
            self.sync(fd, size)
        self._publish(digest, size)


def fewer(pieces: list[bytes | memoryview], size: int) -> Pieces:
    """The same, of ``size`` bytes in all, in one piece where they are small."""
    if len(pieces) > 1 and size < len(pieces) * WORTH:
        return [b"".join(pieces)]
    return pieces


def nothing_more(fd: int, size: int) -> None:
    """The step of a job that only writes."""


def hash_of(fd: int, files: Files, algorithm: str, length: int) -> Any:
    """Hash the first ``length`` bytes of a file.

    :raises OSError: when they cannot be read.
    """
    made = hasher(algorithm)
    offset = 0
    while offset < length:
        piece = files.read(fd, min(PIECE, length - offset), offset)
        if not piece:
            raise OSError(0, "the file is cut short")
        made.update(piece)
        offset += len(piece)
    return made
