"""What is said to egress proxies: CONNECT and SOCKS5, however the bytes are cut."""

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.upstream.connect import LARGEST_HEAD, Connect
from pullthrough.upstream.socks5 import Socks5
from pullthrough.upstream.tunnel import Greeting, Rejected


def talk(greeting: Greeting, data: bytes, step: int) -> tuple[bytes, bytes | None]:
    """Feed what a proxy says, ``step`` bytes at a time: what was sent, what is left."""
    sent = greeting.begin()
    for start in range(0, len(data), step):
        more, rest = greeting.receive(data[start : start + step])
        sent += more
        if rest is not None:
            return sent, rest + data[start + step :]
    return sent, None


class ConnectTests(SynchronousTestCase):
    """CONNECT."""

    def test_the_request(self) -> None:
        """The target, twice, and the credentials."""
        self.assertEqual(
            Connect("hub.test:443", "me", "pw").begin(),
            b"CONNECT hub.test:443 HTTP/1.1\r\nHost: hub.test:443\r\n"
            b"Proxy-Authorization: Basic bWU6cHc=\r\n\r\n",
        )
        self.assertNotIn(b"Proxy-", Connect("hub.test:443", "", "").begin())

    def test_connected(self) -> None:
        """Any 2xx; what comes behind belongs to the tunnel."""
        data = b"HTTP/1.0 200 Connection established\r\nVia: x\r\n\r\nTLS"
        for step in range(1, len(data) + 1):
            self.assertEqual(talk(Connect("a:1", "", ""), data, step)[1], b"TLS")

    def test_status_lines(self) -> None:
        """Only a whole one of the RFC says that it has connected."""
        for line, connected in (
            (b"HTTP/1.1 200", True),
            (b"HTTP/1.1 299 Gr\xfc\xdfe\there", True),
            (b"HTTP/1.1 2000 OK", False),
            (b"HTTP/1.1 200OK", False),
            (b"HTTP/1.1 200 \x00", False),
            (b"HTTP/2 200 OK", False),
        ):
            greeting = Connect("a:1", "", "")
            if connected:
                self.assertEqual(greeting.receive(line + b"\r\n\r\n"), (b"", b""))
            else:
                self.assertRaises(Rejected, greeting.receive, line + b"\r\n\r\n")

    def test_the_longest_head(self) -> None:
        """The same, whether it comes at once or in pieces."""
        start = b"HTTP/1.1 200 OK\r\nX: "
        for length, connected in ((LARGEST_HEAD, True), (LARGEST_HEAD + 1, False)):
            data = start + b"x" * (length - len(start) - 4) + b"\r\n\r\n"
            self.assertEqual(len(data), length)
            for step in (1000, length - 1, length):
                if connected:
                    rest = talk(Connect("a:1", "", ""), data, step)[1]
                    self.assertEqual(rest, b"")
                    continue
                with self.assertRaises(Rejected):
                    talk(Connect("a:1", "", ""), data, step)

    def test_refused(self) -> None:
        """What the proxy says, without credentials; no HTTP; too long."""
        for data, reason in (
            (b"HTTP/1.1 403 Filtered\r\n\r\n", "it answered 403 Filtered"),
            (b"HTTP/1.1 502\r\n\r\n", "it answered 502"),
            (b"HTTP/1.1 403 \tN\xf6\r\n\r\n", "it answered 403  N\ufffd"),
            (b"HTTP/1.1 407 Proxy auth\r\n\r\n", "it wants other credentials"),
            (b"SSH-2.0\r\n\r\n", "it does not answer as an HTTP proxy"),
            (b"x" * (LARGEST_HEAD + 1), "its answer is too long"),
        ):
            with self.assertRaises(Rejected) as caught:
                talk(Connect("a:1", "me", "hunter2"), data, len(data))
            self.assertTrue(str(caught.exception).startswith(reason))


class Socks5Tests(SynchronousTestCase):
    """SOCKS5."""

    def test_without_password(self) -> None:
        """The name goes to the proxy; every kind of bound address."""
        for bound in (
            b"\x01\x7f\0\0\1\0\x50",
            b"\x03\x04host\0\x50",
            b"\x04" + b"\0" * 16 + b"\0\x50",
        ):
            data = b"\x05\x00" + b"\x05\x00\x00" + bound + b"TLS"
            for step in range(1, len(data) + 1):
                sent, rest = talk(Socks5("hub.test", 443, "", ""), data, step)
                expected = b"\x05\x01\x00" + b"\x05\x01\x00\x03\x08hub.test\x01\xbb"
                self.assertEqual((sent, rest), (expected, b"TLS"))

    def test_with_password(self) -> None:
        """RFC 1929, when the proxy asks for it."""
        end = b"\x05\x00\x00\x01\0\0\0\0\0\0"
        greeting = Socks5("10.0.0.1", 80, "me", "pw")
        sent, rest = talk(greeting, b"\x05\x02" + b"\x01\x00" + end, 1)
        self.assertEqual(
            sent,
            b"\x05\x02\x02\x00" + b"\x01\x02me\x02pw\x05\x01\x00\x01\x0a\0\0\x01\0\x50",
        )
        self.assertEqual(rest, b"")
        greeting = Socks5("::1", 80, "me", "pw")
        sent, _ = talk(greeting, b"\x05\x00" + end, 99)
        self.assertTrue(sent.endswith(b"\x04" + b"\0" * 15 + b"\x01\0\x50"))

    def test_refused(self) -> None:
        """Each refusal by its name."""
        for data, reason in (
            (b"\x05\xff", "it wants other credentials"),
            (b"\x05\x02\x01\x01", "it refused our credentials"),
            (b"HT", "it does not answer as a SOCKS5 proxy"),
            (b"\x05\x00\x04\x00\x00\x01", "it does not answer as a SOCKS5"),
            (b"\x05\x00\x05\x05\x00\x01", "connection refused"),
            (b"\x05\x00\x05\x02\x00\x01", "not allowed by its rules"),
            (b"\x05\x00\x05\x77\x00\x01", "reply 119"),
        ):
            with self.assertRaises(Rejected) as caught:
                talk(Socks5("a", 1, "me", "pw"), data, 1)
            self.assertTrue(str(caught.exception).startswith(reason), reason)

    def test_too_long(self) -> None:
        """What SOCKS cannot carry is refused before anything is sent."""
        for host, user, password in (
            ("x" * 256, "", ""),
            ("a", "u" * 256, "p"),
            ("a", "u", ""),
        ):
            self.assertRaises(ValueError, Socks5, host, 1, user, password)
