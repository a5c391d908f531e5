"""When a tag is asked about again."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.freshness import JITTER, Decision, Freshness

HOUR = 3600.0


class FreshnessTests(SynchronousTestCase):
    """The policy of a proxy."""

    def test_ages(self) -> None:
        """The first pattern that matches, and never more than the content's age."""
        policy = Freshness(
            24 * HOUR,
            tag_ages=(("latest", 60.0), ("*-snapshot", 0.0), ("v*", inf), ("*t", 1.0)),
        )
        for tag, age in (
            ("latest", 60.0),
            ("1-snapshot", 0.0),
            ("v1", inf),
            ("1.0", 24 * HOUR),
            ("LATEST", 24 * HOUR),
        ):
            self.assertEqual(policy.max_age(tag), age)
        self.assertEqual(Freshness(24 * HOUR, HOUR).max_age("x"), HOUR)
        self.assertEqual(Freshness(HOUR, 24 * HOUR).max_age("x"), HOUR)

    def test_decisions(self) -> None:
        """Nothing, a young copy, an old one, and one out of the future."""
        policy = Freshness(100.0)
        for checked_at, decision in (
            (None, Decision.FETCH),
            (1000.0, Decision.SERVE),
            (911.0, Decision.SERVE),
            (900.0, Decision.REVALIDATE),
            (0.0, Decision.REVALIDATE),
            (9999.0, Decision.SERVE),
        ):
            self.assertEqual(policy.decide(1000.0, checked_at, "v1"), decision)
        never, always = Freshness(inf), Freshness(0.0)
        self.assertEqual(never.decide(1e12, 0.0, "v1"), Decision.SERVE)
        self.assertEqual(always.decide(5.0, 5.0, "v1"), Decision.REVALIDATE)

    def test_stale(self) -> None:
        """Up to an age, while the upstream cannot tell."""
        policy = Freshness(stale_max_age=100.0)
        self.assertTrue(policy.may_be_stale(200.0, 100.0))
        self.assertFalse(policy.may_be_stale(200.1, 100.0))
        self.assertTrue(Freshness(stale_max_age=inf).may_be_stale(1e12, 0.0))

    @given(st.text(), st.floats(0, 1e9), st.floats(0, 2.0))
    def test_jitter(self, image: str, checked_at: float, part: float) -> None:
        """A tag is never served beyond its age, and never asked about before 90 % of
        it; always the same for the same tag."""
        policy = Freshness(1000.0)
        now = checked_at + part * 1000.0
        found = policy.decide(now, checked_at, "v1", image)
        self.assertEqual(policy.decide(now, checked_at, "v1", image), found)
        if now - checked_at >= 1000.0:
            self.assertEqual(found, Decision.REVALIDATE)
        if now - checked_at < 1000.0 * (1 - JITTER):
            self.assertEqual(found, Decision.SERVE)
