"""The chain's outcomes, over every order of members, against a model in prose."""

import itertools
from dataclasses import dataclass
from math import inf
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import (
    Miss,
    Offline,
    Outage,
    Refused,
    RegistryError,
    RuledOut,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.interfaces import IRepository
from pullthrough.repository.blob import Blob
from pullthrough.repository.chain import first_found, gathered
from pullthrough.repository.group import GroupRepository
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.spec.reference import Reference, Tag
from pullthrough.storage.memory import MemoryContent
from pullthrough.values import Manifest, Resolved

APP = ImageName("team/app")
DIGEST = Digest.of(b"x")
DESCRIPTOR = Descriptor("a/b", DIGEST, 2)

#: Up to when a miss is known to be one.
MISS_UNTIL = 7.0

#: What a member may say. *copy* is found without network.
OUTCOMES: dict[str, RegistryError | None] = {
    "copy": None,
    "found": None,
    "miss": Miss(ErrorCode.MANIFEST_UNKNOWN, "no", until=MISS_UNTIL),
    "outage": UpstreamOutage("gone"),
    "refused": Refused(ErrorCode.DENIED, "never"),
    "hanging": UpstreamTimeout("silent"),
    "offline": Offline("x"),
}


class Member:
    """A member with one answer."""

    def __init__(self, index: int, kind: str, outcome: str, owned: bool) -> None:
        self.name = f"{index}"
        self.kind = kind
        self.outcome = outcome
        self.owned = owned and kind == "hosted"
        self.asked = 0
        self.waiting: Deferred[None] | None = None

    async def owns(self, image: ImageName) -> bool:
        """As the test says."""
        return self.owned

    async def holds(self, image: ImageName, digest: Digest) -> Any:
        """Only what lies here."""
        error = OUTCOMES[self.outcome]
        if isinstance(error, Offline) or (self.kind == "hosted" and _fails(error)):
            raise error
        return DIGEST if self.outcome == "copy" else None

    async def resolve(self, *_: Any) -> Resolved:
        """HEAD of a manifest."""
        return Resolved(DESCRIPTOR, await self.ask())

    async def manifest(self, *_: Any) -> Manifest:
        """GET of a manifest."""
        return Manifest(DESCRIPTOR, b"{}", await self.ask())

    async def blob(self, *_: Any) -> Blob:
        """GET of a blob."""
        return Blob(MemoryContent(b""), await self.ask())

    async def blob_size(self, *_: Any) -> tuple[int, Provenance]:
        """HEAD of a blob."""
        return 2, await self.ask()

    async def ask(self) -> Provenance:
        """Give the answer."""
        self.asked += 1
        error = OUTCOMES[self.outcome]
        if self.outcome == "hanging":
            self.waiting = Deferred()
            await self.waiting
        if error is not None:
            raise error
        return Provenance(self.name, Source.HIT, until=inf)


def _fails(error: RegistryError | None) -> bool:
    return isinstance(error, UpstreamOutage | UpstreamTimeout)


@dataclass
class Expected:
    """What must come out, and who is asked in which order."""

    result: str
    asked: list[str]
    until: float = inf


def model(members: list[Member], digest: bool) -> Expected:
    """The rules in prose."""
    if any(member.owned for member in members):
        # A name that a hosted member owns is never asked of a proxy.
        members = [member for member in members if member.kind == "hosted"]
    if digest:
        # A copy is as good wherever it lies, and needs no network.
        for member in members:
            if member.outcome == "copy":
                return Expected(member.name, [member.name])
    asked: list[str] = []
    outage = miss = offline = ""
    until = inf
    for member in members:
        asked.append(member.name)
        if member.outcome in ("copy", "found"):
            return Expected(member.name, asked, until)
        if member.outcome == "refused":
            return Expected("refused", asked)
        if member.outcome in ("outage", "hanging"):
            if member.kind == "hosted":
                # One cannot know what it holds.
                return Expected(member.outcome, asked)
            outage = outage or member.outcome
            until = 0.0  # it may come back, and answer otherwise, at any moment
        elif member.outcome == "offline":
            offline = "offline"
        else:
            miss = "miss"
            until = min(until, MISS_UNTIL)
    return Expected(outage or miss or offline or "none", asked)


class ModelTests(SynchronousTestCase):
    """A group of three."""

    def test_every_combination(self) -> None:
        """Three members of either kind and every outcome; the name owned or not; by
        tag and digest; GET and HEAD, of manifests and blobs."""
        choices = list(itertools.product(("hosted", "proxy"), OUTCOMES))
        count = 0
        for combination in itertools.product(choices, repeat=3):
            for owned, digest in itertools.product((False, True), repeat=2):
                count += 1
                methods = ("resolve", "manifest")
                if digest:
                    methods += ("blob", "blob_size")
                method = methods[count % len(methods)]
                self.one(combination, owned, digest, method)
        self.assertEqual(count, 14**3 * 4)

    def one(self, combination: Any, owned: bool, digest: bool, method: str) -> None:
        """One of them."""
        members = [
            Member(index, kind, outcome, owned)
            for index, (kind, outcome) in enumerate(combination)
        ]
        group = GroupRepository("all", members)  # type: ignore[arg-type]
        reference: Reference = DIGEST if digest else Tag("v1")
        expected = model(members, digest)
        where = f"{combination} owned={owned} digest={digest} {method}"
        asking = Deferred.fromCoroutine(getattr(group, method)(APP, reference))
        results: list[Any] = []
        asking.addBoth(results.append)
        for member in members:
            if member.waiting is not None:
                # Nobody behind it has been asked, and nobody in front waits for it.
                self.assertEqual(results, [], where)
                behind = members[int(member.name) + 1 :]
                self.assertEqual([one.asked for one in behind], [0] * len(behind))
                member.waiting.callback(None)
        (result,) = results
        if expected.result in ("0", "1", "2"):
            provenance = result[1] if method == "blob_size" else result.provenance
            self.assertEqual(provenance.member, expected.result, where)
            self.assertEqual(provenance.until, expected.until, where)
        elif expected.result == "none":
            self.assertEqual(result.value.code, ErrorCode.NAME_UNKNOWN, where)
        else:
            self.assertIs(result.value, OUTCOMES[expected.result], where)
        asked = [member.name for member in members if member.asked]
        self.assertEqual(asked, expected.asked, where)


class ChainTests(SynchronousTestCase):
    """first_found and gathered."""

    def test_no_members(self) -> None:
        """A group without members has no names."""

        async def never(member: IRepository) -> str:
            raise AssertionError

        for asking in (first_found([], never), gathered([], never)):
            self.failureResultOf(Deferred.fromCoroutine(asking), Miss)  # type: ignore

    def test_ruled_out(self) -> None:
        """A proxy that may not ask is passed over; if nobody may, that is told."""
        rule = RuledOut("rule x refuses it")

        async def ask(member: IRepository) -> str:
            if member.name == "0":
                raise rule
            return member.name

        members = [
            Member(0, "proxy", "found", False),
            Member(1, "proxy", "found", False),
        ]
        asking = Deferred.fromCoroutine(first_found(members, ask))  # type: ignore
        self.assertEqual(self.successResultOf(asking), "1")
        asking = Deferred.fromCoroutine(first_found(members[:1], ask))  # type: ignore
        self.assertIs(self.failureResultOf(asking).value, rule)

    def gather(self, *outcomes: tuple[str, str]) -> "Deferred[Any]":
        """Ask all members."""
        members = [
            Member(index, kind, outcome, False)
            for index, (kind, outcome) in enumerate(outcomes)
        ]
        coroutine = gathered(members, Member.ask)  # type: ignore
        return Deferred.fromCoroutine(coroutine)

    def test_gathered(self) -> None:
        """While somebody answers, misses and who is offline are passed over, and an
        outage is a warning, that of a hosted member too."""
        asking = self.gather(
            ("hosted", "outage"),
            ("proxy", "found"),
            ("proxy", "miss"),
            ("proxy", "offline"),
            ("proxy", "found"),
        )
        found, warnings = self.successResultOf(asking)
        self.assertEqual([one.member for one in found], ["1", "4"])
        self.assertEqual(warnings, ["gone"])

    def test_gathered_by_nobody(self) -> None:
        """If nobody answers, an outage counts more than a miss."""
        self.failureResultOf(
            self.gather(("proxy", "miss"), ("proxy", "outage")), Outage
        )
        self.failureResultOf(self.gather(("proxy", "miss")), Miss)
        self.failureResultOf(self.gather(("hosted", "offline")), Offline)
