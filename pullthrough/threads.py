"""Where blocking work goes: a bounded pool of threads, or inline in tests."""

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute
from twisted.internet.interfaces import IReactorFromThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool
from zope.interface import Interface, implementer

from pullthrough.errors import Overload

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

    With one thread the jobs run one after the other, in the order given. Before
    *start* and after *stop*, when no reactor runs, a job runs at once.
    """

    def __init__(
        self, reactor: IReactorFromThreads, name: str, size: int, queue: int = 512
    ) -> None:
        self._reactor = reactor
        self._pool = ThreadPool(minthreads=0, maxthreads=size, name=name)
        self._limit = size + queue
        self._pending = 0

    def start(self) -> None:
        """Run jobs in threads from now on."""
        self._pool.start()

    def stop(self) -> None:
        """Finish the jobs given so far, then end the threads. Blocks."""
        if self._pool.started:
            self._pool.stop()

    def admit(self) -> None:
        """See :meth:`IThreads.admit`."""
        if self._pending >= self._limit:
            raise Overload(f"too much work is waiting ({self._pool.name})")

    def run(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> "Deferred[T]":
        """Run ``function`` in a thread; fires in the reactor with its result.

        Cancelling has no effect on a job that has begun.
        """
        if not self._pool.started:
            return execute(function, *args, **kwargs)
        self._pending += 1
        done = deferToThreadPool(self._reactor, self._pool, function, *args, **kwargs)
        return done.addBoth(self._finished)

    def _finished(self, result: T) -> T:
        self._pending -= 1
        return result


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
