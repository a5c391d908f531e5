"""The metadata stores: the contract, and what is special to SQLite."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import apsw
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from pullthrough.errors import StorageOutage
from pullthrough.metadata.connection import check_version, connect
from pullthrough.metadata.lock import DataLock
from pullthrough.metadata.memory import MemoryMetadataStore
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.metadata.upgrade import scripts, upgrade
from pullthrough.metadata.writer import Writer
from pullthrough.threads import Inline, IThreads, Threads
from tests.contract.metadata import APP, LAYER, MetadataStoreContract


class MemoryTests(MetadataStoreContract, SynchronousTestCase):
    """The one in memory."""

    def setUp(self) -> None:
        self.store = MemoryMetadataStore()

    def test_close(self) -> None:
        """Nothing is open."""
        self.now(self.store.close())


class Folder:
    """A temporary folder for a test case."""

    def make_folder(self: Any) -> Path:
        """It goes with the test."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return Path(folder.name)


class SqliteTests(Folder, MetadataStoreContract, SynchronousTestCase):
    """The one on SQLite."""

    def setUp(self) -> None:
        self.path = self.make_folder() / "metadata.sqlite"
        self.store = self.open()

    def open(self) -> SqliteMetadataStore:
        """Open it, perhaps again."""
        return SqliteMetadataStore(self.path, Inline(), Inline())

    def test_it_is_still_there(self) -> None:
        """What was answered is there after closing and opening."""
        own = self.repository()
        digest = self.put(own, b"m", "v1")
        self.now(self.store.close())
        self.store = self.open()
        self.assertEqual(self.repository(), own)
        self.assertIsNotNone(self.now(self.store.manifest(own, APP, digest)))

    def test_pragmas(self) -> None:
        """WAL, full synchronisation, foreign keys, no memory map."""
        connection = connect(self.path)
        for name, expected in (
            ("journal_mode", "wal"),
            ("synchronous", 2),
            ("foreign_keys", 1),
            ("mmap_size", 0),
        ):
            self.assertEqual(connection.pragma(name), expected, name)

    def test_a_failing_database_is_an_outage(self) -> None:
        """Reading and writing after the end: StorageOutage, by no other name."""
        self.now(self.store.close())
        for coroutine in (
            self.store.upload("k"),
            self.store.end_upload("k"),
        ):
            self.failureResultOf(Deferred.fromCoroutine(coroutine), StorageOutage)

    def test_a_newer_schema_is_refused(self) -> None:
        """A database of a newer version is not touched."""
        connection = connect(self.path)
        connection.pragma("user_version", 99)
        self.assertRaises(StorageOutage, self.open)

    def test_upgrade(self) -> None:
        """Only the missing steps run; the old database is kept beside it."""
        connection = connect(self.path)
        newest, _ = scripts()[-1]
        steps = [*scripts(), (newest + 1, "CREATE TABLE more (x) STRICT;")]
        self.assertRaises(StorageOutage, upgrade, connection, self.path, steps)
        steps = [*scripts(), (newest + 1, "CREATE TABLE more (x INTEGER) STRICT;")]
        upgrade(connection, self.path, steps)
        upgrade(connection, self.path, steps)
        self.assertEqual(connection.pragma("user_version"), newest + 1)
        kept = Path(f"{self.path}.before-{newest + 1}")
        self.assertEqual(kept.stat().st_mode & 0o777, 0o600)
        self.assertEqual(connect(kept, readonly=True).pragma("user_version"), newest)

    def test_old_sqlite_is_refused(self) -> None:
        """Versions that can corrupt a WAL database."""
        check_version(apsw.sqlite_lib_version())
        self.assertRaises(StorageOutage, check_version, "3.51.2")
        self.assertRaises(StorageOutage, check_version, "3.40.1")


@implementer(IThreads)
class HandThread:
    """A thread that works when the test says."""

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def admit(self) -> None:
        """Always."""

    def run(self, *job: Any) -> "Deferred[Any]":
        """Remember the job."""
        turn: Deferred[Any] = Deferred()
        self.jobs.append((turn, job))
        return turn

    def work(self) -> None:
        """Do the next job."""
        turn, (function, *args) = self.jobs.pop(0)
        try:
            result = function(*args)
        except StorageOutage as error:
            turn.errback(error)
        else:
            turn.callback(result)


class WriterTests(Folder, SynchronousTestCase):
    """Transactions that wait together are committed together."""

    def setUp(self) -> None:
        self.connection = connect(self.make_folder() / "db")
        self.connection.execute("CREATE TABLE t (x INTEGER UNIQUE) STRICT")
        self.thread = HandThread()
        self.writer = Writer(self.connection, self.thread)

    def insert(self, value: Any) -> "Deferred[int]":
        """A transaction."""

        def step(db: apsw.Connection) -> int:
            db.execute("INSERT INTO t VALUES (?)", (value,))
            return int(value)

        return Deferred.fromCoroutine(self.writer.run(step))

    def test_together(self) -> None:
        """Ten that wait take one commit; order is kept; each has its answer."""
        first = self.insert(0)
        rest = [self.insert(number) for number in range(1, 10)]
        self.thread.work()
        self.assertEqual(self.successResultOf(first), 0)
        self.assertNoResult(rest[0])
        self.thread.work()
        self.assertEqual([self.successResultOf(one) for one in rest], [*range(1, 10)])
        self.assertEqual(self.writer.commits, 2)
        found = [row[0] for row in self.connection.execute("SELECT x FROM t")]
        self.assertEqual(found, [*range(10)])

    def test_one_fails(self) -> None:
        """It touches only its caller."""
        self.insert(1)
        good, bad, other = self.insert(2), self.insert(1), self.insert(3)
        self.thread.work()
        self.thread.work()
        self.failureResultOf(bad, StorageOutage)
        self.assertEqual(self.successResultOf(good), 2)
        self.assertEqual(self.successResultOf(other), 3)

    def test_the_commit_fails(self) -> None:
        """Then nobody has succeeded, and it goes on with the next."""
        self.connection.execute(
            "PRAGMA foreign_keys=ON; CREATE TABLE p (id INTEGER PRIMARY KEY);"
            "CREATE TABLE c (p INTEGER REFERENCES p DEFERRABLE INITIALLY DEFERRED)"
        )

        def dangling(db: apsw.Connection) -> None:
            db.execute("INSERT INTO c VALUES (7)")

        self.insert(0)
        good = self.insert(1)
        bad = Deferred.fromCoroutine(self.writer.run(dangling))
        self.thread.work()
        later = self.insert(2)
        self.thread.work()
        self.failureResultOf(good, StorageOutage)
        self.failureResultOf(bad, StorageOutage)
        self.thread.work()
        self.assertEqual(self.successResultOf(later), 2)


class ThreadedTests(Folder, TestCase):
    """With real threads."""

    async def test_many_writes_few_commits(self) -> None:
        """A hundred at once are all there, in fewer commits."""
        writing = Threads(reactor, "w", 1)  # type: ignore[arg-type]
        reading = Threads(reactor, "r", 1)  # type: ignore[arg-type]
        for threads in (writing, reading):
            threads.start()
            self.addCleanup(threads.stop)
        store = SqliteMetadataStore(self.make_folder() / "db", writing, reading)
        own = await store.repository("own", "hosted")
        before = store._writer.commits
        turns = [
            Deferred.fromCoroutine(store.add_blob(own, APP, LAYER.digest, number))
            for number in range(100)
        ]
        for turn in turns:
            await turn
        self.assertIsNotNone(await store.blob(own, APP, LAYER.digest))
        self.assertLess(store._writer.commits - before, 100)
        await store.close()


class LockTests(Folder, SynchronousTestCase):
    """One daemon for one set of data."""

    def test_second_is_refused(self) -> None:
        """Another process is told who holds it; after release it may."""
        path = self.make_folder() / "pullthrough.lock"
        lock = DataLock(path)
        script = (
            "import sys; from pathlib import Path;"
            "from pullthrough.metadata.lock import DataLock;"
            "DataLock(Path(sys.argv[1]))"
        )
        command = [sys.executable, "-c", script, str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"in use by process {os.getpid()}", done.stderr)
        lock.release()
        lock.release()
        done = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_folder_that_is_not_there(self) -> None:
        """That is said."""
        self.assertRaises(StorageOutage, DataLock, self.make_folder() / "x" / "lock")
