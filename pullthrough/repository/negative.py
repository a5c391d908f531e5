"""What an upstream has plainly said that it does not have, for a while."""

from collections import OrderedDict
from collections.abc import Callable

from pullthrough.errors import Miss
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Reference

#: Most misses remembered; the oldest go first.
MOST = 10_000

Key = tuple[ImageName, Reference]


class KnownMisses:
    """Misses in memory: losing them costs a question.

    :param time_to_live: seconds; 0 remembers nothing.
    :param now: seconds.
    """

    def __init__(self, time_to_live: float, now: Callable[[], float]) -> None:
        self._time_to_live = time_to_live
        self._now = now
        self._misses: OrderedDict[Key, tuple[float, Miss]] = OrderedDict()

    def get(self, key: Key) -> Miss | None:
        """The miss, if it is known and not too old."""
        found = self._misses.get(key)
        if found is None:
            return None
        until, miss = found
        if not self._now() < until:
            del self._misses[key]
            return None
        return Miss(miss.code, f"{miss.detail} (known for a while)", until=until)

    def note(self, key: Key, miss: Miss) -> None:
        """Remember a miss, if it is certain (invariant I15)."""
        if not miss.certain or not self._time_to_live:
            return
        self._misses[key] = (self._now() + self._time_to_live, miss)
        self._misses.move_to_end(key)
        if len(self._misses) > MOST:
            self._misses.popitem(last=False)

    def clear(self, key: Key) -> None:
        """It is there now."""
        self._misses.pop(key, None)
