"""Whether the metadata store can be written, and is ours."""

import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from pullthrough.errors import StorageOutage
from pullthrough.metadata.connection import connect
from pullthrough.metadata.lock import DataLock
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.metadata.upgrade import scripts
from pullthrough.threads import Inline


def outcome(coroutine: Coroutine[Any, Any, None]) -> BaseException | None:
    """What it has ended with, which it has."""
    found: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(found.append)
    (result,) = found
    return None if result is None else result.value


def test_something_is_written(tmp_path: Path) -> None:
    """Each time, in a transaction of its own; and it changes nothing."""
    path = tmp_path / "metadata.sqlite"
    store = SqliteMetadataStore(path, Inline(), Inline())
    other = connect(path, readonly=True)
    for _ in range(2):
        before = other.pragma("data_version")
        written = (tmp_path / "metadata.sqlite-wal").stat().st_size
        assert outcome(store.probe()) is None
        assert other.pragma("data_version") != before
        assert (tmp_path / "metadata.sqlite-wal").stat().st_size > written
    assert other.pragma("user_version") == scripts()[-1][0]


def test_it_fails(tmp_path: Path) -> None:
    """That is an outage."""
    store = SqliteMetadataStore(tmp_path / "metadata.sqlite", Inline(), Inline())
    Deferred.fromCoroutine(store.close())
    assert isinstance(outcome(store.probe()), StorageOutage)


def test_the_lock(tmp_path: Path) -> None:
    """It is held as long as its file is the one that all others find."""
    path = tmp_path / "lock"
    lock = DataLock(path)
    lock.check()
    os.rename(path, tmp_path / "elsewhere")
    with pytest.raises(StorageOutage, match="gone"):
        lock.check()
    other = DataLock(path)
    with pytest.raises(StorageOutage, match="another one"):
        lock.check()
    other.check()
    other.release()
    with pytest.raises(StorageOutage):
        other.check()
    lock.release()
