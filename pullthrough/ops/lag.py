"""A probe of the event loop: how late it comes to what is due."""

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

#: Seconds between two looks.
INTERVAL = 0.25

#: Seconds of lateness that are worth a line in the log, and between two such lines.
LATE = 0.1
QUIET = 60.0


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
        if late > LATE and now - self._told >= QUIET:
            self._told = now
            self._log.warn("the event loop was blocked for {late:.3f} s", late=late)
        self.start()
