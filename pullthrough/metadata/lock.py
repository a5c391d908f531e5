"""One daemon for one set of data (invariant I18)."""

import fcntl
import os
from pathlib import Path

from pullthrough.errors import StorageOutage


class DataLock:
    """An exclusive lock on a file, held until :meth:`release` or the end.

    :raises StorageOutage: when another process holds it, with its pid.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageOutage(f"cannot open {path}: {error.strerror}") from error
        try:
            fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            os.close(self._fd)
            raise StorageOutage(
                f"{path.parent} is in use by process {holder or 'unknown'}"
            ) from error
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0)

    def check(self) -> None:
        """Look whether it is held. Blocks.

        :raises StorageOutage: when it is not: another process may hold it, too.
        """
        try:
            same = os.path.samestat(os.fstat(self._fd), os.stat(self._path))
        except OSError as error:
            raise StorageOutage(f"its file is gone: {error.strerror}") from error
        if not same:
            raise StorageOutage("its file is another one now")

    def release(self) -> None:
        """Let another process have it. Safe twice."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
