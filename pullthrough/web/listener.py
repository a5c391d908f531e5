"""A connector's side of all its connections: the factory, their clock, their end."""

from collections.abc import Callable

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
from pullthrough.web.exchange import Application
from pullthrough.web.head import METHODS, Head, Refusal
from pullthrough.web.kept import Standing
from pullthrough.web.recent import Recent

#: Seconds between two looks at the deadlines of all connections.
TICK = 1.0

#: Answers a head, asked at a connector (HOST or HOST:PORT), without waiting.
AtOnce = Callable[[Head, str], Standing | None]

#: Most heads whose answer stands, and the longest of them, in bytes.
MOST_STANDING = 4096
LONGEST_STANDING = 2048

_NOBODY = TrustedProxies()


@implementer(IListener)
class Listener:
    """Makes connections for one connector, and ends them.

    :param clock: for deadlines; ticks only while connections are open.
    :param secure: whether TLS lies below.
    :param trusted: the reverse proxies in front of it.
    :param crowd: counts the connections; None: one of its own.
    :param epoch: seconds since the epoch; None: those of the clock.
    :ivar leaving: whether each answer is the last one of its connection.
    :ivar draining: whether connections end that are idle, too.
    """

    noisy = False

    def __init__(
        self,
        application: Application,
        clock: IReactorTime,
        secure: bool = False,
        trusted: TrustedProxies = _NOBODY,
        crowd: Crowd | None = None,
        epoch: Callable[[], float] | None = None,
    ) -> None:
        self.application = application
        self.secure = secure
        self.trusted = trusted
        self.crowd = crowd or Crowd()
        self.leaving = False
        self.draining = False
        self._at_once: AtOnce | None = getattr(application, "at_once", None)
        self._clock = clock
        self._epoch = epoch or clock.seconds
        self._dates = Dates()
        self._connections: set[Connection] = set()
        self._standing: Recent[bytes, Standing] = Recent(MOST_STANDING)
        self._trusting = bool(trusted)
        self._ticking: IDelayedCall | None = None
        self._drained: list[Deferred[None]] = []

    def adopt(self, application: Application, trusted: TrustedProxies) -> None:
        """Serve this from the next request on."""
        self.application = application
        self.trusted = trusted
        self._at_once = getattr(application, "at_once", None)
        self._trusting = bool(trusted)
        self._standing.clear()

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

    def date_bytes(self, now: float) -> bytes:
        """The same as bytes; within a second the very same object."""
        return self._dates.encoded(now)

    def standing(self, raw: bytes, peer: str) -> Standing | None:
        """What that head is answered by at once; None: that is to be found out."""
        standing = self._standing.get(raw)
        if standing is None or self.leaving:
            return None
        if not standing.good(self._epoch()):
            self._standing.drop(raw)
            return None
        # A trusted proxy may tell of another host than the head does.
        if self._trusting and peer in self.trusted:
            return None
        return standing

    def at_once(self, head: Head, peer: str, address: str) -> Standing | None:
        """What a request is answered by without waiting; None: that is not known.

        :param address: of ours, as the client has connected to it.
        """
        if self._at_once is None or self.leaving:
            return None
        if self._trusting and peer in self.trusted:
            return None
        return self._at_once(head, head.get("host") or address)

    def keep(self, raw: bytes, peer: str, standing: Standing) -> None:
        """Answer that head so from now on."""
        if len(raw) > LONGEST_STANDING or (self._trusting and peer in self.trusted):
            return
        self._standing.put(raw, standing)

    def refusal(self, refusal: Refusal) -> bytes:
        """A whole last answer that tells why a head is refused."""
        body = refusal.reason.encode()
        headers = [("Content-Type", "text/plain")]
        if refusal.status == 405:
            headers.append(("Allow", ", ".join(sorted(METHODS))))
        return head_bytes(refusal.status, headers, len(body), True, self.date()) + body

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

    def leave(self) -> None:
        """See :meth:`IListener.leave`."""
        self.leaving = True

    async def drain(self) -> None:
        """Let every connection end after its current answer, and wait for that."""
        self.leaving = self.draining = True
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
