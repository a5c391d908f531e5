"""Headers: ranges, challenges, Retry-After; and hosts and origins."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.challenge import Challenge, parse_challenges
from pullthrough.spec.hosts import matches
from pullthrough.spec.origins import Origin, redirected, trusts_realm
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.spec.ranges import (
    Slice,
    Unsatisfiable,
    Whole,
    held,
    parse_chunk_range,
    parse_range,
)
from pullthrough.spec.retryafter import LONGEST, parse_retry_after


class RangeTests(SynchronousTestCase):
    """parse_range, for content of ten bytes."""

    def test_ranges(self) -> None:
        """Every form of RFC 9110 section 14.1.2, and what is none."""
        for header, expected in (
            ("bytes=0-0", Slice(0, 1)),
            ("bytes=2-5", Slice(2, 6)),
            ("bytes=5-", Slice(5, 10)),
            ("bytes=5-100", Slice(5, 10)),
            ("bytes=-3", Slice(7, 10)),
            ("bytes=-50", Slice(0, 10)),
            ("Bytes = 1-2", Slice(1, 3)),
            ("bytes=10-", Unsatisfiable()),
            ("bytes=10-12", Unsatisfiable()),
            ("bytes=-0", Unsatisfiable()),
            ("bytes=5-2", Whole()),
            ("bytes=-", Whole()),
            ("bytes=0-1,3-4", Whole()),
            ("bytes=a-b", Whole()),
            ("lines=0-1", Whole()),
            ("", Whole()),
        ):
            self.assertEqual(parse_range(header, 10), expected, header)

    def test_of_nothing(self) -> None:
        """Empty content satisfies no range."""
        self.assertEqual(parse_range("bytes=-1", 0), Unsatisfiable())
        self.assertEqual(parse_range("bytes=0-", 0), Unsatisfiable())

    def test_blanks(self) -> None:
        """Only HTTP's own may stand around it."""
        self.assertEqual(parse_range("\tbytes=0-1 ", 10), Slice(0, 2))
        self.assertEqual(parse_range("\x85bytes=0-1", 10), Whole())
        self.assertIsNone(parse_chunk_range("\xa00-9"))

    @given(st.text(max_size=30), st.integers(0, 100))
    def test_any_text(self, header: str, size: int) -> None:
        """No text breaks it, and a slice always lies within."""
        found = parse_range(header, size)
        if isinstance(found, Slice):
            self.assertTrue(0 <= found.start < found.end <= size)

    def test_chunks(self) -> None:
        """The specification's form, and the RFC's that clients send too."""
        for header, expected in (
            ("0-9", Slice(0, 10)),
            ("bytes 5-9/*", Slice(5, 10)),
            ("bytes=5-9", Slice(5, 10)),
            ("5-9/10", Slice(5, 10)),
            ("5-9/9", None),
            ("bytes 0-0/0", None),
            ("5-4", Slice(5, 5)),
            ("0--1", None),
            ("9-5", None),
            ("x", None),
        ):
            self.assertEqual(parse_chunk_range(header), expected, header)

    def test_held(self) -> None:
        """What a session says that it has."""
        self.assertEqual([held(0), held(1), held(10)], ["0-0", "0-0", "0-9"])


class ChallengeTests(SynchronousTestCase):
    """parse_challenges."""

    def test_bearer(self) -> None:
        """Realm, service and scope of a quoted challenge."""
        header = (
            'Bearer realm="https://auth.test/token",service="r",'
            'scope="repository:a/b:pull,push"'
        )
        self.assertEqual(
            parse_challenges([header]),
            (
                Challenge(
                    "bearer",
                    {
                        "realm": "https://auth.test/token",
                        "service": "r",
                        "scope": "repository:a/b:pull,push",
                    },
                ),
            ),
        )

    def test_several(self) -> None:
        """Several in one line, and in several lines; escapes; tokens."""
        found = parse_challenges(['Basic realm="a\\"b", Bearer realm=x', "Negotiate"])
        self.assertEqual(
            found,
            (
                Challenge("basic", {"realm": 'a"b'}),
                Challenge("bearer", {"realm": "x"}),
                Challenge("negotiate"),
            ),
        )

    def test_token68(self) -> None:
        """What stands behind a challenge that has no parameters is read as well."""
        for token in ("YII+/a==", "abc", "realm="):
            found = parse_challenges([f"Negotiate {token}, Bearer realm=x"])
            self.assertEqual(
                found, (Challenge("negotiate"), Challenge("bearer", {"realm": "x"}))
            )

    @given(st.text(max_size=80))
    def test_any_text(self, header: str) -> None:
        """No text breaks it."""
        for challenge in parse_challenges([header]):
            self.assertTrue(challenge.scheme)


class RetryAfterTests(SynchronousTestCase):
    """parse_retry_after."""

    def test_forms(self) -> None:
        """Seconds and dates, bounded; nonsense says nothing."""
        now = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
        for header, expected in (
            ("120", 120.0),
            ("999999", LONGEST),
            ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
            ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
            ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
            ("soon", None),
            ("", None),
        ):
            self.assertEqual(parse_retry_after(header, now), expected, header)

    def test_numbers_of_any_size(self) -> None:
        """In seconds, years and time zones."""
        self.assertEqual(parse_retry_after("0" * 20 + "5", 0.0), 5.0)
        self.assertEqual(parse_retry_after("9" * 5000, 0.0), LONGEST)
        for header in (
            f"Tue, 14 Nov {'9' * 20} 22:14:20 GMT",
            f"Tue, 14 Nov 2023 22:14:20 +{'9' * 20}",
            f"Tue, 14 Nov 2023 22:14:{'9' * 10}",
        ):
            self.assertIsNone(parse_retry_after(header, 0.0), header)


class HostTests(SynchronousTestCase):
    """matches."""

    def test_patterns(self) -> None:
        """Hosts, globs, addresses and networks."""
        patterns = ["registry.test", "*.corp.example", "10.0.0.0/8", "::1", "[bad"]
        for host, expected in (
            ("registry.test", True),
            ("REGISTRY.test", True),
            ("a.b.corp.example", True),
            ("corp.example", False),
            ("10.1.2.3", True),
            ("11.1.2.3", False),
            ("[::1]", True),
            ("other.test", False),
        ):
            self.assertEqual(matches(host, patterns), expected, host)


class OriginTests(SynchronousTestCase):
    """Origins, redirects and realms."""

    def test_origins(self) -> None:
        """Default ports, case, and what has no origin."""
        self.assertEqual(str(Origin.of("https://Hub.Test/x")), "hub.test:443")
        self.assertEqual(str(Origin.of("http://[::1]:80")), "[::1]:80")
        for url in ("ftp://x", "/x", "https://", "https://x:99999"):
            self.assertRaises(ValueError, Origin.of, url)

    def test_what_two_readers_read_differently(self) -> None:
        """It has no origin: ours would not be the host that is connected to."""
        for authority in (
            *(
                "me@hub.test",
                "me:pw@hub.test",
                "@hub.test",
                "hub.test:",
                "a;b",
                "a%2eb",
            ),
            *("evil.test\\@hub.test", "[::1]hub.test", "hub.test[::1]", "[::1%]", "ä"),
        ):
            self.assertRaises(ValueError, Origin.of, f"https://{authority}/")
        self.assertEqual(Origin.of("http://[fe80::1%eth0]:80").host, "fe80::1%eth0")

    def test_redirects(self) -> None:
        """Resolved against the current URL; never from https to http."""
        here = "https://hub.test/v2/a"
        for location, expected in (
            ("b", "https://hub.test/v2/b"),
            ("/x?y=z", "https://hub.test/x?y=z"),
            ("//cdn.test/x", "https://cdn.test/x"),
            ("https://cdn.test/x", "https://cdn.test/x"),
            ("http://cdn.test/x", None),
            ("ftp://cdn.test/x", None),
            ("https://user:pw@cdn.test/x", None),
            ("https://cdn.test/a b", None),
            ("https://cdn.test/ü", None),
            ("https://[", None),
            ("", None),
        ):
            self.assertEqual(redirected(here, location), expected, location)
        self.assertEqual(
            redirected("http://a.test/", "https://b.test/"), "https://b.test/"
        )

    def test_realms(self) -> None:
        """The same host, or the same domain; as safe; never an address's sibling."""
        for remote, realm, expected in (
            ("https://registry-1.docker.io", "https://auth.docker.io/token", True),
            ("https://hub.test:5643", "https://hub.test/token", True),
            ("https://hub.test", "http://hub.test/token", False),
            ("http://hub.test", "http://hub.test/token", True),
            ("https://docker.io", "https://evil.io", False),
            ("https://a.co.uk", "https://b.co.uk", False),
            ("https://x.a.co.uk", "https://y.a.co.uk", True),
            ("https://10.0.0.1", "https://10.1.0.1", False),
            ("https://10.0.0.1", "https://10.0.0.1:444", True),
            ("https://one", "https://other", False),
        ):
            found = trusts_realm(Origin.of(remote), Origin.of(realm))
            self.assertEqual(found, expected, f"{remote} {realm}")

    def test_provenance(self) -> None:
        """Who answered, and how."""
        self.assertEqual(Provenance("own", Source.HIT).warning, "")
