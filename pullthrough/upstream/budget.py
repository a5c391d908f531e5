"""Retries within a budget: an upstream in trouble is not made busier by them."""

from collections.abc import Callable

#: Retries earned by each request, and each second; and the most that are kept.
PER_REQUEST = 0.1
PER_SECOND = 1.0
MOST = 10.0


class RetryBudget:
    """At most a tenth of the requests, and one a second (reliability, section 5).

    :param now: seconds.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._left = MOST
        self._at = now()

    def requested(self) -> None:
        """A first attempt goes out."""
        self._left = min(MOST, self._left + PER_REQUEST)

    def spend(self) -> bool:
        """Whether one more retry may go out; it is then spent."""
        now = self._now()
        self._left = min(MOST, self._left + PER_SECOND * max(0.0, now - self._at))
        self._at = now
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
