"""From a call to its end: the work, or what its failure is told as, and the log."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from pullthrough.accessline import AccessLine, AccessLog
from pullthrough.errors import (
    Miss,
    Outage,
    RegistryError,
    StorageOutage,
    Unauthenticated,
)
from pullthrough.fairness import work_for
from pullthrough.web.call import Call
from pullthrough.web.failures import tell
from pullthrough.web.kept import Again, Standing, again

_why = Logger(namespace="pullthrough")


class Challenged(Unauthenticated):
    """A refusal with the challenge that goes with it."""

    def __init__(self, error: Unauthenticated, challenge: tuple[str, str]) -> None:
        super().__init__(error.detail)
        self.username = error.username
        self.challenge = challenge


@dataclass(frozen=True, slots=True)
class Answering:
    """Sees calls to their end.

    :ivar name: of the repository that serves them, for the log.
    :ivar clock: tells how long they took.
    :ivar mirror: see :func:`pullthrough.web.failures.tell`.
    """

    name: str
    access_log: AccessLog
    clock: IReactorTime
    mirror: bool = False

    @property
    def again(self) -> Again:
        """Takes what is answered as it was before."""
        return again(self.access_log)

    async def __call__(
        self, call: Call, work: Callable[[Call], Awaitable[None]]
    ) -> None:
        """Answer a call by this work, or tell why not."""
        begun = self.clock.seconds()
        work_for("", call.exchange.seen.peer)  # until it is known who is asking
        source = ""
        try:
            await work(call)
            source = call.provenance.source.value if call.provenance else ""
        except RegistryError as error:
            source = "error"
            self._tell_why(call, error)
            if isinstance(error, Unauthenticated) and error.username:
                with suppress(StorageOutage):  # the refusal goes out all the same
                    call.not_logged_in(error.username, error.detail)
            _answer_error(call, error, self.mirror)
        except BaseException:
            source = "error"
            raise
        finally:
            self._log(call, begun, source)

    def _tell_why(self, call: Call, error: RegistryError) -> None:
        """Log why an answer failed that was nobody's fault here."""
        if isinstance(error, Outage) or (isinstance(error, Miss) and not error.certain):
            _why.warn(
                "{repository}: {method} {path!r}: {why!r}",
                repository=self.name,
                method=call.method,
                path=call.head.path[:512],
                why=error.detail,
            )

    def _log(self, call: Call, begun: float, source: str) -> None:
        line = AccessLine(
            peer=call.exchange.seen.peer,
            principal=call.identity.principal,
            repository=self.name,
            method=call.method,
            path=call.head.path,
            status=call.status,
            sent=call.sent,
            seconds=self.clock.seconds() - begun,
            member=call.provenance.member if call.provenance else "",
            source=source,
            agent=call.head.get("user-agent"),
        )
        self.access_log(line)
        if call.kept is not None:
            until = call.identity.until
            line = replace(line, seconds=0.0)
            call.exchange.stands(Standing(call.kept, until, line, self.again))


def _answer_error(call: Call, error: RegistryError, mirror: bool) -> None:
    told = tell(error, mirror)
    headers = list(told.headers)
    if isinstance(error, Challenged):
        headers.append(error.challenge)
    if told.status == 405:
        # RFC 9110 section 15.5.6: "The origin server MUST generate an Allow header".
        headers.append(("Allow", ", ".join(sorted(call.allowed - {call.method}))))
    call.answer(told.status, headers, told.body)
