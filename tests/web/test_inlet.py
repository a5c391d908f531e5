"""Long bodies by large pieces, on real sockets."""

import contextlib
import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pullthrough.web import inlet

LARGE = bytes(range(256)) * 4 * 1024  # 1 MiB


class Server(Protocol):
    """Reads nothing until it is told; then tells how much came at once."""

    def connectionMade(self) -> None:
        """Say so."""
        transport: Any = self.transport
        transport.pauseProducing()
        transport.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, len(LARGE))
        self.pieces: list[int] = []
        self.all: Deferred[list[int]] = Deferred()
        self.factory.made.callback(self)  # type: ignore[attr-defined]

    def dataReceived(self, data: bytes) -> None:
        """Note it."""
        self.pieces.append(len(data))
        if sum(self.pieces) == len(LARGE):
            self.all.callback(self.pieces)


class InletTests(TestCase):
    """A client that has sent more than is read at once."""

    @inlineCallbacks
    def setUp(self) -> Any:
        factory: Any = Factory.forProtocol(Server)
        factory.made = Deferred()
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = yield endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        self.client = socket.socket()
        self.addCleanup(self.client.close)
        self.client.connect(("127.0.0.1", port.getHost().port))
        self.server = yield factory.made
        self.addCleanup(self.server.transport.abortConnection)

    @inlineCallbacks
    def pieces(self) -> Any:
        """How much came at once, of what was there before anything was read."""
        sent = 0
        self.client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while sent < len(LARGE):
                sent += self.client.send(LARGE[sent:])
        self.server.transport.resumeProducing()
        self.client.setblocking(True)
        yield deferToThread(self.client.sendall, LARGE[sent:])
        found = yield self.server.all
        return found

    @inlineCallbacks
    def test_usually_little_at_once(self) -> Any:
        """Most bodies, and all heads, are short."""
        inlet.widen(self.server.transport, inlet.USUAL)
        found = yield self.pieces()
        self.assertEqual(max(found), inlet.USUAL)

    @inlineCallbacks
    def test_a_long_body(self) -> Any:
        """Also one whose length nobody knows."""
        for length in (inlet.USUAL + 1, None):
            inlet.narrow(self.server.transport)
            inlet.widen(self.server.transport, length)
            self.assertEqual(self.server.transport.bufferSize, inlet.WIDE)
        found = yield self.pieces()
        self.assertGreater(max(found), inlet.USUAL)

    def test_only_as_long_as_it_lasts(self) -> None:
        """What comes next is read as usual."""
        inlet.widen(self.server.transport, None)
        inlet.narrow(self.server.transport)
        self.assertEqual(self.server.transport.bufferSize, inlet.USUAL)

    def test_what_is_no_socket(self) -> None:
        """Is left alone."""
        transport = StringTransport()
        inlet.widen(transport, None)
        inlet.narrow(transport)
        self.assertFalse(hasattr(transport, "bufferSize"))
