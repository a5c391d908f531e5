"""A number of turns, and those who wait for one."""

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from pullthrough.errors import Overload
from pullthrough.fairness import Line

#: How many wait for a turn at most.
QUEUE = 256


class Turns:
    """Who comes when none is free waits. Clients are then served in turn, so that
    nobody waits behind all that another wants; when the line is full, the client with
    most in it makes room.

    :param what: they are of, for people.
    :param patience: seconds.
    :ivar used: turns that are taken.
    :ivar refused: how many had no turn, because too many waited or it took too long.
    """

    def __init__(
        self,
        what: str,
        count: int,
        clock: IReactorTime,
        patience: float,
        queue: int = QUEUE,
    ) -> None:
        self._what = what
        self._count = count
        self.used = 0
        self._clock = clock
        self._patience = patience
        self._queue = queue
        self._waiting: Line[Deferred[None]] = Line(clock.seconds)
        self.refused = 0

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @property
    def oldest(self) -> float:
        """For how many seconds the one has waited that has waited longest."""
        return self._waiting.oldest

    async def take(self) -> None:
        """Wait for a turn; *release* gives it back.

        :raises Overload: when too many wait, or it takes too long.
        """
        if self.used < self._count:
            self.used += 1
            return
        if len(self._waiting) >= self._queue:
            last = self._waiting.room()
            if last is None:
                raise self._overload()
            last.errback(self._overload())
        turn: Deferred[None] = Deferred(self._waiting.leave)
        self._waiting.join(turn)
        try:
            await turn.addTimeout(self._patience, self._clock)
        except defer.TimeoutError:
            raise self._overload() from None

    def _overload(self) -> Overload:
        self.refused += 1
        return Overload(f"too many requests wait for {self._what}")

    def release(self) -> None:
        """Give a turn back."""
        if self._waiting:
            self._waiting.pop().callback(None)
        else:
            self.used -= 1
