"""Opening the database: version, pragmas, and errors in the house's words."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from pullthrough.errors import StorageOutage

#: Below this every SQLite since 3.7.0 can corrupt a WAL database when two
#: connections write and checkpoint at once (reliability, section 0).
OLDEST_SQLITE = (3, 51, 3)

#: Milliseconds to wait for another connection's lock.
BUSY = 5000


@contextmanager
def outages(doing: str) -> Iterator[None]:
    """Turn the database's errors into :exc:`StorageOutage`."""
    try:
        yield
    except apsw.Error as error:
        raise StorageOutage(f"the metadata store cannot {doing}: {error}") from error


def check_version(version: str) -> None:
    """Refuse a SQLite that loses data.

    :raises StorageOutage: when it is older than :data:`OLDEST_SQLITE`.
    """
    if tuple(int(part) for part in version.split(".")[:3]) < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        raise StorageOutage(f"SQLite {version} can lose data; {wanted} is needed")


def connect(path: Path, *, readonly: bool = False) -> apsw.Connection:
    """Open the database; a writable one is made when it is missing.

    :raises StorageOutage: when that fails.
    """
    check_version(apsw.sqlite_lib_version())
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if readonly
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    with outages(f"open {path}"):
        connection = apsw.Connection(str(path), flags=flags)
        connection.set_busy_timeout(BUSY)
        connection.pragma("mmap_size", 0)
        connection.pragma("foreign_keys", True)
        if not readonly:
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
    return connection
