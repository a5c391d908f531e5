"""Failed logins are rationed."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.access import throttle
from pullthrough.access.throttle import PER_ADDRESS, PER_USER, Throttle
from pullthrough.errors import Throttled


class ThrottleTests(SynchronousTestCase):
    """By user and by address."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.throttle = Throttle(self.clock.seconds)

    def fail(self, user: str, address: str) -> None:  # type: ignore[override]
        """One wrong password."""
        self.throttle.admit(user, address)
        self.throttle.failed(user, address)

    def test_a_user(self) -> None:
        """Ten at once, from wherever; then one in six seconds. Others are not hit."""
        most, seconds = PER_USER
        for number in range(most):
            self.fail("alice", f"192.0.2.{number}")
        error = self.assertRaises(Throttled, self.throttle.admit, "alice", "192.0.2.99")
        self.assertAlmostEqual(error.retry_after, seconds)
        self.throttle.admit("bob", "192.0.2.1")
        self.clock.advance(seconds)
        self.fail("alice", "192.0.2.99")
        self.assertRaises(Throttled, self.throttle.admit, "alice", "192.0.2.99")
        self.clock.advance(3600)
        for _ in range(most):
            self.fail("alice", "")
        self.assertRaises(Throttled, self.throttle.admit, "alice", "")

    def test_an_address(self) -> None:
        """Fifty at once, whatever the names; then one a second."""
        most, seconds = PER_ADDRESS
        for number in range(most):
            self.fail(f"user{number}", "192.0.2.1")
        self.assertRaises(Throttled, self.throttle.admit, "alice", "192.0.2.1")
        self.throttle.admit("alice", "192.0.2.2")
        self.clock.advance(seconds)
        self.throttle.admit("alice", "192.0.2.1")

    def test_who_logs_in_rightly(self) -> None:
        """Costs nothing, however often."""
        for _ in range(1000):
            self.throttle.admit("alice", "192.0.2.1")

    def test_bounded(self) -> None:
        """Only so many are kept in mind."""
        self.patch(throttle, "MOST", 10)
        for number in range(100):
            self.fail(f"user{number}", "")
        self.assertEqual(len(self.throttle._buckets), 10)
