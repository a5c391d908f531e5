"""The chain: members are asked in order, and four outcomes behave differently."""

from collections.abc import Awaitable, Callable, Sequence
from math import inf
from typing import TypeVar

from pullthrough.errors import Miss, Offline, Outage, RuledOut
from pullthrough.interfaces import IRepository
from pullthrough.spec.errorcodes import ErrorCode

T = TypeVar("T")


class _Answers:
    """What the members of a chain said other than "here it is"."""

    def __init__(self) -> None:
        self._outage: Outage | None = None
        self._miss: Miss | None = None
        self._miss_of_hosted: Miss | None = None
        self._ruled_out: RuledOut | None = None
        self._offline: Offline | None = None
        self.warnings: list[str] = []

    def note(self, member: IRepository, error: Miss | Outage | RuledOut) -> None:
        """Remember it."""
        if isinstance(error, RuledOut):
            self._ruled_out = self._ruled_out or error
        elif isinstance(error, Miss):
            if member.kind == "hosted":
                self._miss_of_hosted = self._miss_of_hosted or error
            else:
                self._miss = self._miss or error
        elif isinstance(error, Offline):
            self._offline = self._offline or error
        else:
            self._outage = self._outage or error
            self.warnings.append(error.detail)

    def conclusion(self) -> Miss | Outage | RuledOut:
        """Nobody had it: that, or that somebody could not tell.

        Where no proxy was allowed to ask, the rule is the reason; where nobody was
        asked because all are offline, that.
        """
        return (
            self._outage
            or self._miss
            or self._ruled_out
            or self._miss_of_hosted
            or self._offline
            or Miss(ErrorCode.NAME_UNKNOWN, "no member of this group has it")
        )


async def first_found(
    members: Sequence[IRepository], ask: Callable[[IRepository], Awaitable[T]]
) -> T:
    """The answer of the first member that has one.

    *Found* ends the chain; a *miss* goes on; an *outage* goes on and is remembered,
    but that of a hosted member ends the chain, for one cannot know what it holds and
    a stranger's image might answer in its place; *refused* and every bug end it. A
    proxy whose routing rule refuses is passed over, and so is a member that is
    switched off: the names that a hosted one owns are no proxy's all the same.

    :raises Outage: when nobody had it and somebody could not tell.
    :raises Miss: when nobody has it.
    """
    found, _ = await first_for_now(members, ask)
    return found


async def first_for_now(
    members: Sequence[IRepository], ask: Callable[[IRepository], Awaitable[T]]
) -> tuple[T, float]:
    """The same, and up to when the members asked before that one have nothing, as
    long as the facts here stand (seconds since the epoch)."""
    answers = _Answers()
    until = inf
    for member in members:
        try:
            return await ask(member), until
        except (Miss, Outage, RuledOut) as error:
            answers.note(member, error)
            if member.kind == "hosted" and _fails(error):
                raise
            until = min(until, _stands_until(error))
    raise answers.conclusion()


def _stands_until(error: Exception) -> float:
    if isinstance(error, Miss):
        return error.until
    return inf if isinstance(error, RuledOut | Offline) else 0.0


def _fails(error: Exception) -> bool:
    return isinstance(error, Outage) and not isinstance(error, Offline)


async def gathered(
    members: Sequence[IRepository], ask: Callable[[IRepository], Awaitable[T]]
) -> tuple[list[T], list[str]]:
    """The answers of all members that have one, and why others could not tell.

    A list names nothing that *first_found* would not look for again: an outage, of a
    hosted member too, is a warning while somebody answers.

    :raises Outage: when nobody answers and somebody could not tell.
    :raises Miss: when nobody has it.
    """
    answers = _Answers()
    found = []
    for member in members:
        try:
            found.append(await ask(member))
        except (Miss, Outage, RuledOut) as error:
            answers.note(member, error)
    if not found:
        raise answers.conclusion()
    return found, answers.warnings
