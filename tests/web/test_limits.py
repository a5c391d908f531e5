"""The figures of docs/limits.md for the wire, at their very edges."""

import tempfile
from pathlib import Path

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.ops.ports import with_tls
from pullthrough.spec.errorcodes import InvalidText
from pullthrough.spec.routes import parse_query
from pullthrough.web.exchange import IExchange
from pullthrough.web.listener import Listener
from tests.support.pki import Authority
from tests.support.wire import Wire


async def hello(exchange: IExchange) -> None:
    """The simplest application."""
    exchange.answer(200, [], b"hello")


class WireTests(SynchronousTestCase):
    """A connection in memory."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.listener = Listener(hello, self.clock)

    def connect(self) -> Wire:
        """A client connects."""
        return Wire(self.listener.buildProtocol(None))  # type: ignore[arg-type]

    def wait(self, seconds: float) -> None:
        """Let time pass, second by second."""
        self.clock.pump([1.0] * int(seconds))

    def status(self, request: bytes) -> int:
        """What is answered to a request."""
        wire = self.connect()
        wire.receive(request)
        said = wire.take()
        wire.leave()
        return int(said.split(b" ")[1])

    def head(self, count: int = 0, size: int = 0) -> bytes:
        """A head with so many headers, of so many bytes in all."""
        lines = ["GET / HTTP/1.1", "Host: a"]
        lines += [f"X{number}: y" for number in range(count - 1)]
        made = "\r\n".join([*lines, "", ""])
        host = "a" * max(1, size - len(made) + 1)
        return made.replace("Host: a", f"Host: {host}", 1).encode()

    def test_headers(self) -> None:
        """A hundred."""
        self.assertEqual(self.status(self.head(100)), 200)
        self.assertEqual(self.status(self.head(101)), 431)

    def test_a_head(self) -> None:
        """16 KiB with the empty line, also where its end is still to come."""
        largest = 16 * 1024
        self.assertEqual(self.status(self.head(1, largest)), 200)
        self.assertEqual(self.status(self.head(1, largest + 1)), 431)
        self.assertEqual(self.status(b"x" * largest), 431)

    def test_a_target(self) -> None:
        """8 KiB."""
        for size, status in ((8192, 200), (8193, 414)):
            target = b"/".ljust(size, b"a")
            request = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n"
            self.assertEqual(self.status(request), status)

    def test_the_time_of_a_head(self) -> None:
        """Ten seconds in all, from the first byte of the connection, or of the head on
        one that is kept; bytes that come meanwhile win nothing."""
        wire = self.connect()
        for byte in self.head(1)[:9]:
            wire.receive(bytes([byte]))
            self.wait(1)
        self.assertEqual(wire.sent, b"")
        wire.receive(b"T")
        self.wait(1)
        self.assertTrue(wire.take().startswith(b"HTTP/1.1 408 "))

    def test_idle(self) -> None:
        """A minute between two requests, then it is closed without a word."""
        wire = self.connect()
        wire.receive(self.head(1))
        wire.take()
        self.wait(59)
        self.assertFalse(wire.closed)
        self.wait(1)
        self.assertTrue(wire.closed)
        self.assertEqual(wire.take(), b"")

    def test_requests(self) -> None:
        """A thousand on one connection; the last answer says so."""
        wire = self.connect()
        for _ in range(999):
            wire.receive(self.head(1))
        self.assertNotIn(b"Connection: close", wire.take())
        self.assertFalse(wire.closed)
        wire.receive(self.head(1))
        said = wire.take()
        self.assertTrue(said.startswith(b"HTTP/1.1 200 "))
        self.assertIn(b"\r\nConnection: close\r\n", said)
        self.assertTrue(wire.closed or wire.half_closed)


class QueryTests(SynchronousTestCase):
    """What stands behind the path."""

    def test_parameters(self) -> None:
        """A hundred."""
        self.assertEqual(len(parse_query("&".join(["a=b"] * 100))["a"]), 100)
        with self.assertRaises(InvalidText):
            parse_query("&".join(["a=b"] * 101))


class Socket(StringTransport):
    """One of TCP."""

    aborted = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """It is all the same here."""

    def abortConnection(self) -> None:
        """Cut off."""
        self.aborted = True


class HandshakeTests(SynchronousTestCase):
    """TLS."""

    def test_the_time_of_a_handshake(self) -> None:
        """Ten seconds, together with the first head; whoever says nothing, or only
        begins, is cut off."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        Authority(Path(folder.name)).issue("registry.test")
        certificate = Path(folder.name) / "registry.test.crt"
        key = Path(folder.name) / "registry.test.key"
        for said in (b"", b"\x16\x03\x01\x02\x00\x01"):
            clock = Clock()
            listener = Listener(hello, clock, secure=True)
            factory = with_tls(certificate, key, clock)(listener)
            where = IPv4Address("TCP", "192.0.2.7", 4711)
            protocol = factory.buildProtocol(where)
            assert protocol is not None
            transport = Socket(peerAddress=where)
            protocol.makeConnection(transport)
            if said:
                protocol.dataReceived(said)
            clock.pump([1.0] * 9)
            self.assertFalse(transport.aborted)
            clock.pump([1.0] * 2)
            self.assertTrue(transport.aborted)
