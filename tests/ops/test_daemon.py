"""The order in which a daemon ends; its parts only take notes."""

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.defer import Deferred, succeed
from twisted.internet.testing import MemoryReactorClock

from pullthrough.ops import daemon
from pullthrough.ops.daemon import Daemon
from pullthrough.ops.notify import Supervisor


class Parts:
    """Assembly and staff in one.

    :ivar done: what was asked of them.
    :ivar watched: whether somebody watches.
    :ivar swept: when a sweep ends.
    """

    served = ()
    admin = None

    def __init__(self) -> None:
        self.done: list[str] = []
        self.watched = False
        self.swept: Deferred[None] = succeed(None)

    def start(self) -> None:
        """Nothing."""

    def cut(self) -> None:
        """Take note."""
        self.done.append("cut")

    def leave(self) -> Any:
        """The one is not awaited, the other is."""
        self.done.append("leave")
        return succeed(None)

    async def prepare(self, settings: Any) -> None:
        """Nothing."""

    async def sweep(self) -> None:
        """Take its time."""
        await self.swept
        self.done.append("swept")

    async def share(self, opened: Any, assembly: Any) -> None:
        """Nothing."""

    async def end(self) -> None:
        """Take note."""
        self.done.append("end")

    async def stop(self) -> None:
        """Take note."""
        self.done.append("stop")


class Case:
    """A daemon that runs."""

    def __init__(self) -> None:
        self.parts = Parts()
        self.reactor = MemoryReactorClock()
        self.signals: list[Callable[[], None]] = []
        self.read: list[str] = []

        def take(reactor: Any, called: Callable[[], None]) -> None:
            self.signals.append(called)

        def read() -> None:
            self.read.append("read")
            raise OSError("no file")

        self.daemon = Daemon(
            lambda: self.parts,
            read,
            (OSError,),
            self.reactor,
            Supervisor({}),
            False,
            self.parts,
            take,
            take,
        )

    def run(self) -> "Case":
        """Begin."""
        self.daemon.privilegedStartService()
        self.daemon.startService()
        for called, args, kwargs in self.reactor.whenRunningHooks:
            called(*args, **kwargs)
        self.parts.done.clear()
        return self

    def stop(self) -> list[None]:
        """End; the list is filled when that is done."""
        ended: list[None] = []
        self.daemon.stopService().addCallback(ended.append)
        return ended


@pytest.fixture
def case() -> Case:
    return Case()


def test_nobody_watches(case: Case) -> None:
    """All at once."""
    assert case.run().stop() == [None]
    assert case.parts.done == ["leave", "leave", "end", "stop"]
    assert case.reactor.getDelayedCalls() == []


def test_somebody_watches(case: Case) -> None:
    """Five seconds between that we are not ready and that we take nobody."""
    case.run()
    case.parts.watched = True
    ended = case.stop()
    case.reactor.advance(daemon.NOTICE_TIME - 0.1)
    assert (ended, case.parts.done) == ([], ["leave"])
    case.reactor.advance(0.1)
    assert (ended, case.parts.done) == ([None], ["leave", "leave", "end", "stop"])
    assert daemon.NOTICE_TIME == 5.0


def test_a_second_signal(case: Case) -> None:
    """Nobody is waited for."""
    case.run()
    case.parts.watched = True
    ended = case.stop()
    cut = case.signals[0]
    cut()
    assert (ended, case.parts.done) == (
        [None],
        ["leave", "cut", "leave", "end", "stop"],
    )
    assert [call for call in case.reactor.getDelayedCalls() if call.active()] == []


def test_a_sweep_under_way(case: Case) -> None:
    """It ends before what it works on is closed."""
    case.parts.swept = Deferred()
    ended = case.run().stop()
    assert (ended, case.parts.done) == ([], ["leave", "leave", "end"])
    case.parts.swept.callback(None)
    assert (ended, case.parts.done[3:]) == ([None], ["swept", "stop"])


def test_no_reload_at_the_end(case: Case) -> None:
    """What then comes is not read."""
    case.run()
    reload = case.signals[1]
    reload()
    assert case.read == ["read"]
    case.parts.watched = True
    case.stop()
    reload()
    assert case.read == ["read"]
