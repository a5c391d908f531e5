"""Caps on connections, in all and by address."""

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.web.crowd import Crowd
from pullthrough.web.exchange import IExchange
from pullthrough.web.listener import Listener


async def answer(exchange: IExchange) -> None:
    """Say that it works."""
    exchange.answer(200, [], b"yes")


class CrowdTests(SynchronousTestCase):
    """Who is let in."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.crowd = Crowd(4, 2, TrustedProxies(("192.0.2.9",)))
        self.listeners = [
            Listener(answer, self.clock, secure, crowd=self.crowd)
            for secure in (False, True)
        ]

    def come(self, address: str, secure: bool = False) -> StringTransport:
        """One more connection, and a request on it."""
        where = IPv4Address("TCP", address, 4711)
        transport = StringTransport(peerAddress=where)
        protocol = self.listeners[secure].buildProtocol(where)
        assert protocol is not None
        protocol.makeConnection(transport)
        protocol.dataReceived(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.protocols = [*getattr(self, "protocols", []), protocol]
        return transport

    def go(self, index: int) -> None:
        """A client leaves."""
        self.protocols[index].connectionLost()  # type: ignore[call-arg]

    def served(self, address: str) -> bool:
        """Whether it is served; the other answer says when to come back."""
        transport = self.come(address)
        said = transport.value()
        if said.endswith(b"yes"):
            return True
        self.assertTrue(said.startswith(b"HTTP/1.1 503 "), said)
        self.assertIn(b"Retry-After: 5\r\n", said)
        self.assertTrue(transport.disconnecting)
        return False

    def test_by_address(self) -> None:
        """Two at once, over all connectors; who leaves makes room; trusted proxies
        bring more."""
        self.assertTrue(self.served("192.0.2.1"))
        self.come("192.0.2.1", secure=True)
        self.assertFalse(self.served("192.0.2.1"))
        self.assertTrue(self.served("192.0.2.2"))
        self.go(0)
        self.assertTrue(self.served("192.0.2.1"))
        for index in range(1, len(self.protocols)):
            self.go(index)
        self.assertEqual(self.crowd.count, 0)
        for _ in range(4):
            self.assertTrue(self.served("192.0.2.9"))
        self.assertFalse(self.served("192.0.2.9"))
        self.assertEqual(self.crowd.refused, 2)

    def test_in_all(self) -> None:
        """Four at once; on a TLS connector the next one is cut off."""
        for number in range(4):
            self.assertTrue(self.served(f"192.0.2.{number}"))
        self.assertFalse(self.served("192.0.2.8"))
        transport = self.come("192.0.2.8", secure=True)
        self.assertEqual(transport.value(), b"")
        self.assertTrue(transport.disconnecting or transport.disconnected)
