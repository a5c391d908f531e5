"""So much at once for each."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.allowance import PATIENCE, Allowance
from pullthrough.errors import Throttled
from pullthrough.web.failures import tell


class AllowanceTests(SynchronousTestCase):
    """Two for each key."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.allowance: Allowance[str] = Allowance(2, self.clock, "pears")

    def take(self, key: str) -> "Deferred[None]":
        """Want one more."""
        return Deferred.fromCoroutine(self.allowance.take(key))

    def counts(self) -> tuple[int, int, int]:
        """In use, waiting, refused."""
        one = self.allowance
        return one.count, one.waiting, one.refused

    def test_each(self) -> None:
        """A third waits until one is given back; another key does not notice."""
        for key in ("a", "a", "b"):
            self.successResultOf(self.take(key))
        third, fourth = self.take("a"), self.take("a")
        self.successResultOf(self.take("b"))
        self.assertEqual(self.counts(), (4, 2, 0))
        self.allowance.give_back("b")
        self.assertNoResult(third)
        self.allowance.give_back("a")
        self.successResultOf(third)
        self.assertNoResult(fourth)
        self.allowance.give_back("a")
        self.successResultOf(fourth)
        for key in ("a", "a", "b"):
            self.allowance.give_back(key)
        self.assertEqual(self.counts(), (0, 0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_in_vain(self) -> None:
        """429 after half a minute, and when to come back; what is given back then is
        there for the next."""
        for _ in range(2):
            self.successResultOf(self.take("a"))
        third = self.take("a")
        self.clock.advance(PATIENCE)
        error = self.failureResultOf(third, Throttled).value
        told = tell(error)
        self.assertEqual(told.status, 429)
        self.assertIn(("Retry-After", "5"), told.headers)
        self.assertIn("more than 2 pears", error.detail)
        self.assertEqual(self.counts(), (2, 0, 1))
        self.allowance.give_back("a")
        self.successResultOf(self.take("a"))

    def test_who_leaves(self) -> None:
        """It is handed to the next one."""
        for _ in range(2):
            self.successResultOf(self.take("a"))
        leaving, staying = self.take("a"), self.take("a")
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        self.allowance.give_back("a")
        self.successResultOf(staying)
        self.assertEqual(self.counts(), (2, 0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_another_limit(self) -> None:
        """What is above a lower one ends by and by; a higher one holds at once."""
        for _ in range(2):
            self.successResultOf(self.take("a"))
        waiting = self.take("a")
        self.allowance.most = 1
        self.allowance.give_back("a")
        self.assertNoResult(waiting)
        self.allowance.give_back("a")
        self.successResultOf(waiting)
        self.assertEqual(self.counts(), (1, 0, 0))
        self.allowance.most = 2
        self.successResultOf(self.take("a"))
