"""Whether a blob store can be written: what is tried, and what is left of it."""

import errno
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from pullthrough.errors import StorageOutage
from pullthrough.storage.files import Files
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.threads import Inline
from tests.storage.test_filesystem import RecordingFiles


def outcome(coroutine: Coroutine[Any, Any, None]) -> BaseException | None:
    """What it has ended with, which it has."""
    found: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(found.append)
    (result,) = found
    return None if result is None else result.value


@pytest.fixture
def store(tmp_path: Path) -> Callable[[Files], FilesystemBlobStore]:
    """Makes a store."""

    def make(files: Files) -> FilesystemBlobStore:
        made = FilesystemBlobStore("disk", tmp_path / "blobs", Inline(), files)
        made.prepare()
        return made

    return make


def files_below(folder: Path) -> list[Path]:
    """All of them."""
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_is_tried(
    store: Callable[[Files], FilesystemBlobStore], tmp_path: Path
) -> None:
    """All that a commit needs, in its order; nothing is left."""
    files = RecordingFiles()
    made = store(files)
    assert outcome(made.probe()) is None
    files.armed = True
    assert outcome(made.probe()) is None
    done = [name for name, _ in files.done if name != "close"]
    tried = ["create", "write", "sync", "rename", "sync_folder", "unlink"]
    assert done == ["unlink", *tried]
    assert files_below(tmp_path) == []


@pytest.mark.parametrize("number", range(8))
def test_each_step_may_fail(
    store: Callable[[Files], FilesystemBlobStore], tmp_path: Path, number: int
) -> None:
    """That is an outage, and the next one is as if there had been none before."""
    broken = True

    def fail(count: int, name: str) -> None:
        if broken and count == number:
            raise OSError(errno.EIO, "broken")

    files = RecordingFiles(fail)
    made = store(files)
    files.armed = True
    assert isinstance(outcome(made.probe()), StorageOutage)
    broken = False
    assert outcome(made.probe()) is None
    assert files_below(tmp_path) == []


def test_a_folder_that_is_gone(
    store: Callable[[Files], FilesystemBlobStore], tmp_path: Path
) -> None:
    """Such as of a file system that is mounted no more."""
    made = store(Files())
    shutil.rmtree(tmp_path / "blobs")
    assert isinstance(outcome(made.probe()), StorageOutage)
