"""The circuit breakers of all upstream hosts: registries, realms and CDNs apart."""

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pullthrough.errors import UpstreamBlocked
from pullthrough.spec.breaker import Breaker, State
from pullthrough.spec.origins import Origin

#: Most hosts that are kept in mind; CDNs have many names.
MOST = 1000


class Breakers:
    """Shared by all proxies, so that each host is known once.

    :param random: a number from 0 to 1.
    :param patience: seconds after which a probe that tells nothing is given up.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self, clock: IReactorTime, random: Callable[[], float], patience: float
    ) -> None:
        self._clock = clock
        self._random = random
        self._patience = patience
        self._breakers: dict[Origin, Breaker] = {}

    def admit(self, origin: Origin) -> None:
        """Let a request out.

        :raises UpstreamBlocked: when the host is to be left alone.
        """
        breaker = self._breakers.get(origin)
        now = self._clock.seconds()
        if breaker is None or breaker.admits(now, self._patience):
            return
        wait = max(1.0, breaker.until - now)
        raise UpstreamBlocked(
            f"upstream {origin} keeps failing and is left alone for another"
            f" {wait:.0f} s",
            wait,
        )

    def state(self, origin: Origin) -> tuple[str, float]:
        """``closed``, ``blocked`` or ``half-open``, and seconds to the next attempt."""
        breaker = self._breakers.get(origin)
        if breaker is None:
            return State.CLOSED.value, 0.0
        blocked = breaker.state is State.BLOCKED
        wait = breaker.until - self._clock.seconds() if blocked else 0.0
        return breaker.state.value, max(0.0, wait)

    def succeeded(self, origin: Origin) -> None:
        """The host has answered."""
        breaker = self._breakers.get(origin)
        if breaker is None:
            return
        if breaker.state is State.PROBING:
            self._log.info("upstream {origin} is back", origin=str(origin))
        breaker.succeeded()

    def failed(self, origin: Origin, why: str) -> None:
        """The host could not be reached, was silent, or answered 5xx."""
        if origin not in self._breakers and len(self._breakers) >= MOST:
            self._breakers.clear()
        breaker = self._breakers.setdefault(origin, Breaker(self._random))
        now = self._clock.seconds()
        if breaker.failed(now):
            self._log.warn(
                "upstream {origin} is left alone for {wait:.0f} s: {why}",
                origin=str(origin),
                wait=breaker.until - now,
                why=why,
            )
