"""Numbers of any length."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.numbers import bounded


class BoundedTests(SynchronousTestCase):
    """bounded."""

    def test_any_length(self) -> None:
        """Zeros in front mean nothing, and a million digits are no work."""
        for digits, expected in (
            ("0", 0),
            ("", 0),
            ("7", 7),
            ("1000", 1000),
            ("1001", 1000),
            ("0" * 50 + "5", 5),
            ("0" * 50, 0),
            ("9" * 1_000_000, 1000),
        ):
            self.assertEqual(bounded(digits, 1000), expected, digits[:60])
