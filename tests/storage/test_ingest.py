"""An ingest: how little it takes for what is small, and what waits for the disk."""

import errno
import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.trial.unittest import SynchronousTestCase
from zope.interface import implementer

from pullthrough.errors import Invalid, StorageOutage
from pullthrough.interfaces import IIngest
from pullthrough.spec.digest import Digest
from pullthrough.storage.backlog import ALL, LEAST, MOST, Backlog
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.storage.growing import WORTH
from pullthrough.storage.ingest import AHEAD, APART
from pullthrough.threads import IThreads
from tests.contract.storage import DIGEST, HELLO, Producer
from tests.storage.test_filesystem import FilesystemCase, RecordingFiles


@implementer(IThreads)
class HeldThreads:
    """Jobs run at once, or, while ``held``, when the test says."""

    def __init__(self) -> None:
        self.held = False
        self.count = 0
        self.jobs: list[tuple[Deferred[Any], Callable[[], Any]]] = []

    def admit(self) -> None:
        """Always."""

    def run(self, function: Callable[..., Any], *args: Any) -> "Deferred[Any]":
        """Count the job."""
        self.count += 1
        if not self.held:
            return execute(function, *args)
        turn: Deferred[Any] = Deferred()
        self.jobs.append((turn, lambda: function(*args)))
        return turn

    def work(self, number: int = 0) -> None:
        """Do one of the jobs that wait."""
        turn, job = self.jobs.pop(number)
        execute(job).addBoth(turn.callback)


class IngestCase(FilesystemCase):
    """One ingest, its operations and its jobs."""

    def setUp(self) -> None:
        self.files = self.recorded = RecordingFiles(self.fail_at)
        self.failing = ""
        super().setUp()
        self.threads = HeldThreads()
        self.store = FilesystemBlobStore("disk", self.root, self.threads, self.files)
        self.recorded.armed = True
        self.ingest: IIngest = self.now(self.store.ingest("k"))

    def fail_at(self, number: int, name: str) -> None:
        """Fail the operations of that name."""
        if name == self.failing:
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def now(self, coroutine: Any) -> Any:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def fails(self, coroutine: Any, error: type[Exception]) -> Any:
        """The error, which must be there at once."""
        return self.failureResultOf(Deferred.fromCoroutine(coroutine), error).value

    @property
    def done(self) -> list[str]:
        """The operations so far."""
        return [name for name, _ in self.recorded.done]


class JobTests(IngestCase):
    """What is small."""

    def test_one_job(self) -> None:
        """From the first byte to the name, and the file is closed."""
        self.ingest.write(HELLO)
        self.assertEqual(self.now(self.ingest.commit(DIGEST, close=True)), len(HELLO))
        self.assertEqual(self.threads.count, 1)
        self.assertEqual(self.done[-1], "close")
        self.assertIsNone(self.ingest.fileno())
        self.fails(self.ingest.read(0, 1), StorageOutage)
        self.now(self.ingest.abort())
        self.now(self.ingest.close())
        self.assertEqual(self.done.count("close"), 1)
        self.assertEqual(self.now(self.store.stat(DIGEST)), len(HELLO))

    def test_nothing_is_made_before_there_is_a_byte(self) -> None:
        """And what was never made need not be removed."""
        self.now(self.ingest.flush())
        self.now(self.ingest.abort())
        self.assertEqual(self.done, [])

    def test_what_is_durable_is_not_made_so_again(self) -> None:
        """A session that ends with no more bytes: one fsync of the file in all."""
        self.ingest.write(HELLO)
        self.assertEqual(self.now(self.ingest.sync()), len(HELLO))
        self.assertEqual(self.done, ["create", "write", "sync"])
        self.now(self.ingest.commit(DIGEST, close=True))
        self.assertNotIn("sync", self.done[3:])
        self.assertLess(self.done.index("sync"), self.done.index("rename"))

    def test_what_came_later_is_made_durable(self) -> None:
        """Before it has its name."""
        self.ingest.write(HELLO)
        self.now(self.ingest.sync())
        self.ingest.write(b"!")
        self.now(self.ingest.commit(Digest.of(HELLO + b"!")))
        self.assertEqual(self.done[3:6], ["write", "chmod", "sync"])

    def test_what_was_resumed_is_made_durable(self) -> None:
        """It was cut back, and that may not have lasted."""
        self.ingest.write(HELLO + b"lost")
        self.now(self.ingest.suspend())
        again = self.now(self.store.resume("k", len(HELLO)))
        before = len(self.done)
        self.now(again.commit(DIGEST, close=True))
        self.assertEqual(self.done[before : before + 2], ["chmod", "sync"])

    def test_a_wrong_digest_leaves_nothing(self) -> None:
        """Also where the file would have been closed with success."""
        self.ingest.write(HELLO)
        self.fails(self.ingest.commit(Digest.of(b"x"), close=True), Invalid)
        self.now(self.ingest.abort())
        self.assertEqual(self.files_below(), [])
        self.assertEqual(self.done[-2:], ["unlink", "close"])

    def test_a_close_that_fails_is_an_outage(self) -> None:
        """Nobody is told of success after it (I20)."""
        self.ingest.write(HELLO)
        self.failing = "close"
        self.fails(self.ingest.commit(DIGEST, close=True), StorageOutage)
        self.now(self.ingest.abort())
        self.assertEqual(self.done.count("close"), 0)


class AheadTests(IngestCase):
    """What is large is made durable while it comes."""

    def setUp(self) -> None:
        super().setUp()
        self.piece = b"x" * (AHEAD // 4)

    def test_beside_what_goes_on(self) -> None:
        """Once for each so many bytes; the end waits for it, and makes the rest so."""
        for _ in range(5):
            self.ingest.write(self.piece)
        self.assertEqual(self.done.count("sync"), 1)
        content = self.piece * 5
        self.now(self.ingest.commit(Digest.of(content), close=True))
        self.assertEqual(self.done.count("sync"), 2)
        self.assertEqual(self.done[-1], "close")

    def test_writing_and_reading_do_not_wait_for_it(self) -> None:
        """Nor does a flush, nor to verify (decision 0013); a commit does."""
        self.ingest.write(self.piece * 3)
        self.threads.held = True
        for _ in range(2):
            self.ingest.write(self.piece)
            for _ in ("written", "hashed"):
                self.threads.work()  # what is to be durable waits behind them
        flushing = Deferred.fromCoroutine(self.ingest.flush())
        self.successResultOf(flushing)
        self.assertEqual(self.ingest.written, 5 * len(self.piece))
        digest = Digest.of(self.piece * 5)
        verifying = Deferred.fromCoroutine(self.ingest.verify(digest))
        self.threads.work(-1)
        self.assertEqual(self.successResultOf(verifying), 5 * len(self.piece))
        committing = Deferred.fromCoroutine(self.ingest.commit(digest))
        self.assertNotIn("sync", self.done)
        self.threads.held = False
        self.threads.work(0)
        self.assertEqual(self.successResultOf(committing), 5 * len(self.piece))

    def test_a_failure_ends_it(self) -> None:
        """The file is never trusted again, though it is written to the end (I20)."""
        told: list[None] = []
        self.ingest.observe(lambda: told.append(None))
        self.ingest.write(self.piece * 3)
        told.clear()
        self.failing = "sync"
        self.ingest.write(self.piece)
        self.failing = ""
        self.assertTrue(told)
        self.fails(self.ingest.flush(), StorageOutage)
        digest = Digest.of(self.piece * 4)
        self.fails(self.ingest.commit(digest), StorageOutage)
        self.assertIsNone(self.now(self.store.stat(digest)))
        self.now(self.ingest.abort())
        self.assertEqual(self.files_below(), [])

    def test_what_is_durable_already_is_not_begun_again(self) -> None:
        """What was made so at the end of a request is not, when more comes."""
        self.ingest.write(self.piece * 5)
        self.now(self.ingest.sync())
        synced = self.done.count("sync")
        for _ in range(3):
            self.ingest.write(self.piece)
        self.assertEqual(self.done.count("sync"), synced)
        self.ingest.write(self.piece * 2)
        self.ingest.write(self.piece)
        self.assertEqual(self.done.count("sync"), synced + 1)


class ApartTests(IngestCase):
    """Much at once: one job writes it, another hashes it."""

    def setUp(self) -> None:
        super().setUp()
        self.much = b"much" * (APART // 4)
        self.digest = Digest.of(b"!" + self.much)
        self.ingest.write(b"!")
        self.now(self.ingest.flush())
        self.told: list[int] = []
        self.ingest.observe(lambda: self.told.append(self.ingest.written))
        self.threads.held = True

    def test_both_at_the_same_time(self) -> None:
        """Whichever ends first, readers hear when both have."""
        for first in (0, 1):
            self.ingest.write(self.much)
            self.assertEqual(len(self.threads.jobs), 2)
            before = self.ingest.written
            self.threads.work(first)
            self.assertEqual((self.ingest.written, self.told), (before, []))
            self.threads.work()
            self.assertEqual(self.told, [before + APART])
            self.told.clear()
        self.threads.held = False
        digest = Digest.of(b"!" + self.much * 2)
        self.assertEqual(self.now(self.ingest.commit(digest)), 1 + 2 * APART)

    def test_the_end_waits_for_both(self) -> None:
        """Nothing has its name before it is whole and hashed."""
        self.ingest.write(self.much)
        committing = Deferred.fromCoroutine(self.ingest.commit(self.digest))
        self.threads.work(0)
        self.assertNoResult(committing)
        self.assertNotIn("rename", self.done)
        self.threads.held = False
        self.threads.work(0)
        self.assertEqual(self.successResultOf(committing), 1 + APART)

    def test_a_write_that_fails(self) -> None:
        """Ends it, though all is hashed (I20); not before no job runs."""
        self.ingest.write(self.much)
        aborting = Deferred.fromCoroutine(self.ingest.abort())
        self.failing = "write"
        self.threads.work(0)
        self.assertNoResult(aborting)
        self.threads.held = False
        self.threads.work(0)
        self.successResultOf(aborting)
        self.assertEqual(self.files_below(), [])
        self.fails(self.ingest.commit(self.digest), StorageOutage)

    def test_the_first_job_runs_alone(self) -> None:
        """It makes the file."""
        other = self.now(self.store.ingest("other"))
        other.write(self.much)
        self.assertEqual(len(self.threads.jobs), 1)
        self.threads.held = False
        self.threads.work()
        self.now(other.commit(Digest.of(self.much)))

    def test_small_pieces_are_written_together(self) -> None:
        """Large ones are not copied for it."""
        for size, writes in ((WORTH // 2, 1), (WORTH, 8)):
            self.threads.held = True
            self.ingest.write(b"x" * LEAST)
            for _ in range(8):
                self.ingest.write(b"y" * size)
            before = self.done.count("write")
            self.threads.held = False
            self.threads.work()
            self.now(self.ingest.flush())
            self.assertEqual(self.done.count("write") - before, 1 + writes)


class BacklogTests(IngestCase):
    """How much may wait."""

    def test_shares(self) -> None:
        """One has most; however many, each has some, and no more than all have."""
        backlog = Backlog()
        for writers, high in ((0, MOST), (1, MOST), (16, ALL // 16), (10_000, LEAST)):
            backlog.writers = writers
            self.assertEqual(backlog.high, high)
            self.assertTrue(LEAST <= backlog.low <= high)

    def test_a_slow_disk_pauses_its_producer(self) -> None:
        """It goes on before the disk has nothing to do."""
        producer = Producer()
        self.ingest.registerProducer(producer, True)
        self.threads.held = True
        self.ingest.write(b"x" * MOST)
        self.assertFalse(producer.paused)
        self.ingest.write(b"x")
        self.assertTrue(producer.paused)
        self.threads.work()
        self.assertFalse(producer.paused)

    def test_nobody_is_paused_for_ever(self) -> None:
        """Whatever is left when a job ends: it is written, or it is little."""
        others = [self.now(self.store.ingest(f"other{n}")) for n in range(ALL // LEAST)]
        for other in others:
            other.registerProducer(Producer(), True)
        producer = Producer()
        self.ingest.registerProducer(producer, True)
        self.threads.held = True
        for left in (1, LEAST // 2, LEAST - 1, LEAST):
            self.ingest.write(b"x" * (LEAST + 1))
            self.assertTrue(producer.paused)
            self.ingest.write(b"x" * left)
            while producer.paused:
                self.threads.work()
            while self.threads.jobs:
                self.threads.work()
            self.threads.held = False
            self.now(self.ingest.flush())
            self.threads.held = True

    def test_it_is_given_back(self) -> None:
        """When a producer has gone."""
        backlog = self.store._backlog
        self.ingest.registerProducer(Producer(), True)
        self.assertEqual(backlog.writers, 1)
        self.ingest.unregisterProducer()
        self.ingest.unregisterProducer()
        self.assertEqual(backlog.writers, 0)


class EmptyTests(IngestCase, SynchronousTestCase):
    """Content without a byte."""

    def test_it_is_made_durable_like_any_other(self) -> None:
        """A file, an fsync, a name."""
        empty = Digest.of(b"")
        self.assertEqual(self.now(self.ingest.commit(empty, 0, close=True)), 0)
        self.assertEqual(self.done[:3], ["create", "chmod", "sync"])
        self.assertEqual(self.now(self.store.stat(empty)), 0)
