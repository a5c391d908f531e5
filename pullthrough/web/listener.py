"""A connector's side of all its connections: the factory, their clock, their end."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IReactorTime,
)
from zope.interface import implementer

from pullthrough.interfaces import IListener
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.web.answers import Dates, head_bytes
from pullthrough.web.connection import Connection
from pullthrough.web.crowd import Crowd
from pullthrough.web.exchange import Application, Headers

#: Seconds between two looks at the deadlines of all connections.
TICK = 1.0

_NOBODY = TrustedProxies()


@implementer(IListener)
class Listener:
    """Makes connections for one connector, and ends them.

    :param clock: for deadlines; ticks only while connections are open.
    :param secure: whether TLS lies below.
    :param trusted: the reverse proxies in front of it.
    :param crowd: counts the connections; None: one of its own.
    """

    noisy = False

    def __init__(
        self,
        application: Application,
        clock: IReactorTime,
        secure: bool = False,
        trusted: TrustedProxies = _NOBODY,
        crowd: Crowd | None = None,
    ) -> None:
        self.application = application
        self.secure = secure
        self.trusted = trusted
        self.crowd = crowd or Crowd()
        self.draining = False
        self._clock = clock
        self._dates = Dates()
        self._connections: set[Connection] = set()
        self._ticking: IDelayedCall | None = None
        self._drained: list[Deferred[None]] = []

    def adopt(self, application: Application, trusted: TrustedProxies) -> None:
        """Serve this from the next request on."""
        self.application = application
        self.trusted = trusted

    # -- for the port --

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """A connection for a client that has come."""
        return Connection(self)

    def doStart(self) -> None:
        """The port listens."""

    def doStop(self) -> None:
        """The port listens no more."""

    # -- for connections --

    def now(self) -> float:
        """Seconds, for deadlines."""
        return self._clock.seconds()

    def date(self) -> str:
        """The ``Date`` header line."""
        return self._dates.line(self._clock.seconds())

    def head(self, status: int, headers: Headers, length: int) -> bytes:
        """The head of a last answer."""
        return head_bytes(status, headers, length, True, self.date())

    def opened(self, connection: Connection) -> None:
        """A connection begins."""
        self._connections.add(connection)
        if self._ticking is None:
            self._ticking = self._clock.callLater(TICK, self._tick)

    def closed(self, connection: Connection) -> None:
        """A connection has ended."""
        self._connections.discard(connection)
        if not self._connections:
            if self._ticking is not None:
                self._ticking.cancel()
                self._ticking = None
            drained, self._drained = self._drained, []
            for turn in drained:
                turn.callback(None)

    def _tick(self) -> None:
        self._ticking = self._clock.callLater(TICK, self._tick)
        now = self._clock.seconds()
        for connection in tuple(self._connections):
            connection.tick(now)

    # -- the end --

    async def drain(self) -> None:
        """Let every connection end after its current answer, and wait for that."""
        self.draining = True
        for connection in tuple(self._connections):
            connection.drain()
        if self._connections:
            turn: Deferred[None] = Deferred()
            self._drained.append(turn)
            await turn

    def abort_all(self) -> None:
        """Cut off whoever is still there."""
        for connection in tuple(self._connections):
            connection.abort()
