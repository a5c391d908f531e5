"""What becomes of fills when the daemon ends."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from pullthrough.errors import UpstreamOutage
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.spec.digest import Digest
from pullthrough.values import FillState
from tests.repository.test_proxy import LAYER, REDIS
from tests.support.house import House
from tests.support.upstream import ScriptedUpstream

DIGEST = Digest.of(LAYER)


class Case:
    """One proxy of an upstream that sends one layer when the test says so."""

    def __init__(self) -> None:
        self.house = House()
        self.upstream = ScriptedUpstream()
        self.upstream.add_blob("library/redis", LAYER)
        self.upstream.at_once = False
        self.proxy: ProxyRepository = self.house.proxy(self.upstream)
        self.fills = self.house.fills

    def follow(self) -> list[Any]:
        """One more reader."""
        return begun(self.proxy.blob(REDIS, DIGEST))

    @property
    def state(self) -> tuple[int, int, int]:
        """Fills, followers, and wrong ones."""
        found = self.fills.state("hub")
        assert found == FillState("hub", found.fills, found.followers, found.wrong)
        return found.fills, found.followers, found.wrong


def begun(coroutine: Any) -> list[Any]:
    """What it ends with, once it does."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    return results


@pytest.fixture
def case() -> Case:
    return Case()


def test_under_way(case: Case) -> None:
    """It stops, its readers are told, and it goes on where it was."""
    (content,) = case.follow()
    case.upstream.bodies[0].send(150_000)
    waiting = begun(content.available(150_000))
    stopped = begun(case.fills.stop())
    assert stopped == [None]
    assert case.upstream.bodies[0].stopped
    waiting[0].trap(UpstreamOutage)
    begun(content.close())
    assert len(case.upstream.bodies) == 1  # it has not been asked for the rest
    (content,) = case.follow()
    assert case.upstream.bodies[1].offset == 150_000
    case.upstream.bodies[1].finish()
    assert begun(content.available(len(LAYER))) == [len(LAYER)]
    begun(content.close())
    assert begun(case.house.store.stat(DIGEST)) == [len(LAYER)]
    case.fills.close()
    assert case.house.clock.getDelayedCalls() == []


def test_whole_but_not_yet_kept(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is waited for: its facts are recorded."""
    turn: Deferred[None] = Deferred()
    record = case.house.metadata.add_blob

    async def slowly(*arguments: Any) -> None:
        await turn
        await record(*arguments)

    monkeypatch.setattr(case.house.metadata, "add_blob", slowly)
    (content,) = case.follow()
    case.upstream.bodies[0].finish()
    stopped = begun(case.fills.stop())
    assert stopped == []
    turn.callback(None)
    assert stopped == [None]
    assert begun(case.proxy.holds(REDIS, DIGEST)) != [None]
    begun(content.close())


def test_nothing_has_come(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an upstream that does not answer; an answer that comes late is
    not taken."""
    turn: Deferred[None] = Deferred()
    answer = case.upstream.blob

    async def slowly(*arguments: Any, **more: Any) -> Any:
        body = await answer(*arguments, **more)
        await turn
        return body

    monkeypatch.setattr(case.upstream, "blob", slowly)
    following = case.follow()
    assert begun(case.fills.stop()) == [None]
    turn.callback(None)
    following[0].trap(UpstreamOutage)
    assert case.upstream.bodies[0].stopped
    assert not case.upstream.bodies[0].delivering


def test_the_state(case: Case) -> None:
    """One fill, however many follow; who brings something wrong is counted."""
    assert case.state == (0, 0, 0)
    contents = [case.follow()[0] for _ in range(3)]
    assert case.state == (1, 3, 0)
    begun(contents.pop().close())
    assert case.state == (1, 2, 0)
    case.upstream.bodies[0].content = LAYER[:-1] + b"!"
    case.upstream.bodies[0].finish()
    assert case.state == (0, 0, 1)
    for content in contents:
        begun(content.close())
    case.follow()
    case.upstream.bodies[1].finish()
    assert case.state == (0, 0, 1)
