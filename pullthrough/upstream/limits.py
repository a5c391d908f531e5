"""What one account may ask of one upstream, shared by all who use it."""

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.web.iweb import IResponse

from pullthrough.errors import UpstreamLimited
from pullthrough.spec.ratelimit import Budget, parse_budget, pause_after
from pullthrough.spec.retryafter import parse_retry_after
from pullthrough.turns import Turns
from pullthrough.upstream.headers import header_of
from pullthrough.upstream.slots import (
    BODIES,
    BODY_PATIENCE,
    METADATA,
    METADATA_PATIENCE,
)

#: Parts of the budget; when what remains falls below one, the log says so.
_MARKS = (0.5, 0.2, 0.05)


class Limits:
    """What the upstream has told of its limit, and the turns that we give ourselves.

    :param name: of the upstream, and of the account if there is one; for people.
    :ivar budget: what it told last, if it tells.
    :ivar retries, retries_refused: see :class:`UpstreamState`.
    :ivar bodies, metadata: turns for bodies of blobs, and for everything else.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, name: str, clock: IReactorTime) -> None:
        self.name = name
        self._clock = clock
        self._until = 0.0
        self._marks = 0
        self.budget: Budget | None = None
        self.retries = 0
        self.retries_refused = 0
        # Clients are told of it, and of no account.
        what = f"upstream {name.partition(' as ')[0]}"
        self.bodies = Turns(what, BODIES, clock, BODY_PATIENCE)
        self.metadata = Turns(what, METADATA, clock, METADATA_PATIENCE)

    def admit(self) -> None:
        """Let a request out.

        :raises UpstreamLimited: while the upstream has asked to be left alone.
        """
        wait = self.limited_for
        if wait:
            raise UpstreamLimited(
                f"upstream {self.name} limits us (429), for another {wait:.0f} s", wait
            )

    @property
    def limited_for(self) -> float:
        """Seconds for which it is still to be left alone."""
        return max(0.0, self._until - self._clock.seconds())

    def limited(self, response: IResponse) -> UpstreamLimited:
        """It has answered 429: leave it alone as long as it asks for."""
        told = header_of(response, "Retry-After")
        wait = pause_after(parse_retry_after(told, self._clock.seconds()))
        self._until = self._clock.seconds() + wait
        self._log.warn(
            "upstream {name} limits us (429): asked again in {wait:.0f} s",
            name=self.name,
            wait=wait,
        )
        return UpstreamLimited(f"upstream {self.name} limits us (429)", wait)

    def note(self, response: IResponse) -> None:
        """Read the budget from an answer, if it is there."""
        budget = parse_budget(
            header_of(response, "ratelimit-limit"),
            header_of(response, "ratelimit-remaining"),
        )
        if budget is None:
            return
        self.budget = budget
        passed = sum(budget.remaining < mark * budget.limit for mark in _MARKS)
        if passed > self._marks:
            self._log.warn(
                "upstream {name}: {remaining} of {limit} requests remain",
                name=self.name,
                remaining=budget.remaining,
                limit=budget.limit,
            )
        self._marks = passed
