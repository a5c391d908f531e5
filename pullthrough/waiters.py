"""Waiting for a change: one Deferred for each who waits."""

from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from twisted.internet.defer import Deferred

K = TypeVar("K")
T = TypeVar("T")


class Waiters:
    """Those who wait until something changes; :meth:`wake` wakes them all."""

    def __init__(self) -> None:
        self._waiting: list[Deferred[None]] = []

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once ``holds()`` is true, asking again after each wake."""
        while not holds():
            turn: Deferred[None] = Deferred()
            self._waiting.append(turn)
            await turn

    def wake(self) -> None:
        """Let everybody look again."""
        waiting, self._waiting = self._waiting, []
        for turn in waiting:
            if not turn.called:
                turn.callback(None)


class Flights(Generic[K, T]):
    """At most one call in flight for a key; who comes later shares its result."""

    def __init__(self) -> None:
        self._flights: dict[K, list[Deferred[T]]] = {}

    async def join(self, key: K, fly: Callable[[], Awaitable[T]]) -> T:
        """The result of ``fly()``, or of the call already in flight for ``key``.

        An error is shared likewise; the next to come then tries anew.
        """
        turn: Deferred[T] = Deferred()
        waiting = self._flights.setdefault(key, [])
        waiting.append(turn)
        if len(waiting) == 1:
            # The flight belongs to nobody who waits: a waiter that leaves does
            # not end it.
            flight = Deferred.fromCoroutine(_fly(fly))
            flight.addCallbacks(
                lambda result: self._land(key, lambda one: one.callback(result)),
                lambda failure: self._land(key, lambda one: one.errback(failure)),
            )
        return await turn

    def _land(self, key: K, tell: Callable[["Deferred[T]"], None]) -> None:
        for turn in self._flights.pop(key):
            if not turn.called:
                tell(turn)


async def _fly(fly: Callable[[], Awaitable[T]]) -> T:
    return await fly()
