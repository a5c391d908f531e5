"""Where blocking work goes: a bounded pool of threads, or inline in tests."""

import time
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import Interface, implementer

from pullthrough.errors import Overload
from pullthrough.fairness import Line

P = ParamSpec("P")
T = TypeVar("T")


class IThreads(Interface):
    """Runs blocking functions off the reactor."""

    def admit() -> None:
        """Say whether new work may begin; what has begun is never refused.

        :raises Overload: when too much is waiting.
        """

    def run(function: Callable[..., Any], *args: Any, **kwargs: Any) -> "Deferred[Any]":
        """Run ``function(*args, **kwargs)``; see :meth:`Threads.run`."""


@implementer(IThreads)
class Threads:
    """A pool of at most ``size`` threads; admits while ``queue`` jobs or fewer wait.

    Clients are served in turn. Before *start* and after *stop*, when no reactor runs, a
    job runs at once.

    :param ordered: with one thread: jobs run in the order given, whoever wants them.
    :ivar running: how many threads work.
    :ivar refused: how much work was not admitted.
    """

    def __init__(
        self,
        reactor: IReactorFromThreads,
        name: str,
        size: int,
        queue: int = 512,
        *,
        ordered: bool = False,
    ) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=size, name=name)
        self._size = size
        self._ordered = ordered
        self._limit = size + queue
        self._pending = 0
        self.running = 0
        self._waiting: Line[Callable[[], None]] = Line()
        self._given: deque[float] = deque()
        self.refused = 0

    def start(self) -> None:
        """Run jobs in threads from now on."""
        self._pool.start()

    def stop(self) -> None:
        """Finish the jobs given so far, then end the threads. Blocks."""
        while self._waiting:
            self._waiting.pop()()
        if self._pool.started:
            self._pool.stop()

    @property
    def waiting(self) -> int:
        """How many jobs wait for a thread."""
        return max(0, self._pending - self._size)

    @property
    def oldest(self) -> float:
        """For how many seconds the job has waited that has waited longest."""
        if not self._ordered:
            return self._waiting.oldest
        given = self._given
        return time.monotonic() - given[self._size] if self.waiting else 0.0

    def admit(self) -> None:
        """See :meth:`IThreads.admit`."""
        if self._pending >= self._limit and self._has_its_share():
            self.refused += 1
            raise Overload(f"too much work is waiting ({self._pool.name})")

    def _has_its_share(self) -> bool:
        """Whether the client at hand has as much waiting as others have; one that has
        less is not refused for what they have, until it is twice too much."""
        waiting = self._waiting
        return self._pending >= 2 * self._limit or waiting.own * waiting.payers >= len(
            waiting
        )

    def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "Deferred[T]":
        """Run ``function`` in a thread; fires in the reactor with its result.

        Cancelling has no effect on a job that has begun.
        """
        if not self._pool.started:
            return execute(function, *args, **kwargs)
        self._pending += 1
        if self._ordered:
            self._given.append(time.monotonic())
        if self._ordered or self.running < self._size:
            return self._begin(function, *args, **kwargs)
        turn: Deferred[T] = Deferred()

        def begin() -> None:
            self._begin(function, *args, **kwargs).addBoth(_hand_on, turn)

        self._waiting.join(begin)
        return turn

    def _begin(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "Deferred[T]":
        self.running += 1
        done = deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
        return done.addBoth(self._finished)

    def _finished(self, result: T) -> T:
        self._pending -= 1
        self.running -= 1
        if self._ordered:
            self._given.popleft()
        if self._waiting:
            self._waiting.pop()()
        return result


def _hand_on(result: Any, turn: "Deferred[Any]") -> None:
    """Tell who has waited, if it still does."""
    if not turn.called:
        turn.callback(result)


@implementer(IThreads)
class Inline:
    """The same without threads: at once, for synchronous tests."""

    def admit(self) -> None:
        """See :meth:`IThreads.admit`."""

    def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "Deferred[T]":
        """Run ``function`` now."""
        return execute(function, *args, **kwargs)
