"""A probe of the event loop: how late it comes to what is due."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

#: Seconds between two looks. What blocks the loop for longer is seen, but for that much
#: of it at most.
INTERVAL = 0.05

#: Seconds of lateness that are worth a line in the log, and between two such lines.
LATE = 0.1
QUIET = 60.0

#: The longest lateness is told of so many seconds, counted in so many parts.
WINDOW = 300.0
PARTS = 5


class LagProbe:
    """Sets itself an alarm, again and again.

    :param observe: told each time by how many seconds it was late.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, clock: IReactorTime, observe: Callable[[float], None]) -> None:
        self._clock = clock
        self._observe = observe
        self._due = 0.0
        self._told = -QUIET
        self._alarm: IDelayedCall | None = None
        self._parts: dict[int, float] = {}

    @property
    def longest(self) -> float:
        """The longest lateness of the last five minutes, in seconds."""
        oldest = self._part() - PARTS
        return max((late for at, late in self._parts.items() if at > oldest), default=0)

    def _part(self) -> int:
        return int(self._clock.seconds() // (WINDOW / PARTS))

    def start(self) -> None:
        """Begin."""
        self._due = self._clock.seconds() + INTERVAL
        self._alarm = self._clock.callLater(INTERVAL, self._tick)

    def stop(self) -> None:
        """End; safe twice."""
        if self._alarm is not None and self._alarm.active():
            self._alarm.cancel()
        self._alarm = None

    def _tick(self) -> None:
        now = self._clock.seconds()
        late = max(0.0, now - self._due)
        self._observe(late)
        part = self._part()
        if part not in self._parts:
            self._parts = {
                at: one for at, one in self._parts.items() if at > part - PARTS
            }
        self._parts[part] = max(late, self._parts.get(part, 0.0))
        if late > LATE and now - self._told >= QUIET:
            self._told = now
            self._log.warn("the event loop was blocked for {late:.3f} s", late=late)
        self.start()
