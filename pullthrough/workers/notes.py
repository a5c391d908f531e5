"""What a worker has answered by itself, gathered for the owner's log and metrics."""

from collections import Counter
from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall, IReactorTime

#: Seconds for which answers are gathered.
DELAY = 0.05

#: Most kinds of answers that wait, each of one line and client.
MOST = 10_000


class Notes:
    """Counts answers by their line in the access log and their client.

    :param send: takes lines, clients, and how often.
    :ivar held: whether the owner takes nothing just now; they are then counted on, and
        what is new beyond :data:`MOST` is not told.
    """

    def __init__(
        self, clock: IReactorTime, send: Callable[[list[tuple[str, str, int]]], None]
    ) -> None:
        self._clock = clock
        self._send = send
        self._times: Counter[tuple[str, str]] = Counter()
        self._due: IDelayedCall | None = None
        self.held = False

    def __call__(self, line: str, peer: str) -> None:
        """An answer was given."""
        key = line, peer
        if len(self._times) < MOST or key in self._times:
            self._times[key] += 1
        if self._due is None:
            self._due = self._clock.callLater(DELAY, self._gathered)

    def flush(self) -> None:
        """Tell what has gathered, held or not."""
        due, self._due = self._due, None
        if due is not None and due.active():
            due.cancel()
        times, self._times = self._times, Counter()
        if times:
            self._send([(*key, count) for key, count in times.items()])

    def _gathered(self) -> None:
        if self.held:
            self._due = self._clock.callLater(DELAY, self._gathered)
        else:
            self.flush()
