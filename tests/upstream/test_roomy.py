"""Connections that read more at once."""

from types import SimpleNamespace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.tcp import Connection
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import TestCase

from pullthrough.upstream.roomy import ROOM, RoomyEndpoint


class Closing(Protocol):
    """Tells when it is over."""

    def __init__(self) -> None:
        self.closed: Deferred[None] = Deferred()

    def connectionLost(self, reason: Any = None) -> None:
        """It is."""
        self.closed.callback(None)


class RoomyTests(TestCase):
    """On a real socket, and where there is none."""

    async def connect(self, factory: Any) -> Any:
        """A protocol, connected."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        listener: Any = Factory.forProtocol(Closing)
        port = await endpoint.listen(listener)
        self.addCleanup(port.stopListening)
        to = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        return await RoomyEndpoint(to).connect(factory)

    async def test_a_socket(self) -> None:
        """It reads so much at once."""
        protocol = await self.connect(Factory.forProtocol(Closing))
        self.assertEqual(protocol.transport.bufferSize, ROOM)
        protocol.transport.loseConnection()
        await protocol.closed

    async def test_below_a_wrapper(self) -> None:
        """What lies above, such as TLS, changes nothing."""
        wrapper = await self.connect(WrappingFactory(Factory.forProtocol(Closing)))
        self.assertEqual(wrapper.transport.bufferSize, ROOM)
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

    def test_no_socket(self) -> None:
        """Nothing happens."""

        class Nowhere:
            def connect(self, factory: Any) -> Any:
                return succeed(Protocol())

        made = self.successResultOf(RoomyEndpoint(Nowhere()).connect(Factory()))  # type: ignore[arg-type]
        self.assertIsNone(made.transport)
