"""Token realms: the URL that is asked, and what is read from the answer."""

from urllib.parse import parse_qs, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.challenge import Challenge
from pullthrough.upstream.credentials import RealmError, Token, read_token, realm_url


def url_of(realm: str) -> str:
    """The URL that is asked for a token."""
    challenge = Challenge("bearer", {"realm": realm, "service": "r"})
    return realm_url(challenge, "repository:a:pull", "")


class RealmTests(SynchronousTestCase):
    """realm_url."""

    def test_the_question(self) -> None:
        """Scope and service, behind what the realm has; a fragment of it, which would
        swallow them, is cut off."""
        for realm in ("https://a.test/t", "https://a.test/t?x=y", "https://a.test/t#x"):
            parts = urlsplit(url_of(realm))
            asked = parse_qs(parts.query)
            self.assertEqual(asked["scope"], ["repository:a:pull"], realm)
            self.assertEqual(asked["service"], ["r"])
            self.assertEqual(parts.path, "/t")

    def test_what_is_no_realm(self) -> None:
        """Nothing that two readers could take for two hosts."""
        for realm in (
            "/token",
            "https://me@a.test/",
            "https://evil.test\\.a.test/",
            "https://[::1]a.test/",
            "https://a.test:/",
            "https://ä.test/",
            "https://a.test/\xe4",
        ):
            self.assertRaises(RealmError, url_of, realm)


class AnswerTests(SynchronousTestCase):
    """read_token."""

    def test_tokens(self) -> None:
        """By either name, for as long as it says."""
        for body in (
            b'{"token":"x","expires_in":100}',
            b'{"token":"","access_token":"x","expires_in":100}',
        ):
            self.assertEqual(read_token(body, 5.0), Token("x", 95.0))

    def test_none(self) -> None:
        """An empty one by both names, and what cannot stand in a header."""
        for body in (
            b'{"access_token":""}',
            b'{"token":"a b"}',
            b'{"token":"\\u00e4"}',
        ):
            self.assertRaises(RealmError, read_token, body, 5.0)
