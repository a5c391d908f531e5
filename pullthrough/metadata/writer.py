"""The one writer: what waits while a commit runs is committed together next."""

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
    """

    def __init__(self, connection: apsw.Connection, thread: IThreads) -> None:
        self._connection = connection
        self._thread = thread
        self._waiting: list[tuple[Work, Deferred[Any]]] = []
        self._running = False
        self.commits = 0

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Do ``work`` in a transaction of its own.

        :raises StorageOutage: when it, or the commit, failed; nothing is changed.
        """
        turn: Deferred[T] = Deferred()
        self._waiting.append((work, turn))
        if not self._running:
            self._next()
        return await turn

    def _next(self) -> None:
        batch, self._waiting = self._waiting, []
        self._running = True
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
        self._running = False
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
