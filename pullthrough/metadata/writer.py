"""The one writer: what waits while a commit runs is committed together next."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import apsw
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from pullthrough.errors import StorageOutage
from pullthrough.metadata.connection import outages
from pullthrough.threads import IThreads

T = TypeVar("T")

#: A transaction's work: done in the writer's thread, with its connection.
Work = Callable[[apsw.Connection], Any]

_Outcome = tuple[bool, Any]


class Writer:
    """Runs transactions one after the other; each is durable when it answers.

    :param thread: of one thread, as its connection is not shared.
    :ivar running: how many are being committed, together.
    """

    def __init__(self, connection: apsw.Connection, thread: IThreads) -> None:
        self._connection = connection
        self._thread = thread
        self._waiting: list[tuple[Work, Deferred[Any]]] = []
        self._oldest = 0.0
        self.running = 0
        self.commits = 0

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work`` in a transaction of its own.

        :raises StorageOutage: when it, or the commit, failed; nothing is changed.
        """
        turn: Deferred[T] = Deferred()
        if not self._waiting:
            self._oldest = time.monotonic()
        self._waiting.append((work, turn))
        if not self.running:
            self._next()
        return await turn

    @property
    def waiting(self) -> int:
        """How many wait for the next commit."""
        return len(self._waiting)

    @property
    def oldest(self) -> float:
        """For how many seconds the first of them has waited."""
        return time.monotonic() - self._oldest if self._waiting else 0.0

    def _next(self) -> None:
        batch, self._waiting = self._waiting, []
        self.running = len(batch)
        job = self._thread.run(self._together, [work for work, _ in batch])
        turns = [turn for _, turn in batch]
        job.addCallbacks(
            self._done, self._broken, callbackArgs=(turns,), errbackArgs=(turns,)
        )

    def _done(self, outcomes: list[_Outcome], turns: list[Deferred[Any]]) -> None:
        self._go_on()
        for (succeeded, result), turn in zip(outcomes, turns, strict=True):
            if turn.called:
                continue
            if succeeded:
                turn.callback(result)
            else:
                turn.errback(result)

    def _broken(self, failure: Failure, turns: list[Deferred[Any]]) -> None:
        self._go_on()
        for turn in turns:
            if not turn.called:
                turn.errback(failure)

    def _go_on(self) -> None:
        self.running = 0
        if self._waiting:
            self._next()

    # -- in the thread --

    def _together(self, batch: list[Work]) -> list[_Outcome]:
        with outages("write"):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                outcomes = [self._apart(work) for work in batch]
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
        self.commits += 1
        return outcomes

    def _apart(self, work: Work) -> _Outcome:
        """One of the batch: its failure is its own."""
        try:
            with outages("write"), self._connection:  # a savepoint
                result = work(self._connection)
        except StorageOutage as error:
            return False, error
        return True, result
