"""A connector in a worker: the factory of its clients."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from zope.interface import implementer

from pullthrough.web.crowd import Crowd
from pullthrough.workers.client import Client
from pullthrough.workers.relay import Relay
from pullthrough.workers.standing import Answer

if TYPE_CHECKING:
    from pullthrough.workers.worker import Worker

#: What lays TLS below a factory's connections, or nothing.
Below = Callable[[IProtocolFactory], IProtocolFactory]


@implementer(IProtocolFactory)
class Door:
    """Makes clients, and ends them.

    :param number: by which the owner knows the connector.
    :param secure: whether TLS lies below.
    :ivar port: what listens; None before it does.
    """

    noisy = False

    def __init__(self, worker: "Worker", number: int, secure: bool) -> None:
        self._worker = worker
        self._clients: set[Client] = set()
        self._factory: IProtocolFactory = _Inside(self)
        self.number = number
        self.secure = secure
        self.draining = False
        self.port: Any = None
        self.now = worker.now
        self.date_bytes = worker.date_bytes
        self.note = worker.note

    @property
    def crowd(self) -> Crowd:
        """Counts the clients of all connectors."""
        return self._worker.crowd

    def lay(self, below: Below) -> None:
        """Clients from now on come through this."""
        self._factory = below(_Inside(self))

    # -- for the port --

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """A client has come."""
        return self._factory.buildProtocol(addr)

    def doStart(self) -> None:
        """The port listens."""

    def doStop(self) -> None:
        """The port listens no more."""

    # -- for clients --

    def opened(self, client: Client) -> None:
        """A client is there."""
        self._clients.add(client)

    def closed(self, client: Client) -> None:
        """A client is gone."""
        self._clients.discard(client)
        self._worker.closed()

    def standing(self, raw: bytes) -> Answer | None:
        """What that head is answered by at once; None: that is the owner's business."""
        return self._worker.standing.find(self.number, raw, self.now())

    def keep(self, raw: bytes, answer: Answer) -> None:
        """Answer that head so from now on."""
        self._worker.standing.keep(self.number, raw, answer)

    def relay(self, client: Client) -> Relay | None:
        """A connection with the owner for a client; None: there can be none."""
        return self._worker.relay(self, client)

    def hand_over(self, transport: Any, data: bytes) -> bool:
        """Whether the owner gets a client, and what it has just sent."""
        return not self.draining and self._worker.hand_over(self, transport, data)

    def taken(self, relay: Relay, offset: int) -> None:
        """The client of a relay has got a file up to there."""
        self._worker.taken(relay, offset)

    # -- for the worker --

    @property
    def busy(self) -> bool:
        """Whether there are clients."""
        return bool(self._clients)

    def tick(self, now: float) -> None:
        """Called about once a second."""
        for client in tuple(self._clients):
            client.tick(now)

    async def close(self) -> None:
        """Take no more clients, and let those who are there end."""
        self.draining = True
        if self.port is not None:
            closing = self.port.stopListening()
            if isinstance(closing, Deferred):
                await closing
        for client in tuple(self._clients):
            client.drain()


@implementer(IProtocolFactory)
class _Inside:
    """Above what lies below a door's clients."""

    noisy = False

    def __init__(self, door: Door) -> None:
        self._door = door

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """A client."""
        return Client(self._door)

    def doStart(self) -> None:
        """Nothing to prepare."""

    def doStop(self) -> None:
        """Nothing to undo."""
