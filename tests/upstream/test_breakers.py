"""Circuit breakers of all hosts, and the budget of retries."""

from collections.abc import Callable, Mapping
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Closed
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Outage, Refused, RegistryError, UpstreamBlocked
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.origins import Origin
from pullthrough.upstream import breakers as module
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.budget import RetryBudget
from pullthrough.upstream.requests import Wish
from tests.support.agent import HUB, Answer, scripted

ORIGIN = Origin.of(HUB)
CDN = Origin.of("https://cdn.test")
WISH = Wish("GET", "/v2/x/manifests/v1", "", ErrorCode.MANIFEST_UNKNOWN)


class BreakersCase(SynchronousTestCase):
    """Breakers without jitter; what is logged is kept."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1000)
        self.breakers = Breakers(self.clock, lambda: 0.5, 30.0)
        self.logged: list[Mapping[str, Any]] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def said(self, words: str) -> int:
        """How often the log has said so."""
        return sum(words in (one["log_format"] or "") for one in self.logged)

    def trip(self, origin: Origin = ORIGIN) -> None:
        """Three failures in a row."""
        for _ in range(3):
            self.breakers.failed(origin, "answered 503")


class BreakersTests(BreakersCase):
    """Hosts that keep failing are left alone."""

    def test_it_trips_and_says_so_once(self) -> None:
        """Three failures block a host for 40 s; who asks is told how long."""
        self.breakers.failed(ORIGIN, "x")
        self.breakers.failed(ORIGIN, "x")
        self.breakers.admit(ORIGIN)
        self.assertEqual(self.breakers.state(ORIGIN), ("closed", 0.0))
        self.breakers.failed(ORIGIN, "x")
        self.assertEqual(self.breakers.state(ORIGIN), ("blocked", 40.0))
        self.clock.advance(10)
        error = self.assertRaises(UpstreamBlocked, self.breakers.admit, ORIGIN)
        self.assertEqual((error.retry_after, error.by_hand), (30.0, False))
        self.assertIn("hub.test:443 keeps failing", error.detail)
        self.breakers.failed(ORIGIN, "one that was under way")
        self.assertEqual(self.said("is left alone"), 1)

    def test_one_probe(self) -> None:
        """After that one request finds out; the others wait for what it tells."""
        self.trip()
        self.clock.advance(40)
        self.breakers.admit(ORIGIN)
        self.assertEqual(self.breakers.state(ORIGIN), ("half-open", 0.0))
        error = self.assertRaises(UpstreamBlocked, self.breakers.admit, ORIGIN)
        self.assertEqual(error.retry_after, 1.0)
        self.breakers.succeeded(ORIGIN)
        self.breakers.admit(ORIGIN)
        self.breakers.admit(ORIGIN)
        self.assertEqual(self.said("is back"), 1)

    def test_a_probe_that_fails(self) -> None:
        """The host is left alone again: 40 s, 80 s, 120 s."""
        self.trip()
        for wait in (40, 40, 80, 120):
            self.assertEqual(self.breakers.state(ORIGIN), ("blocked", float(wait)))
            self.clock.advance(wait)
            self.breakers.admit(ORIGIN)
            self.breakers.failed(ORIGIN, "still")

    def test_a_probe_that_tells_nothing(self) -> None:
        """It is given up in time, and another one goes out."""
        self.trip()
        self.clock.advance(40)
        self.breakers.admit(ORIGIN)
        self.clock.advance(29)
        self.assertRaises(UpstreamBlocked, self.breakers.admit, ORIGIN)
        self.clock.advance(1)
        self.breakers.admit(ORIGIN)

    def test_hosts_are_apart(self) -> None:
        """A CDN that fails says nothing about its registry."""
        self.trip(CDN)
        self.breakers.admit(ORIGIN)
        self.assertRaises(UpstreamBlocked, self.breakers.admit, CDN)
        self.breakers.succeeded(ORIGIN)
        self.assertEqual(self.breakers.state(ORIGIN), ("closed", 0.0))

    def test_a_success_between(self) -> None:
        """The row begins anew, quietly."""
        for _ in range(5):
            self.breakers.failed(ORIGIN, "x")
            self.breakers.failed(ORIGIN, "x")
            self.breakers.succeeded(ORIGIN)
            self.breakers.succeeded(ORIGIN)
        self.breakers.admit(ORIGIN)
        self.assertEqual(self.said("is back"), 0)

    def test_they_are_bounded(self) -> None:
        """A CDN with endless names costs no endless memory."""
        for number in range(module.MOST + 1):
            self.breakers.failed(Origin("https", f"{number}.cdn.test", 443), "x")
        self.trip(Origin("https", f"{module.MOST}.cdn.test", 443))
        self.trip(Origin("https", "0.cdn.test", 443))


class RequestTests(BreakersCase):
    """What requests tell the breakers."""

    def ask(
        self, answer: Callable[[], Answer | Exception], **more: Any
    ) -> RegistryError | None:
        """One request that is answered so; the error, if it is one."""
        requests, self.agent = scripted(
            lambda *_: answer(), self.clock, breakers=self.breakers, **more
        )
        asking = Deferred.fromCoroutine(requests.ask(WISH))
        found: list[Any] = []
        asking.addCallbacks(found.append, lambda failure: found.append(failure.value))
        for _ in range(5):
            self.clock.advance(5)
        return found[0] if isinstance(found[0], RegistryError) else None

    def test_what_counts(self) -> None:
        """Connections that fail and 5xx; never 401, 403, 404, 429."""
        for code in (401, 403, 404, 429):
            for _ in range(5):
                self.ask(lambda: Answer(code))  # noqa: B023
            self.assertEqual(self.breakers.state(ORIGIN)[0], "closed", code)
        for answer in (lambda: Answer(500), lambda: Closed("x")):
            self.breakers = Breakers(self.clock, lambda: 0.5, 30.0)
            for _ in range(3):
                self.assertIsInstance(self.ask(answer), Outage)
            self.assertIsInstance(self.ask(answer), UpstreamBlocked)
            self.assertEqual(self.agent.asked, [])

    def test_a_blocked_host_is_not_tried_again(self) -> None:
        """Retries end where the breaker does."""
        error = self.ask(lambda: Closed("x"), retries=9)
        self.assertIsInstance(error, UpstreamBlocked)
        self.assertEqual(len(self.agent.asked), 3)

    def test_without(self) -> None:
        """auto_block = no: it is asked all the same."""
        requests, agent = scripted(lambda *_: Closed("x"), self.clock)
        for _ in range(6):
            self.failureResultOf(Deferred.fromCoroutine(requests.ask(WISH)), Outage)
        self.assertEqual(len(agent.asked), 6)

    def test_who_leaves_tells_nothing(self) -> None:
        """A request that is cancelled is no failure, and not tried again."""
        for _ in range(4):
            requests, agent = scripted(
                lambda *_: None, self.clock, breakers=self.breakers, retries=2
            )
            asking = Deferred.fromCoroutine(requests.ask(WISH))
            asking.cancel()
            self.failureResultOf(asking)
            self.assertEqual(len(agent.asked), 1)
        self.assertEqual(self.breakers.state(ORIGIN), ("closed", 0.0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_realm_that_fails(self) -> None:
        """Whatever it answers, the challenge's own body is let go of."""
        bearer = {"WWW-Authenticate": 'Bearer realm="https://auth.hub.test/token"'}
        for code, error in ((500, Outage), (429, Outage), (403, Refused)):
            challenge = Answer(401, b"log in", bearer)
            realm = Answer(code, b"no")
            requests, _ = scripted(
                lambda _, url: realm if "auth" in url else challenge,  # noqa: B023
                self.clock,
            )
            self.failureResultOf(Deferred.fromCoroutine(requests.ask(WISH)), error)
            self.assertIsNotNone(challenge.transport)
            self.assertIsNotNone(realm.transport)


class RetryBudgetTests(SynchronousTestCase):
    """Retries are at most a tenth of the requests, and one a second."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.budget = RetryBudget(self.clock.seconds)

    def spent(self) -> int:
        """How many retries may go out now."""
        count = 0
        while self.budget.spend():
            count += 1
        return count

    def test_it_begins_full(self) -> None:
        """Ten at once, then none."""
        self.assertEqual(self.spent(), 10)
        self.assertFalse(self.budget.spend())

    def test_requests_earn(self) -> None:
        """Ten requests one retry, and never more than ten are kept."""
        self.spent()
        for _ in range(30):
            self.budget.requested()
        self.assertIn(self.spent(), (2, 3))
        for _ in range(1000):
            self.budget.requested()
        self.assertEqual(self.spent(), 10)

    def test_time_earns(self) -> None:
        """One a second, and never more than ten are kept; a clock set back takes
        nothing away."""
        self.spent()
        self.clock.advance(3)
        self.assertEqual(self.spent(), 3)
        self.clock.advance(1000)
        self.assertEqual(self.spent(), 10)
        self.clock.rightNow -= 500
        self.assertEqual(self.spent(), 0)
        self.clock.advance(1)
        self.assertEqual(self.spent(), 1)

    def test_an_upstream_in_trouble(self) -> None:
        """A hundred failing requests at once make twenty more, not two hundred."""
        requests, agent = scripted(lambda *_: Answer(503), self.clock, retries=2)
        for _ in range(100):
            Deferred.fromCoroutine(requests.ask(WISH)).addErrback(lambda _: None)
        for _ in range(20):
            self.clock.advance(0.1)
        self.assertGreater(len(agent.asked), 110)
        self.assertLessEqual(len(agent.asked), 123)
