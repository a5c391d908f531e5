"""Docker's index, where images are searched."""

import json
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.errors import (
    Miss,
    Refused,
    UpstreamLimited,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.interfaces import ISearchIndex
from pullthrough.spec.names import ImageName
from pullthrough.spec.origins import Origin
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.index import LARGEST_ANSWER, PATIENCE, SearchIndex
from tests.support.agent import HUB, Answer, Script, scripted


def results(*names: object) -> Answer:
    """What an index answers."""
    listed = [{"name": name, "description": "x", "star_count": 1} for name in names]
    return Answer(200, json.dumps({"num_results": 1, "results": listed}).encode())


class IndexTests(SynchronousTestCase):
    """Searches."""

    def setUp(self) -> None:
        self.clock = Clock()

    def search(
        self, script: Script, term: str = "redis", limit: int = 25, **more: Any
    ) -> "Deferred[Sequence[ImageName]]":
        """Search an index that answers so."""
        requests, self.agent = scripted(script, self.clock, **more)
        index = SearchIndex("hub.test:443", requests, self.clock)
        self.assertTrue(verifyObject(ISearchIndex, index))
        return Deferred.fromCoroutine(index.search(term, limit))

    def found(self, answer: Answer, limit: int = 25) -> list[str]:
        """The names that are found."""
        names = self.successResultOf(self.search(lambda *_: answer, limit=limit))
        return [name.text for name in names]

    def test_what_is_asked(self) -> None:
        """The V1 API, with any term quoted."""
        self.search(lambda *_: results(), "a b&n=1/ü?", 7)
        self.assertEqual(
            self.agent.urls, ["/v1/search?q=a%20b%26n%3D1%2F%C3%BC%3F&n=7"]
        )

    def test_names(self) -> None:
        """In the order of the index; what is no image's name is passed over."""
        answer = results(
            "redis", "bitnami/redis", "Redis!", "", None, 5, ["x"], "../x", "a" * 300
        )
        self.assertEqual(self.found(answer), ["redis", "bitnami/redis"])
        self.assertEqual(self.found(results()), [])

    def test_no_more_than_was_wanted(self) -> None:
        """An index that sends more is cut."""
        self.assertEqual(self.found(results("a", "b", "c"), limit=2), ["a", "b"])

    def test_junk(self) -> None:
        """What is no list of results is an outage, never an empty list."""
        for body in (
            b"",
            b"<html>",
            b"[]",
            b"{}",
            b"null",
            b'{"results": null}',
            b'{"results": 5}',
            b'{"results": ["redis"]}',
            b'{"results": [{"title": "redis"}]}',
            b'{"results": [null]}',
            b"[" * 100_000,
            b"\xff\xfe",
        ):
            searching = self.search(lambda *_: Answer(200, body))  # noqa: B023
            failure = self.failureResultOf(searching, UpstreamOutage)
            self.assertIn("index hub.test:443 sent no results", failure.value.detail)

    def test_too_much(self) -> None:
        """A megabyte and no more."""
        answer = Answer(200, b" " * (LARGEST_ANSWER + 1))
        self.failureResultOf(self.search(lambda *_: answer), UpstreamOutage)

    def test_statuses(self) -> None:
        """Told as those of any upstream."""
        for code, error in (
            (401, Miss),
            (404, Miss),
            (403, Refused),
            (429, UpstreamLimited),
            (500, UpstreamOutage),
        ):
            self.failureResultOf(self.search(lambda *_: Answer(code)), error)  # noqa: B023

    def test_a_person_waits_for_it(self) -> None:
        """After five seconds the search ends, whatever time-outs and retries would
        allow; that says nothing against the host."""
        breakers = Breakers(self.clock, lambda: 0.5, 40.0)
        searching = self.search(lambda *_: None, retries=2, breakers=breakers)
        self.clock.advance(PATIENCE - 0.1)
        self.assertNoResult(searching)
        self.clock.advance(0.1)
        failure = self.failureResultOf(searching, UpstreamTimeout)
        self.assertIn("index hub.test:443 did not answer", failure.value.detail)
        self.assertEqual(len(self.agent.asked), 1)
        self.assertEqual(breakers.state(Origin.of(HUB)), ("closed", 0.0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_body_that_trickles(self) -> None:
        """The five seconds are for all of it; the connection is then let go of."""
        answer = Answer(200, b'{"results": [', ends=False)
        searching = self.search(lambda *_: answer)
        for _ in range(10):
            self.clock.advance(0.5)
        self.failureResultOf(searching, UpstreamTimeout)
        assert answer.transport is not None
        self.assertEqual(answer.transport.producerState, "stopped")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_between_retries(self) -> None:
        """It ends there as well."""
        searching = self.search(lambda *_: Answer(503), retries=9)
        self.clock.advance(PATIENCE)
        self.failureResultOf(searching, UpstreamTimeout)
        self.assertEqual(self.clock.getDelayedCalls(), [])
