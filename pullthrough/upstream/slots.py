"""How much may be under way at one upstream at once."""

from collections import deque

from twisted.internet.defer import Deferred

from pullthrough.errors import Overload

#: Bodies of blobs, and everything else, at once; and how many wait for a turn.
BODIES = 16
METADATA = 8
QUEUE = 256


class Slots:
    """A number of turns; who comes when none is free waits in line.

    :param name: of the upstream, for people.
    """

    def __init__(self, name: str, count: int, queue: int = QUEUE) -> None:
        self._name = name
        self._free = count
        self._queue = queue
        self._waiting: deque[Deferred[None]] = deque()

    async def take(self) -> None:
        """Wait for a turn; *release* gives it back.

        :raises Overload: when too many wait.
        """
        if self._free:
            self._free -= 1
            return
        if len(self._waiting) >= self._queue:
            raise Overload(f"too many requests wait for upstream {self._name}")
        turn: Deferred[None] = Deferred(self._waiting.remove)
        self._waiting.append(turn)
        await turn

    def release(self) -> None:
        """Give a turn back."""
        if self._waiting:
            self._waiting.popleft().callback(None)
        else:
            self._free += 1
