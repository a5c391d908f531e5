"""Connections that read more at once, and are woken for a lot."""

import socket
from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import ISystemHandle
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer

from pullthrough.upstream.roomy import EDGE, GAP, LONGEST, ROOM, RoomyEndpoint
from tests.support.wire import Wire

PIECE = 64 * 1024


class Closing(Protocol):
    """Tells what has come, and when it is over."""

    def __init__(self) -> None:
        self.come = 0
        self.closed: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Count."""
        self.come += len(data)

    def connectionLost(self, reason: Any = None) -> None:
        """It is over."""
        self.closed.callback(None)


class SocketTests(TestCase):
    """On a real socket."""

    async def connect(self, factory: Any) -> Any:
        """A protocol, connected."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        listener: Any = Factory.forProtocol(Closing)
        port = await endpoint.listen(listener)
        self.addCleanup(port.stopListening)
        to = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        return await RoomyEndpoint(to, reactor).connect(factory)  # type: ignore[arg-type]

    async def test_how_much(self) -> None:
        """It reads so much at once."""
        protocol = await self.connect(Factory.forProtocol(Closing))
        self.assertEqual(protocol.transport.transport.bufferSize, ROOM)
        protocol.transport.loseConnection()
        await protocol.closed

    async def test_below_a_wrapper(self) -> None:
        """What lies above, such as TLS, changes nothing."""
        wrapper = await self.connect(WrappingFactory(Factory.forProtocol(Closing)))
        self.assertEqual(wrapper.transport.transport.bufferSize, ROOM)
        wrapper.transport.loseConnection()
        await wrapper.wrappedProtocol.closed

    def test_that_is_how_much_twisted_reads(self) -> None:
        """The name has not moved."""
        asked: list[int] = []

        def recv(count: int) -> bytes:
            asked.append(count)
            return b"x"

        reading: Any = SimpleNamespace(
            socket=SimpleNamespace(recv=recv),
            bufferSize=ROOM,
            _dataReceived=lambda data: None,
        )
        Connection.doRead(reading)
        self.assertEqual(asked, [ROOM])

    async def test_the_socket_is_told(self) -> None:
        """Where a lot comes, the system wakes us for a lot, and has room for it."""
        protocol = await self.connect(Factory.forProtocol(Closing))
        roomy = protocol.transport
        handle = roomy.transport.getHandle()
        for _ in range(EDGE // PIECE + 1):
            roomy.dataReceived(b"x" * PIECE)
        least = handle.getsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        self.assertEqual(least, ROOM)
        room = handle.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
        self.assertGreaterEqual(room, 2 * ROOM)
        roomy.loseConnection()
        await protocol.closed


@implementer(ISystemHandle)
class Handle(Wire):
    """A wire with a socket that remembers with how many bytes it wakes."""

    least = 1

    def getHandle(self) -> "Handle":
        """The socket."""
        assert not self.closed
        return self

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """See :meth:`socket.socket.setsockopt`."""
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_RCVLOWAT)
        self.least = value


class AtOnce:
    """An endpoint that is connected at once, in memory."""

    def connect(self, factory: Any) -> Any:
        """A wire."""
        protocol = factory.buildProtocol(None)
        self.wire = Handle(protocol)
        made: Deferred[Any] = Deferred()
        made.callback(protocol)
        return made


class WakeTests(SynchronousTestCase):
    """A clock, and a wire that shows with how many bytes it wakes."""

    def setUp(self) -> None:
        self.clock = Clock()
        endpoint = AtOnce()
        connecting = RoomyEndpoint(endpoint, self.clock).connect(  # type: ignore[arg-type]
            Factory.forProtocol(Closing)
        )
        self.reader: Any = self.successResultOf(connecting)
        self.wire = endpoint.wire

    def come(self, size: int, seconds: float, times: int = 1) -> None:
        """So many pieces, each so many seconds after the other."""
        for _ in range(times):
            self.clock.advance(seconds)
            self.wire.receive(b"x" * size)

    def flow(self) -> None:
        """What comes before the first rest."""
        self.come(PIECE, 0.004, EDGE // PIECE)
        self.assertEqual(self.wire.least, 1)

    def test_where_a_lot_comes(self) -> None:
        """It wakes for as much as one read takes."""
        self.flow()
        self.come(PIECE, 0.004)
        self.assertEqual(self.wire.least, ROOM)
        self.come(ROOM, LONGEST * 0.9, 20)
        self.assertEqual(self.wire.least, ROOM)
        self.assertEqual(self.reader.come, EDGE + PIECE + 20 * ROOM)

    def test_it_never_stops_reading(self) -> None:
        """A sender is not made to wait for us: its window is the system's affair."""
        self.flow()
        self.come(PIECE, 0.004, 10)
        self.assertTrue(self.wire.reading)

    def test_what_is_less(self) -> None:
        """It is looked for after a while, counted from what came last."""
        self.flow()
        self.come(PIECE, 0.004)
        self.clock.advance(LONGEST * 0.75)
        self.wire.receive(b"x" * ROOM)
        self.clock.advance(LONGEST * 0.75)
        self.assertEqual(self.wire.least, ROOM)
        self.clock.advance(LONGEST * 0.26)
        self.assertEqual(self.wire.least, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.wire.receive(b"x")
        self.assertEqual(self.wire.least, ROOM)
        self.clock.advance(LONGEST)
        self.assertEqual(self.wire.least, 1)

    def test_small_answers(self) -> None:
        """They never wait, however many there are on one connection."""
        for _ in range(10):
            self.reader.transport.write(b"GET /v2/ HTTP/1.1\r\n\r\n")
            self.come(PIECE, 0.004, EDGE // PIECE)
            self.assertEqual(self.wire.least, 1)

    def test_after_a_gap(self) -> None:
        """It is another flow."""
        self.flow()
        self.come(PIECE, GAP * 1.01)
        self.assertEqual(self.wire.least, 1)

    def test_a_request_ends_it(self) -> None:
        """Its answer is waited for."""
        self.flow()
        self.come(PIECE, 0.004)
        self.reader.transport.write(b"GET /v2/ HTTP/1.1\r\n\r\n")
        self.assertEqual(self.wire.least, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_reader_that_has_enough(self) -> None:
        """It holds the wire, as it would without us."""
        self.flow()
        self.come(PIECE, 0.004)
        self.reader.transport.pauseProducing()
        self.clock.advance(LONGEST)
        self.assertFalse(self.wire.reading)
        self.reader.transport.resumeProducing()
        self.assertTrue(self.wire.reading)

    def test_the_end(self) -> None:
        """Nothing ticks on, and nobody touches the socket any more."""
        self.flow()
        self.come(PIECE, 0.004)
        self.wire.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(self.reader.closed)
        self.reader.transport.write(b"GET /v2/ HTTP/1.1\r\n\r\n")

    def test_the_end_within_what_came(self) -> None:
        """Nor does it begin then."""
        self.flow()
        real = self.reader.dataReceived
        self.reader.dataReceived = lambda data: (
            real(data),
            self.wire.protocol.connectionLost(),
        )
        self.come(PIECE, 0.004)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_without_a_socket(self) -> None:
        """Everything goes on as it comes."""
        protocol = Closing()
        factory: Any = Factory()
        factory.buildProtocol = lambda addr: protocol
        endpoint: Any = SimpleNamespace(connect=self.connect_bare)
        RoomyEndpoint(endpoint, self.clock).connect(factory)
        self.wire = self.bare
        self.come(PIECE, 0.004, 2 * EDGE // PIECE)
        self.assertEqual(protocol.come, 2 * EDGE)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def connect_bare(self, factory: Any) -> Any:
        """A wire that is no socket's."""
        wrapper = factory.buildProtocol(None)
        self.bare: Any = Wire(wrapper)
        return succeed(wrapper)
