"""Connections that read more at once: a layer comes in fewer, larger pieces.

What comes slower than we read would come in many small pieces, each of which costs as
much as a large one. So where a lot comes, we rest between reads until about as much as
one read takes has come, as a network card does with its interrupts. The system takes
and acknowledges what comes meanwhile; a request ends the rest, for its answer is waited
for.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

#: Bytes read at once; Twisted's own are 64 KiB.
ROOM = 256 * 1024

#: Seconds of the longest rest, and of the shortest that is worth its cost.
LONGEST = 0.012
SHORTEST = 0.003

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
        self._begun = self._last = 0.0
        self._come = 0
        self._held = False
        self._rest: IDelayedCall | None = None

    @property
    def _wire(self) -> Any:
        return self.transport

    def makeConnection(self, transport: Any) -> None:
        """Make room."""
        transport.bufferSize = ROOM
        super().makeConnection(transport)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """Hand it on, then rest if that was all."""
        now = self._clock.seconds()
        if now - self._last > GAP:
            self._begun, self._come = now, 0
        self._last = now
        self._come += len(data)
        super().dataReceived(data)  # type: ignore[no-untyped-call]
        if len(data) < ROOM and self._come > EDGE and not self._held:
            pause = min(LONGEST, ROOM * (now - self._begun) / self._come)
            if pause >= SHORTEST and self._rest is None:
                self._wire.pauseProducing()
                self._rest = self._clock.callLater(pause, self._rested)

    def _rested(self) -> None:
        self._rest = None
        if not self._held:
            self._wire.resumeProducing()

    def _rest_no_more(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rested()

    def write(self, data: bytes) -> None:
        """A request: its answer is waited for."""
        self._come = 0
        self._rest_no_more()
        super().write(data)  # type: ignore[no-untyped-call]

    def pauseProducing(self) -> None:
        """Whoever reads has enough."""
        self._held = True
        self._wire.pauseProducing()

    def resumeProducing(self) -> None:
        """Whoever reads takes more."""
        self._held = False
        if self._rest is None:
            self._wire.resumeProducing()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        self._held = True
        self._rest_no_more()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
