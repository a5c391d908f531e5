"""Bytes that go straight to the socket, on real sockets."""

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from pullthrough.web import outlet
from tests.support.wire import Wire

LARGE = bytes(range(256)) * 1024 * 32  # 8 MiB: no socket takes that at once


class Server(Protocol):
    """Tells when it is connected."""

    def connectionMade(self) -> None:
        """Say so."""
        self.factory.made.callback(self)  # type: ignore[attr-defined]


class OutletTests(TestCase):
    """A client that reads later."""

    @inlineCallbacks
    def setUp(self) -> Any:
        factory: Any = Factory.forProtocol(Server)
        factory.made = Deferred()
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = yield endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        self.client = socket.create_connection(("127.0.0.1", port.getHost().port))
        self.addCleanup(self.client.close)
        server = yield factory.made
        self.transport = server.transport

    @inlineCallbacks
    def read(self, size: int) -> Any:
        """What the client gets, in a thread while the reactor goes on."""
        from twisted.internet.threads import deferToThread

        def take() -> bytes:
            pieces: list[bytes] = []
            while sum(map(len, pieces)) < size:
                pieces.append(self.client.recv(1 << 20))
            return b"".join(pieces)

        found = yield deferToThread(take)
        return found

    def test_the_names_are_there(self) -> None:
        """What is used of Twisted's is where it was."""
        for name in ("dataBuffer", "offset", "_tempDataBuffer", "TLS", "socket"):
            self.assertTrue(hasattr(self.transport, name), name)

    def test_at_once(self) -> None:
        """It is with the client before the reactor turns."""
        outlet.write(self.transport, b"hello")
        self.assertEqual(self.transport._tempDataBuffer, [])
        self.assertEqual(self.client.recv(9), b"hello")

    @inlineCallbacks
    def test_what_does_not_fit(self) -> Any:
        """The rest goes out later, and nothing overtakes it."""
        self.patch(outlet, "MOST", len(LARGE))
        for data in (LARGE, b"second", LARGE, b"fourth"):
            outlet.write(self.transport, data)
        self.assertNotEqual(self.transport._tempDataBuffer, [])
        found = yield self.read(2 * len(LARGE) + 12)
        self.assertEqual(found, LARGE + b"second" + LARGE + b"fourth")

    @inlineCallbacks
    def test_closed_behind_it(self) -> Any:
        """What does not fit is sent before the connection closes."""
        self.patch(outlet, "MOST", len(LARGE))
        outlet.write(self.transport, LARGE)
        self.transport.loseConnection()
        found = yield self.read(len(LARGE))
        self.assertEqual(found, LARGE)
        self.assertEqual(self.client.recv(9), b"")

    def test_another_transport(self) -> None:
        """Whatever is no plain socket is written to as ever."""
        wire = Wire(Protocol())
        outlet.write(wire, b"x")
        self.assertEqual(wire.take(), b"x")
        self.assertIsNone(outlet.socket_of(wire))
        self.assertIs(outlet.socket_of(self.transport), self.transport.socket)

    def test_a_client_that_is_gone(self) -> None:
        """The transport finds out, in its own time; nothing is raised."""
        self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.client.close()
        outlet.write(self.transport, b"x")
        outlet.write(self.transport, b"y")
        gone: Deferred[None] = Deferred()
        self.transport.protocol.connectionLost = lambda reason: gone.callback(None)
        return gone  # type: ignore[return-value]
