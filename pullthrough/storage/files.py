"""The file operations a blob store is made of; tests put others in their place."""

import os
from collections.abc import Iterator
from pathlib import Path


class Files:
    """The operating system's own. Every method may raise :exc:`OSError`."""

    def create(self, path: Path) -> int:
        """Open a new file for reading and writing; it must not exist."""
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(path, flags, 0o600)

    def open(self, path: Path, *, writable: bool = False) -> int:
        """Open an existing file; a symbolic link is refused."""
        mode = os.O_RDWR if writable else os.O_RDONLY
        return os.open(path, mode | os.O_NOFOLLOW | os.O_CLOEXEC)

    def close(self, fd: int) -> None:
        """Close a descriptor."""
        os.close(fd)

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Up to ``length`` bytes at ``offset``."""
        return os.pread(fd, length, offset)

    def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
        """Write at ``offset``; says how many bytes were taken."""
        return os.pwrite(fd, data, offset)

    def truncate(self, fd: int, length: int) -> None:
        """Cut the file to ``length`` bytes."""
        os.ftruncate(fd, length)

    def sync(self, fd: int) -> None:
        """Make the file's bytes durable."""
        os.fsync(fd)

    def chmod(self, fd: int, mode: int) -> None:
        """Set the permission bits."""
        os.fchmod(fd, mode)

    def size(self, fd: int) -> int:
        """The size of an open file in bytes."""
        return os.fstat(fd).st_size

    def size_at(self, path: Path) -> int:
        """The size in bytes of what lies at ``path``, not followed."""
        return os.lstat(path).st_size

    def rename(self, old: Path, new: Path) -> None:
        """Give a file another name, replacing what had it."""
        os.rename(old, new)

    def unlink(self, path: Path) -> None:
        """Remove a name."""
        os.unlink(path)

    def mkdir(self, path: Path) -> None:
        """Make a folder for us alone."""
        os.mkdir(path, 0o700)

    def sync_folder(self, path: Path) -> None:
        """Make the names in a folder durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def names(self, path: Path) -> Iterator[str]:
        """The names in a folder."""
        with os.scandir(path) as entries:
            yield from [entry.name for entry in entries]


def write_all(files: Files, fd: int, data: bytes | memoryview, offset: int) -> None:
    """Write all of ``data``, however little is taken at a time.

    :raises OSError: as the file does.
    """
    view = memoryview(data)
    while view:
        taken = files.write(fd, view, offset)
        view = view[taken:]
        offset += taken
