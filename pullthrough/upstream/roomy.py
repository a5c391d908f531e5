"""Connections that read more at once: a layer comes in fewer, larger pieces.

What comes slower than we read would come in many small pieces, each of which costs as
much as a large one. So where a lot comes, the system is told to wake us when about as
much as one read takes has come, as a network card does with its interrupts, or after a
while. It takes and acknowledges what comes meanwhile, and makes its own buffer as large
as that needs (SO_RCVLOWAT, socket(7)): to stop reading by ourselves would leave a small
buffer small, and its sender waiting. A request ends that, for its answer is waited for.
"""

import socket
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
    ISystemHandle,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

#: Bytes read at once; Twisted's own are 64 KiB.
ROOM = 256 * 1024

#: Seconds after which we look at what has come, however little it is.
LONGEST = 0.012

#: Bytes that come before the first rest: small answers never wait.
EDGE = 1024 * 1024

#: Seconds without a byte, after which a flow is another one.
GAP = 0.1


@implementer(IStreamClientEndpoint)
class RoomyEndpoint:
    """Connects as another endpoint does.

    :param endpoint: gives a connection with nothing between it and its socket.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, clock: IReactorTime) -> None:
        self._endpoint = endpoint
        self._clock = clock

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        wrapping: Any = WrappingFactory(factory)
        wrapping.protocol = lambda *args: _Roomy(self._clock, *args)
        wrapping.noisy = False
        connecting: Any = self._endpoint.connect(wrapping)
        made: Deferred[IProtocol] = connecting.addCallback(
            lambda wrapper: wrapper.wrappedProtocol
        )
        return made


class _Roomy(ProtocolWrapper):
    """Between a socket and what reads it."""

    def __init__(self, clock: IReactorTime, *args: Any) -> None:
        super().__init__(*args)
        self._clock = clock
        self._last = 0.0
        self._come = 0
        self._least = 1
        self._wakes = False
        self._look: IDelayedCall | None = None

    def makeConnection(self, transport: Any) -> None:
        """Make room."""
        transport.bufferSize = ROOM
        self._wakes = ISystemHandle.providedBy(transport)
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """Hand it on, and wait for more at once where a lot comes."""
        now = self._clock.seconds()
        if now - self._last > GAP:
            self._come = 0
        self._last = now
        self._come += len(data)
        super().dataReceived(data)  # type: ignore[no-untyped-call]
        if self._come > EDGE and self._look is None and self._wakes:
            self._wake_at(ROOM)
            self._look = self._clock.callLater(LONGEST, self._late)

    def _late(self) -> None:
        """Look, unless something has come a moment ago."""
        self._look = None
        rest = self._last + LONGEST - self._clock.seconds()
        if rest > 0:
            self._look = self._clock.callLater(rest, self._late)
        else:
            self._wake_at(1)

    def _wake_at(self, count: int) -> None:
        """Be woken when so many bytes are there."""
        if count != self._least and self._wakes:
            self._least = count
            wire: Any = self.transport
            wire.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, count)

    def _rest_no_more(self) -> None:
        if self._look is not None:
            self._look.cancel()
            self._look = None

    def write(self, data: bytes) -> None:
        """A request: its answer is waited for."""
        self._come = 0
        self._rest_no_more()
        self._wake_at(1)
        super().write(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self._wakes = False
        self._rest_no_more()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
