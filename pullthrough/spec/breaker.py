"""The circuit breaker of one upstream host. Pure: it is told the time.

Nexus's "auto-block": a host that fails is left alone for a while, longer each time; one
probe then finds out whether it is back (reliability, section 5).
"""

from collections import deque
from collections.abc import Callable
from enum import Enum

#: Failures in a row that trip it; or more than half of the last so many answers.
IN_A_ROW = 3
WINDOW = 20

#: Seconds of the first two blocks, as in Nexus; the others are Fibonacci's sums.
FIRST = 40.0
LONGEST = 3600.0

#: By which part a block is longer or shorter, so that hosts do not come back together.
JITTER = 0.2


class State(Enum):
    """Whether requests go to the host."""

    CLOSED = "closed"
    BLOCKED = "blocked"
    PROBING = "half-open"


class Breaker:
    """Counts failures, and says when nothing is to be asked.

    :param random: a number from 0 to 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._recent: deque[bool] = deque(maxlen=WINDOW)
        self._row = 0
        self._lengths = (0.0, FIRST)
        self._probe_ends = 0.0
        self.state = State.CLOSED
        self.until = 0.0

    def admits(self, now: float, patience: float) -> bool:
        """Whether a request may go out now; when blocked for long enough, one may.

        :param now: seconds; monotonic.
        :param patience: seconds after which a probe that tells nothing is given up.
        """
        if self.state is State.CLOSED:
            return True
        if self.state is State.PROBING:
            if now < self._probe_ends:
                return False
        elif now < self.until:
            return False
        self.state = State.PROBING
        self._probe_ends = now + patience
        return True

    def succeeded(self) -> None:
        """The host has answered: also with 401, 403, 404 or 429."""
        self._row = 0
        self._recent.append(True)
        if self.state is State.PROBING:
            self.state = State.CLOSED
            self._recent.clear()
            self._lengths = (0.0, FIRST)

    def failed(self, now: float) -> bool:
        """It cannot be reached, fails its handshake, is silent, or answers 5xx.

        :returns: whether that has blocked it.
        """
        if self.state is State.BLOCKED:
            return False  # one that was under way before
        self._row += 1
        self._recent.append(False)
        failures = self._recent.count(False)
        tripped = self._row >= IN_A_ROW
        tripped |= len(self._recent) == WINDOW and failures * 2 > WINDOW
        if self.state is State.CLOSED and not tripped:
            return False
        before, length = self._lengths
        self._lengths = (length, min(before + length, LONGEST))
        spread = 1 + JITTER * (2 * self._random() - 1)
        self.state = State.BLOCKED
        self.until = now + min(length * spread, LONGEST)
        self._recent.clear()
        self._row = 0
        return True
