"""Whether clients should be sent to us, and how often that is looked at."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pullthrough.errors import StorageOutage
from pullthrough.ops import readiness
from pullthrough.ops.readiness import Check, Readiness


class Thing:
    """Something that is looked at.

    :ivar looks: those that wait for their end.
    """

    def __init__(self) -> None:
        self.looks: list[Deferred[None]] = []
        self.count = 0

    async def look(self) -> None:
        """A look."""
        self.count += 1
        turn: Deferred[None] = Deferred()
        self.looks.append(turn)
        await turn

    def end(self, problem: Exception | None = None) -> None:
        """The oldest look ends."""
        turn = self.looks.pop(0)
        if problem is None:
            turn.callback(None)
        else:
            turn.errback(problem)


class Case:
    """Three things, two of one kind."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.store, self.other, self.metadata = Thing(), Thing(), Thing()
        self.things = [self.store, self.other, self.metadata]
        self.checks = [
            Check("blob stores", "blob store secret", self.store.look),
            Check("blob stores", "blob store other", self.other.look),
            Check("metadata", "the metadata store", self.metadata.look),
        ]
        self.readiness = Readiness(self.clock, lambda: self.checks)

    def ask(self) -> list[tuple[int, bytes]]:
        """Ask; what is answered comes into the list."""
        answers: list[tuple[int, bytes]] = []
        Deferred.fromCoroutine(self.readiness.tell()).addCallback(answers.append)
        return answers

    def end(self) -> None:
        """All looks end well."""
        for thing in self.things:
            while thing.looks:
                thing.end()


@pytest.fixture
def case() -> Case:
    return Case()


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is logged."""
    lines: list[str] = []

    class Log:
        """Takes lines."""

        def take(self, text: str, **fields: Any) -> None:
            """Keep it."""
            lines.append(text.format(**fields))

        info: Callable[..., None] = take
        error: Callable[..., None] = take

    monkeypatch.setattr(readiness._Looks, "_log", Log())
    return lines


def checks(answers: list[tuple[int, bytes]]) -> dict[str, str]:
    """What the only answer says, which is what its status says."""
    ((status, body),) = answers
    document = json.loads(body)
    assert document["ready"] == (status == 200)
    found: dict[str, str] = document["checks"]
    return found


GOOD = {"blob stores": "ok", "metadata": "ok", "serving": "ok"}


def test_ready(case: Case) -> None:
    """When everything works, and not before that is known."""
    answers = case.ask()
    for thing in case.things:
        assert answers == []
        thing.end()
    assert checks(answers) == GOOD
    assert answers[0][0] == 200


def test_one_look_for_all_who_ask(case: Case) -> None:
    """At the same time, and for ten seconds afterwards."""
    crowd = [case.ask() for _ in range(5)]
    case.end()
    case.clock.advance(readiness.KEEPING - 0.1)
    crowd.append(case.ask())
    assert [checks(answers) for answers in crowd] == [GOOD] * 6
    assert [thing.count for thing in case.things] == [1, 1, 1]
    case.clock.advance(0.1)
    answers = case.ask()
    assert answers == []
    assert [thing.count for thing in case.things] == [2, 2, 2]
    case.end()
    assert checks(answers) == GOOD


def test_one_of_a_kind_fails(case: Case, logged: list[str]) -> None:
    """The kind is told, the name and the reason are logged, once; and so when it works
    again."""
    answers = case.ask()
    case.store.end(StorageOutage("no space in /srv/blobs"))
    case.end()
    assert checks(answers) == {**GOOD, "blob stores": "failed"}
    assert b"secret" not in answers[0][1]
    assert b"/srv" not in answers[0][1]
    for expected in ("failed", "ok"):
        case.clock.advance(readiness.KEEPING)
        answers = case.ask()
        if expected == "failed":
            case.store.end(StorageOutage("no space in /srv/blobs"))
        case.end()
        assert checks(answers)["blob stores"] == expected
    assert logged == [
        "not ready: blob store secret: no space in /srv/blobs",
        "blob store secret works again",
    ]


def test_one_hangs(case: Case, logged: list[str]) -> None:
    """After ten seconds that is the answer, from then on at once; it is not looked at
    again before it has ended."""
    answers, joined = case.ask(), case.ask()
    case.metadata.end()
    case.other.end()
    case.clock.advance(readiness.PATIENCE - 0.1)
    assert answers == []
    case.clock.advance(0.1)
    late = {**GOOD, "blob stores": "late"}
    assert checks(answers) == checks(joined) == late
    for _ in range(3):
        case.clock.advance(readiness.KEEPING)
        answers = case.ask()
        case.metadata.end()
        case.other.end()
        assert checks(answers) == late
    assert case.store.count == 1
    case.store.end()
    assert checks(case.ask()) == GOOD
    assert logged == [
        "not ready: blob store secret: it has not answered for 10 s",
        "blob store secret works again",
    ]
    assert case.clock.getDelayedCalls() == []


def test_other_things(case: Case) -> None:
    """After a reload those are looked at that are in use then."""
    case.ask()
    case.end()
    fresh = Thing()
    case.checks[0] = Check("blob stores", "blob store secret", fresh.look)
    answers = case.ask()
    assert (fresh.count, case.other.count) == (1, 1)
    fresh.end(StorageOutage("x"))
    assert checks(answers)["blob stores"] == "failed"


def test_stopping(case: Case) -> None:
    """Nothing is looked at; who has asked before is told, too."""
    before = case.ask()
    case.readiness.stop()
    assert checks(case.ask()) == {"serving": "stopping"}
    case.end()
    assert checks(before) == {**GOOD, "serving": "stopping"}
    assert [thing.count for thing in case.things] == [1, 1, 1]


def test_watched(case: Case) -> None:
    """For a minute after somebody has asked."""
    assert not case.readiness.watched
    case.ask()
    case.clock.advance(readiness.WATCHING - 1)
    assert case.readiness.watched
    case.clock.advance(1)
    assert not case.readiness.watched


def test_a_fault_of_ours(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged as one, and we are not ready."""
    bugs: list[Any] = []

    class Log:
        """Takes failures."""

        def failure(self, text: str, failure: Any) -> None:
            """Keep it."""
            bugs.append(failure.value)

        def error(self, text: str, **fields: Any) -> None:
            """Nothing."""

    monkeypatch.setattr(readiness._Looks, "_log", Log())
    answers = case.ask()
    bug = ZeroDivisionError()
    case.store.end(bug)
    case.end()
    assert checks(answers)["blob stores"] == "failed"
    assert bugs == [bug]
