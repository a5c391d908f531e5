"""A transport in memory that the test holds both ends of."""

from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(ITransport)
class Wire:
    """What a protocol writes is collected; what it asks for is remembered.

    :ivar full: while true, a producer is paused after each write.
    """

    def __init__(self, protocol: Protocol, half_close: bool = True) -> None:
        self.protocol: Any = protocol
        self.sent = b""
        self.reading = True
        self.closed = False
        self.aborted = False
        self.half_closed = False
        self.full = False
        self.producer: Any = None
        if half_close:
            self.loseWriteConnection = self._lose_write
        self.protocol.makeConnection(self)

    # -- the test's end --

    def receive(self, data: bytes) -> None:
        """The peer has sent bytes."""
        assert not self.closed
        self.protocol.dataReceived(data)

    def drained(self) -> None:
        """The peer has read everything."""
        if self.producer is not None:
            self.producer.resumeProducing()

    def leave(self) -> None:
        """The peer is gone."""
        if not self.closed:
            self.closed = True
            self.protocol.connectionLost(Failure(ConnectionDone()))

    def take(self) -> bytes:
        """What was sent since the last time."""
        sent, self.sent = self.sent, b""
        return sent

    # -- the protocol's end --

    def write(self, data: bytes) -> None:
        """Collect it."""
        assert not self.half_closed
        self.sent += data
        if self.full and self.producer is not None:
            self.producer.pauseProducing()

    def writeSequence(self, data: Any) -> None:
        """Collect them."""
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """One at a time."""
        assert self.producer is None
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        """None any more."""
        self.producer = None

    def pauseProducing(self) -> None:
        """Nothing is read."""
        self.reading = False

    def resumeProducing(self) -> None:
        """Bytes are read again."""
        self.reading = True

    def _lose_write(self) -> None:
        self.half_closed = True

    def loseConnection(self) -> None:
        """Close after what was written."""
        self.leave()

    def abortConnection(self) -> None:
        """Close at once."""
        self.aborted = True
        self.leave()

    def getPeer(self) -> IPv4Address:
        """A client."""
        return IPv4Address("TCP", "192.0.2.7", 40000)

    def getHost(self) -> IPv4Address:
        """Us."""
        return IPv4Address("TCP", "192.0.2.1", 5000)
