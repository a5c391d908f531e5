"""How much may be under way at one upstream at once."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Miss, Overload, UpstreamOutage
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Tag
from pullthrough.storage.memory import MemoryBlobStore
from pullthrough.turns import QUEUE
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.slots import BODIES, METADATA
from tests.support.agent import Answer, Script, scripted

APP = ImageName("team/app")
LAYER = Digest.of(b"x")


class ClientTests(SynchronousTestCase):
    """The turns of an upstream's client."""

    def setUp(self) -> None:
        self.clock = Clock()

    def upstream(self, script: Script) -> RegistryUpstream:
        """A client that is answered so."""
        requests, self.agent = scripted(script, self.clock)
        return RegistryUpstream("hub", requests, self.clock)

    def test_limits(self) -> None:
        """16 bodies and 8 other questions at once; 256 wait for each."""
        self.assertEqual((BODIES, METADATA, QUEUE), (16, 8, 256))
        upstream = self.upstream(lambda *_: None)
        asking = [
            Deferred.fromCoroutine(upstream.manifest(APP, Tag("v1")))
            for _ in range(METADATA + QUEUE)
        ]
        self.assertEqual(len(self.agent.asked), METADATA)
        more = Deferred.fromCoroutine(upstream.head(APP, Tag("v1")))
        self.failureResultOf(more, Overload)
        bodies = [
            Deferred.fromCoroutine(upstream.blob(APP, LAYER))
            for _ in range(BODIES + QUEUE)
        ]
        self.assertEqual(len(self.agent.asked), METADATA + BODIES)
        more_bodies = Deferred.fromCoroutine(upstream.blob(APP, LAYER))
        self.failureResultOf(more_bodies, Overload)
        waiting: list[Deferred[Any]] = [*asking, *bodies]
        for turn in reversed(waiting):
            turn.addErrback(lambda _: None)
            turn.cancel()
        self.assertEqual(len(self.agent.asked), METADATA + BODIES)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_turns_are_given_back(self) -> None:
        """After a miss, an unusable answer, and a body that nobody wanted."""
        for code in (404, 204):
            upstream = self.upstream(lambda *_: Answer(code))  # noqa: B023
            for _ in range(BODIES + METADATA):
                head = Deferred.fromCoroutine(upstream.manifest(APP, Tag("v1")))
                self.failureResultOf(head, Miss, UpstreamOutage)
                blob = Deferred.fromCoroutine(upstream.blob(APP, LAYER))
                self.failureResultOf(blob, Miss, UpstreamOutage)
        upstream = self.upstream(lambda *_: Answer(200, b"x"))
        for _ in range(BODIES * 2):
            opening = Deferred.fromCoroutine(upstream.blob(APP, LAYER))
            self.successResultOf(opening).stop()

    def test_a_body_has_its_turn_until_it_ends(self) -> None:
        """The seventeenth waits until one of the sixteen has come whole."""
        upstream = self.upstream(lambda *_: Answer(200, b"x"))
        opened = [
            self.successResultOf(Deferred.fromCoroutine(upstream.blob(APP, LAYER)))
            for _ in range(BODIES)
        ]
        waiting = Deferred.fromCoroutine(upstream.blob(APP, LAYER))
        self.assertNoResult(waiting)
        ingest = self.successResultOf(
            Deferred.fromCoroutine(MemoryBlobStore("m").ingest("k"))
        )
        self.successResultOf(Deferred.fromCoroutine(opened[0].deliver(ingest)))
        self.successResultOf(waiting)
