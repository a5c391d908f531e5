"""The rate limit of an account at an upstream."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import UpstreamLimited
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.ratelimit import Budget
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.requests import Wish
from tests.support.agent import Answer, scripted

NOW = 1_000_000.0
WISH = Wish("GET", "/v2/x/manifests/v1", "", ErrorCode.MANIFEST_UNKNOWN)


class LimitsCase(SynchronousTestCase):
    """The limits of one account; what is logged is kept."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.limits = Limits("hub.test:443 as me", self.clock)
        self.logged: list[Mapping[str, Any]] = []
        globalLogPublisher.addObserver(self.logged.append)
        self.addCleanup(globalLogPublisher.removeObserver, self.logged.append)

    def told(self, **headers: str) -> Answer:
        """An answer with these headers."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(429, headers=named)

    def remaining(self, count: int) -> None:
        """An answer that tells of a limit of 100."""
        self.limits.note(
            self.told(
                ratelimit_limit="100;w=21600", ratelimit_remaining=f"{count};w=21600"
            )
        )

    def warnings(self) -> list[int]:
        """What remained, each time that the log said so."""
        return [one["remaining"] for one in self.logged if "remaining" in one]


class PauseTests(LimitsCase):
    """429: the upstream asks to be left alone."""

    def test_how_long(self) -> None:
        """Seconds and dates are obeyed, at least a second and at most an hour; without
        a word it is a minute."""
        for told, expected in (
            ("7", 7.0),
            ("0", 1.0),
            ("86400", 3600.0),
            ("99999999999999999999", 3600.0),
            (formatdate(NOW + 90, usegmt=True), 90.0),
            (formatdate(NOW + 86400, usegmt=True), 3600.0),
            (formatdate(NOW - 90, usegmt=True), 1.0),
            ("", 60.0),
            ("soon", 60.0),
            ("-5", 60.0),
        ):
            error = self.limits.limited(self.told(Retry_After=told))
            self.assertEqual(error.retry_after, expected, told)
            self.assertAlmostEqual(self.limits.limited_for, expected)
        self.assertEqual(self.limits.limited(self.told()).retry_after, 60.0)

    def test_it_is_left_alone(self) -> None:
        """Until then nothing goes out; each who asks is told what is left."""
        self.limits.admit()
        self.limits.limited(self.told(Retry_After="30"))
        self.clock.advance(10)
        error = self.assertRaises(UpstreamLimited, self.limits.admit)
        self.assertEqual(error.retry_after, 20.0)
        self.assertIn("hub.test:443 as me limits us (429)", error.detail)
        self.clock.advance(20)
        self.limits.admit()
        self.assertEqual(self.limits.limited_for, 0.0)

    def test_it_is_shared(self) -> None:
        """All repositories of the account stop asking after one 429; that is not tried
        again, and an account of its own goes on."""
        script = lambda method, url: self.told(Retry_After="30")  # noqa: E731
        one, asked = scripted(script, self.clock, limits=self.limits, retries=2)
        two, also = scripted(lambda *_: Answer(), self.clock, limits=self.limits)
        other, _ = scripted(lambda *_: Answer(), self.clock)
        self.failureResultOf(Deferred.fromCoroutine(one.ask(WISH)), UpstreamLimited)
        self.failureResultOf(Deferred.fromCoroutine(two.ask(WISH)), UpstreamLimited)
        self.successResultOf(Deferred.fromCoroutine(other.ask(WISH)))
        self.assertEqual((len(asked.asked), len(also.asked)), (1, 0))
        self.clock.advance(31)
        self.successResultOf(Deferred.fromCoroutine(two.ask(WISH)))


class BudgetTests(LimitsCase):
    """What Docker Hub tells of what is left."""

    def test_it_is_read(self) -> None:
        """From any answer that has it; one without changes nothing."""
        self.assertIsNone(self.limits.budget)
        self.remaining(76)
        self.assertEqual(self.limits.budget, Budget(100, 76, 21600))
        self.limits.note(self.told())
        self.limits.note(self.told(ratelimit_limit="many", ratelimit_remaining="few"))
        self.assertEqual(self.limits.budget, Budget(100, 76, 21600))

    def test_requests_read_it(self) -> None:
        """Each answer passes by, also one that is a miss."""
        headers = {"ratelimit-limit": "10", "ratelimit-remaining": "9"}
        for code in (200, 404):
            answer = Answer(code, headers=headers)
            limits = Limits("hub", self.clock)
            requests, _ = scripted(lambda *_: answer, self.clock, limits=limits)  # noqa: B023
            Deferred.fromCoroutine(requests.ask(WISH)).addErrback(lambda _: None)
            self.assertEqual(limits.budget, Budget(10, 9))

    def test_the_log_says_when_it_goes_down(self) -> None:
        """Once below a half, a fifth and a twentieth; again after it was filled."""
        for count in (100, 51, 50, 49, 30, 20, 19, 18, 5, 4, 0):
            self.remaining(count)
        self.assertEqual(self.warnings(), [49, 19, 4])
        for count in (100, 40):
            self.remaining(count)
        self.assertEqual(self.warnings(), [49, 19, 4, 40])

    def test_several_marks_at_once(self) -> None:
        """They are one line."""
        self.remaining(1)
        self.assertEqual(self.warnings(), [1])
