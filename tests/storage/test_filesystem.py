"""The blob store in a folder: the contract, durability, and every fault."""

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase

from pullthrough.errors import StorageOutage
from pullthrough.spec.digest import Digest
from pullthrough.storage.backlog import MOST
from pullthrough.storage.files import Files
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.threads import Inline, Threads
from tests.contract.storage import DIGEST, HELLO, BlobStoreContract, Producer


class RecordingFiles(Files):
    """The real operations, each one noted; one of them may fail.

    :param fail: called with the number and the name of each operation; raises.
    """

    NAMES = (
        "create",
        "open",
        "close",
        "write",
        "truncate",
        "sync",
        "chmod",
        "rename",
        "unlink",
        "mkdir",
        "sync_folder",
    )

    def __init__(self, fail: Callable[[int, str], None] | None = None) -> None:
        self.done: list[tuple[str, Any]] = []
        self.armed = False
        for name in self.NAMES:
            setattr(self, name, self._wrap(name, getattr(super(), name), fail))

    def _wrap(
        self, name: str, real: Callable[..., Any], fail: Any
    ) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            if self.armed:
                if fail is not None:
                    fail(len(self.done), name)
                self.done.append((name, args))
            return real(*args, **kwargs)

        return operation


class FilesystemCase(SynchronousTestCase):
    """A store in a temporary folder."""

    files: Files = Files()

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "blobs"
        self.store = self.make_store(self.files)

    def make_store(self, files: Files) -> FilesystemBlobStore:
        """A store on the folder."""
        store = FilesystemBlobStore("disk", self.root, Inline(), files)
        store.prepare()
        return store

    def files_below(self) -> list[Path]:
        """Every file of the store."""
        return [path for path in self.root.rglob("*") if path.is_file()]


class FilesystemBlobStoreTests(BlobStoreContract, FilesystemCase):
    """The contract, and what is special to a folder."""

    def test_nobody_else_may_look(self) -> None:
        """Folders are 0700, committed files 0440."""
        self.put(HELLO)
        for path in self.root.rglob("*"):
            expected = 0o700 if path.is_dir() else 0o440
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), expected, path)

    def test_sweep(self) -> None:
        """What no session keeps is removed at start."""
        for key in ("keep", "drop"):
            ingest = self.now(self.store.ingest(key))
            ingest.write(b"abc")
            self.now(ingest.suspend())
        self.assertEqual(self.store.sweep({"keep"}), 1)
        self.now(self.now(self.store.resume("keep", 3)).close())

    def test_links_are_not_followed(self) -> None:
        """A planted symbolic link is neither read nor written through."""
        secret = self.root.parent / "secret"
        secret.write_bytes(b"mine")
        self.put(HELLO)
        (path,) = self.files_below()
        path.unlink()
        path.symlink_to(secret)
        self.fails(self.store.open(DIGEST), StorageOutage)
        (self.root / "ingest" / "k").symlink_to(secret)
        ingest = self.now(self.store.ingest("k"))
        ingest.write(b"mine, too")
        self.fails(ingest.flush(), StorageOutage)
        self.now(ingest.abort())
        self.fails(self.store.resume("k", 0), StorageOutage)
        self.assertEqual(secret.read_bytes(), b"mine")

    def test_keys_cannot_leave_the_folder(self) -> None:
        """Only what could be nothing but a name is a key."""
        for key in ("../x", "a/b", "", "A", ".", "x" * 65):
            self.fails(self.store.ingest(key), ValueError)

    def test_rot_is_replaced(self) -> None:
        """A file of another size under the name gives way to the right content."""
        self.put(HELLO, "k1")
        (path,) = self.files_below()
        path.chmod(0o600)
        path.write_bytes(b"rot")
        self.put(HELLO, "k2")
        self.assertEqual(self.get(DIGEST), HELLO)

    def test_a_file_cut_short_is_an_outage(self) -> None:
        """Never fewer bytes than were promised."""
        self.put(HELLO)
        content = self.now(self.store.open(DIGEST))
        (path,) = self.files_below()
        path.chmod(0o600)
        os.truncate(path, 3)
        self.fails(content.read(5, 5), StorageOutage)
        self.now(content.close())

    def test_strangers_files_are_passed_over(self) -> None:
        """What has no digest's name is not content."""
        self.put(HELLO)
        (path,) = self.files_below()
        path.with_name("notes.txt").write_bytes(b"x")
        self.assertEqual(self.all(), {DIGEST})

    def test_a_folder_that_cannot_be_made(self) -> None:
        """That is said at start."""
        self.root.parent.joinpath("file").write_bytes(b"")
        path = self.root.parent / "file" / "blobs"
        store = FilesystemBlobStore("disk", path, Inline())
        self.assertRaises(StorageOutage, store.prepare)


class CommitOrderTests(BlobStoreContract, FilesystemCase):
    """The order of operations in a commit, on which durability hangs."""

    def setUp(self) -> None:
        self.files = self.recorded = RecordingFiles()
        super().setUp()

    def test_the_order_of_a_commit(self) -> None:
        """fsync of the file, of new folders' parents, rename, fsync of the folder."""
        self.recorded.armed = True
        self.put(HELLO)
        names = [name for name, _ in self.recorded.done]
        self.assertEqual(
            names,
            [
                "create",
                "write",
                "chmod",
                "sync",
                "mkdir",
                "sync_folder",
                "rename",
                "sync_folder",
                "close",
            ],
        )
        folder = self.root / "content" / "sha256" / DIGEST.hex[:2]
        made, parent, renamed, synced = self.recorded.done[4:8]
        self.assertEqual(made[1], (folder,))
        self.assertEqual(parent[1], (folder.parent,))
        self.assertEqual(renamed[1][1], folder / DIGEST.hex)
        self.assertEqual(synced[1], (folder,))

    def test_the_order_when_it_is_there(self) -> None:
        """The folder is made durable even when another commit gave the name."""
        self.put(HELLO, "k1")
        self.recorded.armed = True
        self.put(HELLO, "k2")
        names = [name for name, _ in self.recorded.done]
        self.assertEqual(
            names[2:], ["chmod", "sync", "mkdir", "rename", "sync_folder", "close"]
        )


class FaultTests(FilesystemCase):
    """Every operation fails once, in every way: nothing lies, nothing is lost."""

    FAULTS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE)

    def run_with_fault(self, number: int, code: int) -> bool:
        """Commit, with the operation of that number failing. Says if it did."""
        happened = False

        def fail(at: int, name: str) -> None:
            nonlocal happened
            if at == number and not happened:
                happened = True
                raise OSError(code, os.strerror(code))

        files = RecordingFiles(fail)
        store = self.make_store(files)
        files.armed = True
        acknowledged = self.attempt(store)
        files.armed = False
        if acknowledged:
            self.assertIsNotNone(self.result(store.stat(DIGEST)))
        for path in (self.root / "content").rglob("*"):
            if path.is_file():
                self.assertEqual(Digest.of(path.read_bytes()).hex, path.name)
        return happened

    def attempt(self, store: FilesystemBlobStore) -> bool:
        """One ingest; whether the commit was acknowledged."""

        async def ingest() -> bool:
            made = await store.ingest("k")
            try:
                made.write(HELLO)
                await made.commit(DIGEST)
                return True
            except StorageOutage:
                # Dead is dead: no second try on the same file (I20).
                with self.assertRaises(StorageOutage):
                    await made.flush()
                return False
            finally:
                with contextlib.suppress(StorageOutage):
                    await made.abort()

        try:
            return self.result(ingest())
        except StorageOutage:
            return False

    def result(self, coroutine: Any) -> Any:
        """The result, or the error raised."""
        found: list[Any] = []
        Deferred.fromCoroutine(coroutine).addBoth(found.append)
        if hasattr(found[0], "value"):
            raise found[0].value
        return found[0]

    def test_every_fault(self) -> None:
        """The n-th operation fails, until a run passes untouched."""
        for code in self.FAULTS:
            number = 0
            while True:
                self.setUp()
                if not self.run_with_fault(number, code):
                    break
                number += 1
            self.assertGreaterEqual(number, 8)

    def test_short_writes(self) -> None:
        """However little is taken at a time, all of it is written."""

        class Little(Files):
            def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
                return super().write(fd, data[:3], offset)

        store = self.make_store(Little())
        self.assertTrue(self.attempt(store))
        self.assertEqual(self.result(store.stat(DIGEST)), len(HELLO))

    def test_a_full_disk_holds_nobody_up(self) -> None:
        """After a failed write the producer is let go, and what comes falls away."""

        class Full(Files):
            def write(self, fd: int, data: bytes | memoryview, offset: int) -> int:
                raise OSError(errno.ENOSPC, "No space left on device")

        store = self.make_store(Full())
        producer = Producer()
        noticed: list[None] = []
        ingest = self.result(store.ingest("k"))
        ingest.observe(lambda: noticed.append(None))
        ingest.registerProducer(producer, True)
        ingest.write(b"x" * (MOST + 1))
        ingest.write(b"x" * (MOST + 1))
        self.assertFalse(producer.paused)
        self.assertTrue(noticed)
        with self.assertRaises(StorageOutage) as caught:
            self.result(ingest.commit(DIGEST))
        self.assertIn("No space left", caught.exception.detail)


class ThreadedTests(TestCase):
    """With real threads."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.threads = Threads(reactor, "test", 4)  # type: ignore[arg-type]
        self.threads.start()
        self.addCleanup(self.threads.stop)
        self.store = FilesystemBlobStore("disk", Path(folder.name), self.threads)
        self.store.prepare()

    async def test_back_pressure(self) -> None:
        """A producer is held above the high-water mark and let go below the low."""
        producer = Producer()
        ingest = await self.store.ingest("k")
        ingest.registerProducer(producer, True)
        content = b"x" * (MOST + 1)
        ingest.write(content)
        self.assertTrue(producer.paused)
        await ingest.flush()
        self.assertFalse(producer.paused)
        self.assertEqual(producer.pauses, 1)
        ingest.unregisterProducer()
        await ingest.commit(Digest.of(content))
        await ingest.close()

    async def test_closing_under_a_read(self) -> None:
        """A file is not closed while it is being read."""
        ingest = await self.store.ingest("k")
        ingest.write(HELLO)
        await ingest.commit(DIGEST)
        await ingest.close()
        content = await self.store.open(DIGEST)
        reading = Deferred.fromCoroutine(content.read(0, 5))
        await content.close()
        self.assertEqual(await reading, b"hello")

    async def test_many_at_once(self) -> None:
        """Twenty ingests at the same time come out right."""
        contents = [b"%d" % number * 100_000 for number in range(20)]

        async def put(number: int) -> None:
            ingest = await self.store.ingest(f"k{number}")
            for start in range(0, len(contents[number]), 30_000):
                ingest.write(contents[number][start : start + 30_000])
            await ingest.commit(Digest.of(contents[number]))
            await ingest.close()

        for turn in [Deferred.fromCoroutine(put(number)) for number in range(20)]:
            await turn
        for content in contents:
            self.assertEqual(await self.store.stat(Digest.of(content)), len(content))
