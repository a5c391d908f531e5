"""Warnings that a registry sends along."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.warning import parse_warning


class WarningTests(SynchronousTestCase):
    """``Warning: 299``."""

    def test_texts(self) -> None:
        """The text, unquoted; of other codes, and of nonsense, none."""
        for value, text in (
            ('299 - "it is old"', "it is old"),
            (r' 299 hub.test "say \"old\"" ', 'say "old"'),
            ('299 - ""', ""),
            ('299 - "x" "Tue, 24 Nov 2026 21:00:00 GMT"', "x"),
            ('110 - "Response is Stale"', ""),
            ("299 - x", ""),
            ("", ""),
        ):
            self.assertEqual(parse_warning(value), text, value)
