"""Failed logins are rationed, by user and by address, so that guessing is slow."""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from pullthrough.errors import Throttled

#: Failures that may come at once, and seconds after which one more may.
PER_USER = (10, 6.0)
PER_ADDRESS = (50, 1.0)

#: Most users and addresses kept in mind; those that failed longest ago go first.
MOST = 100_000

#: ``user`` or ``address``, and which.
Key = tuple[str, str]


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Throttle:
    """Token buckets that only failures empty: who logs in rightly never waits, unless
    somebody guesses at that name or from that address.

    :param now: seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._buckets: OrderedDict[Key, _Bucket] = OrderedDict()

    def admit(self, username: str, address: str) -> None:
        """Let an attempt be verified.

        :raises Throttled: when there were too many failures.
        """
        wait = max(self._wait(key) for key in _keys(username, address))
        if wait > 0:
            raise Throttled("too many wrong passwords; wait a little", wait)

    def failed(self, username: str, address: str) -> None:
        """The password was wrong."""
        for key in _keys(username, address):
            bucket = self._refilled(key)
            bucket.left -= 1
            self._buckets[key] = bucket
            self._buckets.move_to_end(key)
        while len(self._buckets) > MOST:
            self._buckets.popitem(last=False)

    def _wait(self, key: Key) -> float:
        _, seconds = _limits(key)
        return max(0.0, (1 - self._refilled(key).left) * seconds)

    def _refilled(self, key: Key) -> _Bucket:
        most, seconds = _limits(key)
        now = self._now()
        bucket = self._buckets.get(key)
        if bucket is None:
            return _Bucket(most, now)
        gained = max(0.0, now - bucket.at) / seconds
        return _Bucket(min(most, bucket.left + gained), now)


def _keys(username: str, address: str) -> Iterable[Key]:
    yield "user", username
    if address:
        yield "address", address


def _limits(key: Key) -> tuple[int, float]:
    return PER_USER if key[0] == "user" else PER_ADDRESS
