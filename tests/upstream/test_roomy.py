"""Connections that read more at once, and rest between."""

from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.tcp import Connection
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase, TestCase

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

        socket = SimpleNamespace(recv=recv)
        reading: Any = SimpleNamespace(
            socket=socket, bufferSize=ROOM, _dataReceived=lambda data: None
        )
        Connection.doRead(reading)
        self.assertEqual(asked, [ROOM])


class AtOnce:
    """An endpoint that is connected at once, in memory."""

    def connect(self, factory: Any) -> Any:
        """A wire."""
        protocol = factory.buildProtocol(None)
        self.wire = Wire(protocol)
        made: Deferred[Any] = Deferred()
        made.callback(protocol)
        return made


class RestTests(SynchronousTestCase):
    """A clock, and a wire that shows whether it is read."""

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

    def flow(self, seconds: float = 0.004) -> None:
        """What comes before the first rest."""
        self.come(PIECE, seconds, EDGE // PIECE)
        self.assertTrue(self.wire.reading)

    def resting(self) -> bool:
        """Whether it rests."""
        return not self.wire.reading and bool(self.clock.getDelayedCalls())

    def test_where_a_lot_comes(self) -> None:
        """As long as it takes until a read is full, and no longer."""
        self.flow()  # at 16 MB a second
        self.come(PIECE, 0.004)
        self.assertTrue(self.resting())
        self.clock.advance(LONGEST * 0.99)
        self.assertTrue(self.resting())
        self.clock.advance(LONGEST * 0.02)
        self.assertTrue(self.wire.reading)
        self.come(3 * PIECE, 0)
        self.assertTrue(self.resting())
        self.clock.advance(LONGEST)
        self.assertEqual(self.reader.come, EDGE + 4 * PIECE)

    def test_a_faster_flow(self) -> None:
        """Shorter rests; and none where reads are full anyhow."""
        self.flow(0.001)
        self.come(PIECE, 0.001)
        self.assertTrue(self.resting())
        self.clock.advance(0.0041)
        self.assertTrue(self.wire.reading)
        self.come(ROOM, 0.001, 10)
        self.assertTrue(self.wire.reading)
        self.come(PIECE, 0.001)
        self.assertTrue(self.wire.reading)

    def test_small_answers(self) -> None:
        """They never wait, however many there are on one connection."""
        for _ in range(10):
            self.reader.transport.write(b"GET /v2/ HTTP/1.1\r\n\r\n")
            self.come(PIECE, 0.004, EDGE // PIECE)
            self.assertTrue(self.wire.reading)

    def test_after_a_gap(self) -> None:
        """It is another flow."""
        self.flow()
        self.come(PIECE, GAP * 1.01)
        self.assertTrue(self.wire.reading)

    def test_a_request_ends_it(self) -> None:
        """Its answer is waited for."""
        self.flow()
        self.come(PIECE, 0.004)
        self.assertTrue(self.resting())
        self.reader.transport.write(b"GET /v2/ HTTP/1.1\r\n\r\n")
        self.assertTrue(self.wire.reading)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_while_the_reader_has_enough(self) -> None:
        """A rest that ends does not go on reading; the reader does, when no rest is."""
        self.flow()
        self.come(PIECE, 0.004)
        self.reader.transport.pauseProducing()
        self.clock.advance(LONGEST)
        self.assertFalse(self.wire.reading)
        self.reader.transport.resumeProducing()
        self.assertTrue(self.wire.reading)
        self.come(PIECE, 0.004)
        self.reader.transport.pauseProducing()
        self.reader.transport.resumeProducing()
        self.assertTrue(self.resting())
        self.clock.advance(LONGEST)
        self.assertTrue(self.wire.reading)

    def test_held_by_what_came(self) -> None:
        """Then it does not rest: it is held already."""
        self.flow()
        reader = self.reader
        real = reader.dataReceived
        reader.dataReceived = lambda data: (
            real(data),
            reader.transport.pauseProducing(),
        )
        self.come(PIECE, 0.004)
        self.assertFalse(self.wire.reading)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_the_end(self) -> None:
        """Nothing ticks on."""
        self.flow()
        self.come(PIECE, 0.004)
        self.wire.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.successResultOf(self.reader.closed)
