"""Lines in memory: one end is a transport, the other does what the test says."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any

from twisted.internet import error
from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IDelayedCall, ITCPTransport
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

#: Seconds that everything takes to arrive.
LATENCY = 0.001


class End(Enum):
    """How the far end ends a line."""

    CLOSE = "close"
    RESET = "reset"


class Dial(Enum):
    """What becomes of a connection that is tried, or of a name that is looked up."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    SILENT = "silent"
    UNKNOWN = "no such name"
    MUTE = "the resolver does not answer"


#: What the far end does, one after the other: send bytes, wait seconds, end. When
#: nothing is left it is silent.
Step = bytes | float | End
Steps = Iterable[Step]


class Host:
    """A machine at an address.

    :ivar dial: what becomes of connections, and of its name.
    :ivar slow: seconds more that it takes to accept one.
    :ivar accepted: called with each new line; sets its ``received``.
    """

    def __init__(self, name: str, address: str, accepted: "Callable[[Line], None]"):
        self.name = name
        self.address = address
        self.accepted = accepted
        self.dial = Dial.ACCEPT
        self.slow = 0.0
        self.lines: list[Line] = []

    def hang_up(self) -> None:
        """Close all lines at once."""
        for line in list(self.lines):
            line.lost(error.ConnectionDone())


@implementer(ITCPTransport)
class Line:
    """A connection: the near end is a transport, the far end does its steps.

    :ivar received: called with the bytes that come to the far end.
    """

    def __init__(self, network: Clock, host: Host, protocol: Any) -> None:
        self._network = network
        self.host = host
        self._protocol = protocol
        self.received: Callable[[bytes], None] = lambda data: None
        self._runs: deque[Iterator[Step]] = deque()
        self._next: Step | None = None
        self._timer: IDelayedCall | None = None
        self._reading = True
        self._leaving = False
        self.closed = False

    # -- the far end --

    def run(self, steps: Steps) -> None:
        """Do these steps once those before are done."""
        if not self.closed:
            self._runs.append(iter(steps))
            self._go_on()

    def lost(self, reason: Exception) -> None:
        """Both ends are told that it is over."""
        if self.closed:
            return
        self.closed = True
        self._runs.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.host.lines.remove(self)
        self._protocol.connectionLost(Failure(reason))

    def _step(self) -> Step | None:
        while self._next is None and self._runs:
            self._next = next(self._runs[0], None)
            if self._next is None:
                self._runs.popleft()
        return self._next

    def _go_on(self) -> None:
        if self._timer is not None or self.closed or self._leaving:
            return
        step = self._step()
        waits = isinstance(step, float)
        # Nobody reads: bytes, and the end behind them, wait in the line.
        if step is None or not (self._reading or waits):
            return
        delay = step if isinstance(step, float) else LATENCY
        self._timer = self._network.callLater(delay, self._arrive)

    def _arrive(self) -> None:
        self._timer = None
        step = self._next
        if not isinstance(step, float) and not self._reading:
            return
        self._next = None
        if step is End.CLOSE:
            self.lost(error.ConnectionDone())
        elif step is End.RESET:
            self.lost(error.ConnectionLost())
        elif isinstance(step, bytes):
            self._protocol.dataReceived(step)
        self._go_on()

    # -- the near end: ITCPTransport, as far as an HTTP client needs it --

    def write(self, data: bytes) -> None:
        """See :meth:`ITransport.write`."""
        if not (self.closed or self._leaving):
            self.received(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """See :meth:`ITransport.writeSequence`."""
        self.write(b"".join(data))

    def loseConnection(self) -> None:
        """See :meth:`ITransport.loseConnection`."""
        self._leave(error.ConnectionDone())

    def abortConnection(self) -> None:
        """See :meth:`ITCPTransport.abortConnection`."""
        self._leave(error.ConnectionAborted())

    def _leave(self, reason: Exception) -> None:
        # As with sockets, the protocol is told in a later turn, and reads no more.
        if self.closed or self._leaving:
            return
        self._leaving = True
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._network.callLater(0, self._left, reason)

    def _left(self, reason: Exception) -> None:
        self._timer = None
        self.lost(reason)

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`."""
        self._reading = False

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self._reading = True
        self._go_on()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`."""
        self.loseConnection()

    def loseWriteConnection(self) -> None:
        """Never called."""
        raise NotImplementedError

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Writing is never slow here."""

    def unregisterProducer(self) -> None:
        """Writing is never slow here."""

    def getPeer(self) -> IPv4Address:
        """The far end."""
        return IPv4Address("TCP", self.host.address, 80)

    def getHost(self) -> IPv4Address:
        """Us."""
        return IPv4Address("TCP", "192.0.2.1", 40000)

    def getTcpNoDelay(self) -> bool:
        """See :meth:`ITCPTransport.getTcpNoDelay`."""
        return True

    def setTcpNoDelay(self, enabled: bool) -> None:
        """See :meth:`ITCPTransport.setTcpNoDelay`."""

    def getTcpKeepAlive(self) -> bool:
        """See :meth:`ITCPTransport.getTcpKeepAlive`."""
        return False

    def setTcpKeepAlive(self, enabled: bool) -> None:
        """See :meth:`ITCPTransport.setTcpKeepAlive`."""
