"""Connections from proxies: the header first, and the client that it tells."""

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.ops.proxyprotocol import HEADER_TIME, ProxyProtocol
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.spec.proxyheader import SIGNATURE
from tests.support.proxyheaders import binary, line

PROXY = IPv4Address("TCP", "10.0.0.5", 40000)
STRANGER = IPv4Address("TCP", "192.0.2.7", 40000)
TOLD = line("TCP4 203.0.113.9 10.0.0.1 50000 5000")


class Behind(Protocol):
    """What speaks behind the header: it remembers."""

    def __init__(self, addr: IAddress | None) -> None:
        self.addr = addr
        self.read = b""
        self.lost = 0

    def connectionMade(self) -> None:
        """Who has come, as the transport tells it."""
        assert self.transport is not None
        self.peer = self.transport.getPeer()
        self.host = self.transport.getHost()

    def dataReceived(self, data: bytes) -> None:
        """Remember it."""
        self.read += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Count it."""
        self.lost += 1


class BehindFactory(Factory):
    """Makes them, unless it has closed."""

    noisy = False

    def __init__(self) -> None:
        self.made: list[Behind] = []
        self.closed = False

    def buildProtocol(self, addr: IAddress | None) -> Behind | None:
        """One more."""
        if self.closed:
            return None
        self.made.append(Behind(addr))
        return self.made[-1]


class ProxyProtocolTests(SynchronousTestCase):
    """From which addresses it is wanted, and what it changes."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.behind = BehindFactory()
        proxies = TrustedProxies(["10.0.0.0/8", "unix"])
        self.factory = ProxyProtocol(proxies, self.behind, self.clock)

    def tearDown(self) -> None:
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def connect(self, addr: IAddress) -> tuple[Protocol, StringTransport]:
        """A connection from there."""
        protocol = self.factory.buildProtocol(addr)
        transport = StringTransport(peerAddress=addr)
        protocol.makeConnection(transport)
        return protocol, transport

    def test_the_client(self) -> None:
        """Who is told is the peer, in whatever pieces the header comes; the rest
        is handed on."""
        told = (
            (TOLD, IPv4Address("TCP", "203.0.113.9", 50000), "10.0.0.1"),
            (
                binary(0x21, "2001:db8:0::1", "2001:db8::2"),
                IPv6Address("TCP", "2001:db8::1", 40000),
                "2001:db8::2",
            ),
        )
        for header, peer, host in told:
            for size in (1, 7, 1000):
                protocol, transport = self.connect(PROXY)
                sent = header + b"GET /"
                for start in range(0, len(sent), size):
                    protocol.dataReceived(sent[start : start + size])
                behind = self.behind.made[-1]
                self.assertEqual((behind.addr, behind.peer), (peer, peer))
                self.assertEqual(behind.host.host, host)
                self.assertEqual(behind.read, b"GET /")
                assert behind.transport is not None
                behind.transport.write(b"answer")
                self.assertEqual(transport.value(), b"answer")
                protocol.connectionLost(connectionDone)
                self.assertEqual(behind.lost, 1)

    def test_the_proxy_itself(self) -> None:
        """Its own checks are its own connections, and so are those of its machine: its
        loopback is not ours."""
        for header in (
            line("UNKNOWN"),
            SIGNATURE + b"\x20\x00\x00\x00",
            line("TCP4 127.0.0.1 10.0.0.1 50000 5000"),
            line("TCP6 ::ffff:127.0.0.1 ::1 50000 5000"),
        ):
            protocol, _ = self.connect(PROXY)
            protocol.dataReceived(header)
            behind = self.behind.made[-1]
            self.assertEqual((behind.addr, behind.peer), (PROXY, PROXY))

    def test_strangers(self) -> None:
        """From anybody else a header is what it is: bytes for whoever is behind."""
        protocol, _ = self.connect(STRANGER)
        protocol.dataReceived(TOLD)
        behind = self.behind.made[-1]
        self.assertEqual((behind.peer, behind.read), (STRANGER, TOLD))
        self.factory = ProxyProtocol(
            TrustedProxies(["10.0.0.0/8"]), self.behind, self.clock
        )
        self.assertIsInstance(self.factory.buildProtocol(UNIXAddress(None)), Behind)

    def test_a_unix_socket(self) -> None:
        """Those that come over one are named ``unix``."""
        protocol, _ = self.connect(UNIXAddress(None))
        protocol.dataReceived(TOLD)
        self.assertEqual(self.behind.made[-1].peer.host, "203.0.113.9")

    def test_no_header(self) -> None:
        """Closed without an answer; nobody behind it has heard of it."""
        for data in (b"GET /v2/ HTTP/1.1\r\n\r\n", line("TCP4 x y 1 2"), b"\x16\x03"):
            protocol, transport = self.connect(PROXY)
            protocol.dataReceived(data)
            self.assertTrue(transport.disconnected)
            protocol.connectionLost(connectionDone)
            self.assertEqual((transport.value(), self.behind.made), (b"", []))

    def test_nothing_comes(self) -> None:
        """Closed when the time for the header is over, also in the middle of it."""
        for part in (b"", TOLD[:9]):
            protocol, transport = self.connect(PROXY)
            if part:
                protocol.dataReceived(part)
            self.clock.advance(HEADER_TIME - 1)
            self.assertFalse(transport.disconnected)
            self.clock.advance(1)
            self.assertTrue(transport.disconnected)
            protocol.connectionLost(connectionDone)
        protocol, _ = self.connect(PROXY)
        protocol.connectionLost(connectionDone)
        self.assertEqual(self.behind.made, [])

    def test_nobody_behind(self) -> None:
        """A factory that makes none ends the connection."""
        protocol, transport = self.connect(PROXY)
        self.behind.closed = True
        protocol.dataReceived(TOLD)
        self.assertTrue(transport.disconnected)
