"""For how long the one has waited that has waited longest: in every line there is."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pullthrough import threads
from pullthrough.allowance import Allowance
from pullthrough.errors import Overload, Throttled
from pullthrough.fairness import Line, work_for
from pullthrough.metadata import writer
from pullthrough.metadata.writer import Writer
from pullthrough.threads import Threads
from pullthrough.turns import Turns
from pullthrough.values import Load
from pullthrough.web.transfers import Transfers


@pytest.fixture
def clock() -> Clock:
    return Clock()


def begin(coroutine: Any) -> "Deferred[Any]":
    """Begin, and say nothing of how it ends."""
    begun: Deferred[Any] = Deferred.fromCoroutine(coroutine)
    return begun.addErrback(lambda failure: failure.trap(Overload, Throttled))


def join(line: Line[object], user: str, one: object) -> None:
    """Somebody joins."""

    async def joining() -> None:
        work_for(user, "")
        line.join(one)

    begin(joining())


def test_a_line(clock: Clock) -> None:
    """Of all payers; who leaves, gives up or is served is not counted."""
    line: Line[object] = Line(clock.seconds)
    assert line.oldest == 0.0
    ones = [object() for _ in range(4)]
    for user, one in zip(("alice", "bob", "alice", "bob"), ones, strict=True):
        join(line, user, one)
        clock.advance(1)
    assert line.oldest == 4.0
    line.leave(ones[0])
    assert line.oldest == 3.0
    line.leave(ones[0])
    assert (line.pop(), line.oldest) == (ones[2], 3.0)
    assert (line.pop(), line.oldest) == (ones[1], 1.0)
    line.leave(ones[3])
    assert (len(line), line.oldest) == (0, 0.0)


def test_turns(clock: Clock) -> None:
    """Until it has its turn, or has waited in vain."""
    turns = Turns("pears", 1, clock, 60.0)
    for _ in range(3):
        begin(turns.take())
        clock.advance(10)
    assert turns.oldest == 20.0
    turns.release()
    assert turns.oldest == 10.0
    clock.advance(50)
    assert (turns.oldest, turns.waiting) == (0.0, 0)


def test_an_allowance(clock: Clock) -> None:
    """Of all keys."""
    allowance: Allowance[str] = Allowance(1, clock, "pears")
    for key in ("a", "b", "a", "b"):
        begin(allowance.take(key))
        clock.advance(5)
    assert allowance.oldest == 10.0
    allowance.give_back("a")
    assert allowance.oldest == 5.0
    clock.advance(30)
    assert (allowance.oldest, allowance.waiting) == (0.0, 0)


def test_transfers(clock: Clock) -> None:
    """Whether they wait as a client or as a user."""
    transfers = Transfers(clock)
    transfers._clients.most = transfers._users.most = 1
    assert transfers.oldest == 0.0
    for allowance in (transfers._users, transfers._clients):
        begin(allowance.take("x"))  # type: ignore[arg-type]
        begin(allowance.take("x"))  # type: ignore[arg-type]
        clock.advance(3)
    assert transfers.oldest == 6.0


class Now:
    """Monotonic seconds, as the test says."""

    seconds = 0.0

    def monotonic(self) -> float:
        """Them."""
        return self.seconds


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> Now:
    made = Now()
    for module in (threads, writer):
        monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> "list[Deferred[Any]]":
    """Those that a thread has; each ends when the test says so."""
    given: list[Deferred[Any]] = []

    def defer(*arguments: Any) -> "Deferred[Any]":
        given.append(Deferred())
        return given[-1]

    monkeypatch.setattr(threads, "deferToThreadPool", defer)
    return given


def test_ordered_threads(now: Now, jobs: "list[Deferred[Any]]") -> None:
    """What runs does not wait."""
    pool = Threads(None, "metadata writer", 1, ordered=True)  # type: ignore[arg-type]
    pool._pool.started = True
    assert pool.oldest == 0.0
    for _ in range(3):
        pool.run(print)
        now.seconds += 1
    assert (pool.waiting, pool.oldest) == (2, 2.0)
    for left in (1.0, 0.0, 0.0):
        jobs.pop(0).callback(None)
        assert pool.oldest == left


def test_threads(jobs: "list[Deferred[Any]]", clock: Clock) -> None:
    """The same of several."""
    pool = Threads(None, "disk", 2)  # type: ignore[arg-type]
    pool._waiting = Line(clock.seconds)
    pool._pool.started = True
    for _ in range(3):
        pool.run(print)
        clock.advance(1)
    assert (pool.waiting, pool.oldest) == (1, 1.0)
    jobs[0].callback(None)
    assert (pool.waiting, pool.oldest) == (0, 0.0)


def test_commits(now: Now) -> None:
    """What is committed now does not wait; the rest goes together."""
    given: list[Deferred[Any]] = []

    class Thread:
        """Ends when the test says so."""

        def run(self, function: Callable[..., Any], *args: Any) -> "Deferred[Any]":
            """See :meth:`IThreads.run`."""
            given.append(Deferred())
            return given[-1]

    made = Writer(None, Thread())  # type: ignore[arg-type]

    def stands() -> tuple[int, int, float]:
        return made.running, made.waiting, made.oldest

    assert stands() == (0, 0, 0.0)
    for _ in range(3):
        begin(made.run(lambda db: None))
        now.seconds += 1
    assert stands() == (1, 2, 2.0)
    given[0].callback([(True, None)])
    assert stands() == (2, 0, 0.0)
    given[1].callback([(True, None)] * 2)
    assert stands() == (0, 0, 0.0)


def test_a_load_without_a_line() -> None:
    """Nobody waits there."""
    assert Load("connections", 1, 0, 0).oldest == 0.0
