"""So much at once for each: what is more waits a while, and is then refused."""

from collections import Counter, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from pullthrough.errors import Throttled

K = TypeVar("K", bound=Hashable)

#: Seconds for which one more waits, and after which, refused, it may come back.
PATIENCE = 30.0
COME_BACK = 5.0


class Allowance(Generic[K]):
    """Counts by key.

    To wait is more than a courtesy: Docker gives up a pull or push at the first 429,
    and containerd asks again at once, five times (docs/limits.md).

    :param most: at once, for one key.
    :param clock: times the wait.
    :param what: in the plural, for people.
    :ivar count: how many there are, of all keys.
    :ivar refused: how many have waited in vain.
    """

    def __init__(self, most: int, clock: IReactorTime, what: str) -> None:
        self.most = most
        self.count = 0
        self.refused = 0
        self._clock = clock
        self._what = what
        self._taken: Counter[K] = Counter()
        self._waiting: dict[K, deque[Deferred[None]]] = {}
        self._since: dict[Deferred[None], float] = {}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    @property
    def oldest(self) -> float:
        """For how many seconds the one has waited that has waited longest."""
        for since in self._since.values():
            return self._clock.seconds() - since
        return 0.0

    def full(self, key: K) -> bool:
        """Whether one more would have to wait."""
        return self._taken.get(key, 0) >= self.most

    async def take(self, key: K) -> None:
        """One more; *give_back* ends it.

        :raises Throttled: when it has waited in vain.
        """
        if self.full(key):
            await self._wait(key)
        else:
            self._taken[key] += 1
            self.count += 1

    async def _wait(self, key: K) -> None:
        """Until one is handed over."""
        waiting = self._waiting.setdefault(key, deque())
        turn: Deferred[None] = Deferred(waiting.remove)
        waiting.append(turn)
        self._since[turn] = self._clock.seconds()
        try:
            await turn.addTimeout(PATIENCE, self._clock)
        except defer.TimeoutError:
            self.refused += 1
            raise Throttled(
                f"more than {self.most} {self._what} at once", COME_BACK
            ) from None
        finally:
            del self._since[turn]
            if not waiting and self._waiting.get(key) is waiting:
                del self._waiting[key]

    def give_back(self, key: K) -> None:
        """One has ended; who waits for the same key has it now."""
        waiting = self._waiting.get(key)
        if waiting and self._taken[key] <= self.most:
            waiting.popleft().callback(None)
            return
        self.count -= 1
        self._taken[key] -= 1
        if not self._taken[key]:
            del self._taken[key]
