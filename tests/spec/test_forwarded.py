"""What a trusted reverse proxy says of the client's side."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.forwarded import Seen, TrustedProxies

DIRECT = Seen("10.0.0.5", False, "inside:5000")


class ForwardedTests(SynchronousTestCase):
    """Which headers count, and what they mean."""

    def seen(
        self, direct: Seen = DIRECT, trusted: str = "10.0.0.0/8", **headers: str
    ) -> Seen:
        """With ``X-Forwarded-NAME`` for each keyword."""
        named = {f"x-forwarded-{name}": value for name, value in headers.items()}
        proxies = TrustedProxies(trusted.split())
        return proxies.seen(direct, lambda name: named.get(name, ""))

    def test_strangers(self) -> None:
        """What they say of themselves does not count."""
        told = {"for": "1.2.3.4", "proto": "https", "host": "evil.example"}
        for trusted in ("", "192.0.2.1", "unix"):
            self.assertEqual(self.seen(trusted=trusted, **told), DIRECT)
        odd = Seen("nonsense", False, "a")
        self.assertEqual(self.seen(odd, **told), odd)

    def test_scheme_and_host(self) -> None:
        """Each may be told alone; what is no scheme and no host is not taken."""
        for headers, base, forwarded in (
            ({}, "http://inside:5000", False),
            ({"proto": "https"}, "https://inside:5000", True),
            ({"proto": "HTTPS, http"}, "https://inside:5000", True),
            ({"proto": "ftp"}, "http://inside:5000", False),
            ({"host": "r.example"}, "http://r.example", True),
            ({"host": "r.example, inside"}, "http://r.example", True),
            ({"host": "[2001:db8::1]:8443"}, "http://[2001:db8::1]:8443", True),
            ({"host": "r.example/x"}, "http://inside:5000", False),
            ({"host": "r example"}, "http://inside:5000", False),
            ({"host": "r", "port": "8443"}, "http://r:8443", True),
            ({"host": "r:1", "port": "8443"}, "http://r:1", True),
            ({"host": "r", "port": "x"}, "http://r", True),
            ({"host": "r", "port": "443", "proto": "https"}, "https://r", True),
            ({"host": "r", "port": "80"}, "http://r", True),
            ({"port": "8443"}, "http://inside:5000", False),
        ):
            found = self.seen(**headers)
            self.assertEqual((found.base, found.forwarded), (base, forwarded))
        secure = Seen("10.0.0.5", True, "inside")
        self.assertEqual(self.seen(secure, host="r").base, "https://r")

    def test_the_client(self) -> None:
        """The last hop that is not one of the proxies, in the usual form."""
        for hops, peer in (
            ("", "10.0.0.5"),
            ("203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9", "203.0.113.9"),
            ("1.1.1.1, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
            ("10.0.0.8, 10.0.0.7", "10.0.0.8"),
            ("nonsense, 10.0.0.7", "10.0.0.7"),
            ("203.0.113.9, nonsense", "10.0.0.5"),
            ("2001:db8::7", "2001:db8::7"),
            ("2001:0DB8:0::7", "2001:db8::7"),
            ("::ffff:203.0.113.9", "203.0.113.9"),
            ("fe80::1%x y z", "fe80::1"),
            ("203.0.113.9, ::ffff:10.0.0.7", "203.0.113.9"),
            ("203.0.113.9%x", "10.0.0.5"),
        ):
            self.assertEqual(self.seen(**{"for": hops}).peer, peer, hops)

    def test_unix_and_mapped_addresses(self) -> None:
        """A proxy over a Unix socket, and one over IPv4 seen as IPv6."""
        local = Seen("unix", False, "a")
        found = self.seen(local, "unix", **{"for": "203.0.113.9", "proto": "https"})
        self.assertEqual(found, Seen("203.0.113.9", True, "a", True))
        mapped = Seen("::ffff:10.0.0.5", False, "a")
        self.assertTrue(self.seen(mapped, proto="https").secure)

    def test_nobody(self) -> None:
        """An empty list is false; one with a network or ``unix`` is not."""
        for texts, expected in (([], False), (["unix"], True), (["::/0"], True)):
            self.assertEqual(bool(TrustedProxies(texts)), expected)

    def test_what_is_no_address(self) -> None:
        """Is refused when it is configured."""
        self.assertRaises(ValueError, TrustedProxies, ["proxy.example"])
