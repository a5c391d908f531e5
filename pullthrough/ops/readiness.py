"""Whether clients should be sent to us: what a load balancer asks, again and again.

Never an upstream: an outage elsewhere must not take us out of service.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pullthrough.errors import RegistryError
from pullthrough.waiters import Waiters

#: Seconds that a look may take, and for which its outcome is believed.
PATIENCE = 10.0
KEEPING = 10.0

#: Seconds for which who has asked is taken to ask again.
WATCHING = 60.0

#: What may come of a look.
OK, FAILED, LATE = "ok", "failed", "late"

#: The worst of several counts.
_SEVERITY = (OK, FAILED, LATE)

#: Looks at something. Raises RegistryError: it does not work.
Look = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Check:
    """Something that must work.

    :ivar kind: what everybody is told of it.
    :ivar name: what the log calls it.
    :ivar look: the same one each time, if it looks at the same thing.
    """

    kind: str
    name: str
    look: Look


class Readiness:
    """Looks at everything when somebody asks, but not more often than it must.

    :param checks: what must work now.
    """

    def __init__(
        self, clock: IReactorTime, checks: Callable[[], Sequence[Check]]
    ) -> None:
        self._clock = clock
        self._checks = checks
        self._asked: float | None = None
        self._stopping = False
        self._looks: dict[Look, _Looks] = {}

    @property
    def watched(self) -> bool:
        """Whether somebody has asked lately, who will see that we are not ready."""
        asked = self._asked
        return asked is not None and self._clock.seconds() - asked < WATCHING

    def stop(self) -> None:
        """Be ready no more."""
        self._stopping = True

    async def tell(self) -> tuple[int, bytes]:
        """Status and JSON document of an answer to who asks."""
        self._asked = self._clock.seconds()
        outcomes: dict[str, str] = {}
        if not self._stopping:
            outcomes = await self._outcomes()
        # Asked last: it may have begun meanwhile.
        outcomes["serving"] = "stopping" if self._stopping else OK
        ready = all(outcome == OK for outcome in outcomes.values())
        document = json.dumps({"ready": ready, "checks": outcomes})
        return (200 if ready else 503), document.encode() + b"\n"

    async def _outcomes(self) -> dict[str, str]:
        checks = self._checks()
        self._looks = {
            check.look: self._looks.get(check.look) or _Looks(check, self._clock)
            for check in checks
        }
        looking = [
            (check.kind, Deferred.fromCoroutine(self._looks[check.look].outcome()))
            for check in checks
        ]
        found: dict[str, str] = {}
        for kind, outcome in looking:
            found[kind] = max(found.get(kind, OK), await outcome, key=_SEVERITY.index)
        return found


class _Looks:
    """The looks at one thing: one at a time, however many wait for its outcome.

    One that does not end stays the only one. Nobody waits for it when the time is over.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, check: Check, clock: IReactorTime) -> None:
        self._check = check
        self._clock = clock
        self._waiters = Waiters()
        self._looking = False
        self._outcome = ""
        self._last = OK
        self._at = 0.0
        self._late: IDelayedCall | None = None

    async def outcome(self) -> str:
        """Of a look that is not old."""
        old = not self._outcome or self._clock.seconds() - self._at >= KEEPING
        if old and not self._looking:
            self._begin()
        await self._waiters.until(lambda: bool(self._outcome))
        return self._outcome

    def _begin(self) -> None:
        self._looking = True
        self._outcome = ""
        why = f"it has not answered for {PATIENCE:.0f} s"
        self._late = self._clock.callLater(PATIENCE, self._found, LATE, why)
        looking = Deferred.fromCoroutine(self._look())
        looking.addErrback(lambda bug: self._log.failure("a check failed", bug))

    async def _look(self) -> None:
        outcome, why = FAILED, "by a fault of ours"
        try:
            await self._check.look()
            outcome, why = OK, ""
        except RegistryError as error:
            why = error.detail
        finally:
            self._looking = False
            if self._late is not None and self._late.active():
                self._late.cancel()
            self._found(outcome, why)

    def _found(self, outcome: str, why: str) -> None:
        self._at = self._clock.seconds()
        self._outcome = outcome
        if outcome != self._last:
            if outcome == OK:
                self._log.info("{name} works again", name=self._check.name)
            else:
                self._log.error(
                    "not ready: {name}: {why}", name=self._check.name, why=why
                )
        self._last = outcome
        self._waiters.wake()
