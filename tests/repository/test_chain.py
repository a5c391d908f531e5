"""The chain's four outcomes, over every order of members."""

import itertools

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Miss, Outage, Refused, RegistryError, UpstreamOutage
from pullthrough.interfaces import IRepository
from pullthrough.repository.chain import all_found, first_found
from pullthrough.spec.errorcodes import ErrorCode

OUTCOMES: dict[str, RegistryError | None] = {
    "found": None,
    "miss": Miss(ErrorCode.MANIFEST_UNKNOWN, "no"),
    "outage": UpstreamOutage("gone"),
    "refused": Refused(ErrorCode.DENIED, "never"),
}


class Member:
    """A member with one answer."""

    def __init__(self, index: int, kind: str, outcome: str) -> None:
        self.name = f"{index}"
        self.kind = kind
        self.outcome = outcome
        self.asked = 0

    async def ask(self) -> str:
        """Give the answer."""
        self.asked += 1
        error = OUTCOMES[self.outcome]
        if error is not None:
            raise error
        return self.name


def expected(members: list[Member]) -> tuple[str, int]:
    """What must come out, and how many members are asked: the table in prose."""
    outage = False
    for index, member in enumerate(members):
        if member.outcome in ("found", "refused"):
            return (member.name if member.outcome == "found" else "refused"), index + 1
        if member.outcome == "outage":
            if member.kind == "hosted":
                return "outage", index + 1
            outage = True
    return ("outage" if outage else "miss"), len(members)


class ChainTests(SynchronousTestCase):
    """first_found and all_found."""

    def test_every_combination_of_three_members(self) -> None:
        """Found ends, miss goes on, outage is remembered (hosted: ends), refused
        ends; nobody behind the end is asked."""
        choices = list(itertools.product(("hosted", "proxy"), OUTCOMES))
        for combination in itertools.product(choices, repeat=3):
            members = [
                Member(index, kind, outcome)
                for index, (kind, outcome) in enumerate(combination)
            ]
            coroutine = first_found(members, Member.ask)  # type: ignore
            asking = Deferred.fromCoroutine(coroutine)
            outcome, asked = expected(members)
            if outcome in ("0", "1", "2"):
                self.assertEqual(self.successResultOf(asking), outcome)
            else:
                failure = self.failureResultOf(asking)
                self.assertIs(failure.value, OUTCOMES[outcome])
            self.assertEqual(sum(member.asked for member in members), asked)

    def test_no_members(self) -> None:
        """A group without members has no names."""

        async def never(member: IRepository) -> str:
            raise AssertionError

        asking = Deferred.fromCoroutine(first_found([], never))
        self.failureResultOf(asking, Miss)

    def all_of(self, *members: Member) -> "Deferred[list[str]]":
        """Ask all members."""
        coroutine = all_found(members, Member.ask)  # type: ignore
        return Deferred.fromCoroutine(coroutine)

    def test_all_found_collects(self) -> None:
        """Misses and proxies' outages are passed over while somebody answers."""
        asking = self.all_of(
            Member(0, "hosted", "found"),
            Member(1, "proxy", "outage"),
            Member(2, "proxy", "miss"),
            Member(3, "proxy", "found"),
        )
        self.assertEqual(self.successResultOf(asking), ["0", "3"])

    def test_all_found_by_nobody(self) -> None:
        """If nobody answers, an outage counts more than a miss."""
        asking = self.all_of(Member(0, "proxy", "miss"), Member(1, "proxy", "outage"))
        self.failureResultOf(asking, Outage)
        self.failureResultOf(self.all_of(Member(0, "proxy", "miss")), Miss)

    def test_all_found_with_a_failing_hosted_member(self) -> None:
        """One cannot know what it holds."""
        asking = self.all_of(Member(0, "proxy", "found"), Member(1, "hosted", "outage"))
        self.failureResultOf(asking, Outage)
