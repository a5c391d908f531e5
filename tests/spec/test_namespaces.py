"""Namespaces: which registry ``?ns=`` names."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.errorcodes import InvalidText
from pullthrough.spec.namespaces import LONGEST, namespaces_of, parse_namespace


class ParseTests(SynchronousTestCase):
    """What clients send."""

    def test_hosts(self) -> None:
        """A host, perhaps with a port, in lower case."""
        longest = "a" * LONGEST
        for text in ("docker.io", "registry_1.test:5000", "[::1]:80", "[::1]", longest):
            self.assertEqual(parse_namespace(text), text)
        self.assertEqual(parse_namespace("Docker.IO"), "docker.io")

    def test_anything_else(self) -> None:
        """It is refused, whatever it would do to a header."""
        for text in (
            *("", "a/b", "a b", "a:", "a:b", "a:123456", "http://a", "u@a", "a?b"),
            *("a\r\nX: y", "\x00", "ä", "[::1", "a" * (LONGEST + 1)),
        ):
            self.assertRaises(InvalidText, parse_namespace, text)


class UrlTests(SynchronousTestCase):
    """What the registry at a URL is called."""

    def test_addresses(self) -> None:
        """One of version 6 stands in brackets, as clients send it."""
        for url, expected in (
            ("http://[::1]:5000", ("[::1]:5000",)),
            ("https://[::1]/x", ("[::1]", "[::1]:443")),
            ("http://10.0.0.1", ("10.0.0.1", "10.0.0.1:80")),
        ):
            self.assertEqual(namespaces_of(url), expected)
            for one in expected:
                self.assertEqual(parse_namespace(one), one)
