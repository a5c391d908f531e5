"""The chain: members are asked in order, and four outcomes behave differently."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from pullthrough.errors import Miss, Outage, RuledOut
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

    def note(self, member: IRepository, error: Miss | Outage | RuledOut) -> None:
        """Remember it; raise it where it ends the chain."""
        if isinstance(error, RuledOut):
            self._ruled_out = self._ruled_out or error
        elif isinstance(error, Miss):
            if member.kind == "hosted":
                self._miss_of_hosted = self._miss_of_hosted or error
            else:
                self._miss = self._miss or error
        elif member.kind == "hosted":
            raise error
        else:
            self._outage = self._outage or error

    def conclusion(self) -> Miss | Outage | RuledOut:
        """Nobody had it: that, or that somebody could not tell.

        Where no proxy was allowed to ask, the rule is the reason.
        """
        return (
            self._outage
            or self._miss
            or self._ruled_out
            or self._miss_of_hosted
            or Miss(ErrorCode.NAME_UNKNOWN, "no member of this group has it")
        )


async def first_found(
    members: Sequence[IRepository], ask: Callable[[IRepository], Awaitable[T]]
) -> T:
    """The answer of the first member that has one.

    *Found* ends the chain; a *miss* goes on; an *outage* goes on and is remembered,
    but that of a hosted member ends the chain, for one cannot know what it holds and
    a stranger's image might answer in its place; *refused* and every bug end it. A
    proxy whose routing rule refuses is passed over.

    :raises Outage: when nobody had it and somebody could not tell.
    :raises Miss: when nobody has it.
    """
    answers = _Answers()
    for member in members:
        try:
            return await ask(member)
        except (Miss, Outage, RuledOut) as error:
            answers.note(member, error)
    raise answers.conclusion()


async def all_found(
    members: Sequence[IRepository], ask: Callable[[IRepository], Awaitable[T]]
) -> list[T]:
    """The answers of all members that have one; otherwise like *first_found*."""
    answers = _Answers()
    found = []
    for member in members:
        try:
            found.append(await ask(member))
        except (Miss, Outage, RuledOut) as error:
            answers.note(member, error)
    if not found:
        raise answers.conclusion()
    return found
