"""The pools of threads: how much they take, and whose job is next."""

import threading
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.trial.unittest import TestCase

from pullthrough.errors import Overload
from pullthrough.fairness import work_for
from pullthrough.spec.digest import Digest
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.threads import Threads
from pullthrough.web.failures import tell


class ThreadsTests(TestCase):
    """A pool of two."""

    def setUp(self) -> None:
        self.done: list[str] = []
        self.gate = threading.Event()
        self.threads = Threads(reactor, "disk", 2, queue=3)  # type: ignore[arg-type]
        self.threads.start()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        """No thread waits any more."""
        self.gate.set()
        self.threads.stop()

    def blocked(self) -> "list[Deferred[Any]]":
        """Both threads wait for the gate."""
        return [self.threads.run(self.gate.wait, 60) for _ in range(2)]

    def want(self, principal: str, name: str) -> "Deferred[None]":
        """A job of somebody's."""

        async def ask() -> None:
            work_for(principal, "")
            await self.threads.run(self.done.append, name)

        return Deferred.fromCoroutine(ask())

    def admitted(self, principal: str, name: str = "") -> "Deferred[None]":
        """The same, if there is room for it."""

        async def ask() -> None:
            work_for(principal, "")
            self.threads.admit()
            await self.threads.run(self.done.append, name or principal)

        return Deferred.fromCoroutine(ask())

    async def test_in_turn(self) -> None:
        """Who wants one thing does not wait behind all that another wants."""
        waiting = self.blocked()
        waiting += [self.want("alice", f"alice {number}") for number in range(20)]
        waiting.append(self.want("bob", "bob"))
        self.assertEqual((self.threads.running, self.threads.waiting), (2, 21))
        self.gate.set()
        await gatherResults(waiting)
        self.assertLessEqual(self.done.index("bob"), 3)
        self.assertEqual((self.threads.running, self.threads.waiting), (0, 0))

    async def test_how_much(self) -> None:
        """Two run and three wait; then nothing new is admitted of who has most of it,
        but what has begun is done."""
        waiting = self.blocked()
        for number in range(3):
            waiting.append(self.admitted("alice", str(number)))
        self.failureResultOf(self.admitted("alice"), Overload)
        self.assertEqual(self.threads.refused, 1)
        waiting.append(self.want("alice", "3"))
        waiting.append(self.admitted("bob"))
        self.gate.set()
        await gatherResults(waiting)
        self.assertEqual(sorted(self.done), ["0", "1", "2", "3", "bob"])
        self.threads.admit()

    async def test_twice_too_much(self) -> None:
        """Then nobody is admitted."""
        waiting = self.blocked()
        waiting += [self.admitted(f"user {number}") for number in range(8)]
        late = self.admitted("late")
        self.gate.set()
        await gatherResults(waiting)
        self.failureResultOf(late, Overload)

    async def test_a_full_disk_queue(self) -> None:
        """Nothing new is opened; what is told is 503 and when to come back."""
        waiting = self.blocked()
        waiting += [self.threads.run(self.done.append, "x") for _ in range(3)]
        store = FilesystemBlobStore("blobs", Path("nowhere"), self.threads)
        for work in (
            store.open(Digest.of(b"x")),
            store.ingest("0" * 32),
            store.resume("0" * 32, 0),
        ):
            error = self.failureResultOf(Deferred.fromCoroutine(work), Overload).value
            told = tell(error)
            self.assertEqual(told.status, 503)
            self.assertIn(("Retry-After", "5"), told.headers)
        self.gate.set()
        await gatherResults(waiting)

    async def test_failures(self) -> None:
        """They reach who has waited; one that has left changes nothing."""
        waiting = self.blocked()
        wrong = self.threads.run(int, "x")
        left = self.threads.run(int, "y")
        right = self.threads.run(int, "7")
        left.cancel()
        self.failureResultOf(left, CancelledError)
        self.gate.set()
        await gatherResults(waiting)
        try:
            await wrong
        except ValueError:
            pass
        else:
            self.fail("int('x')")
        self.assertEqual(await right, 7)

    async def test_the_end(self) -> None:
        """What waits is done before the threads end."""
        for number in range(2):
            self.threads.run(self.gate.wait, 60)
            self.want("alice", str(number))
        self.stop()
        self.assertEqual(sorted(self.done), ["0", "1"])
