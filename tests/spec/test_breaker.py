"""When a host is left alone, and how it comes back."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.breaker import LONGEST, WINDOW, Breaker, State


class BreakerTests(SynchronousTestCase):
    """With a random number in the middle, so that there is no jitter."""

    def setUp(self) -> None:
        self.random = 0.5
        self.breaker = Breaker(lambda: self.random)
        self.now = 0.0

    def fail(self, *answers: bool) -> bool:  # type: ignore[override]
        """Answers, good and bad; whether the last one has blocked."""
        blocked = False
        for good in answers:
            if good:
                self.breaker.succeeded()
            else:
                blocked = self.breaker.failed(self.now)
        return blocked

    def admits(self) -> bool:
        """Whether it lets a request out now; a probe has 10 seconds."""
        return self.breaker.admits(self.now, 10.0)

    def test_three_in_a_row(self) -> None:
        """Not two, and not with a success between them."""
        self.assertFalse(self.fail(False, False, True, False, False))
        self.assertTrue(self.admits())
        self.assertTrue(self.fail(False))
        self.assertFalse(self.admits())

    def test_more_than_half_of_the_last(self) -> None:
        """Also when no three of them are in a row."""
        pair = (False, True)
        self.assertFalse(self.fail(*(pair * (WINDOW // 2))))
        self.assertTrue(self.admits())
        self.assertTrue(self.fail(False, True, False, False))

    def test_the_lengths(self) -> None:
        """Fibonacci's, up to an hour; one probe each time."""
        lengths = []
        for _ in range(14):
            while not self.fail(False):
                pass
            lengths.append(self.breaker.until - self.now)
            self.now = self.breaker.until - 0.1
            self.assertFalse(self.admits())
            self.now = self.breaker.until
            self.assertTrue(self.admits())
            self.assertFalse(self.admits())
        self.assertEqual(lengths[:6], [40.0, 40.0, 80.0, 120.0, 200.0, 320.0])
        self.assertEqual(lengths[-1], LONGEST)

    def test_it_comes_back(self) -> None:
        """A probe that succeeds closes it, and the next block is short again."""
        for _ in range(3):
            while not self.fail(False):
                pass
            self.now = self.breaker.until
            self.assertTrue(self.admits())
        self.breaker.succeeded()
        self.assertEqual(self.breaker.state, State.CLOSED)
        self.assertTrue(self.admits())
        self.assertTrue(self.fail(False, False, False))
        self.assertEqual(self.breaker.until - self.now, 40.0)

    def test_a_probe_that_tells_nothing(self) -> None:
        """Another one goes out after a while."""
        self.fail(False, False, False)
        self.now = self.breaker.until
        self.assertTrue(self.admits())
        self.now += 9.9
        self.assertFalse(self.admits())
        self.now += 0.1
        self.assertTrue(self.admits())

    def test_what_was_under_way(self) -> None:
        """Late failures do not make a block longer; nor does a late success end it."""
        self.fail(False, False, False)
        until = self.breaker.until
        self.assertFalse(self.fail(False, True))
        self.assertEqual(self.breaker.until, until)
        self.assertFalse(self.admits())

    def test_jitter(self) -> None:
        """A fifth, either way."""
        for random, length in ((0.0, 32.0), (1.0, 48.0)):
            self.setUp()
            self.random = random
            self.fail(False, False, False)
            self.assertAlmostEqual(self.breaker.until, length)
