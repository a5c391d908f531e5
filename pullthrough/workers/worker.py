"""A worker: listens beside the owner, answers what stands, and relays all else."""

import os
import socket
from collections.abc import Callable, Coroutine, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IPushProducer
from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.web.answers import Dates
from pullthrough.web.crowd import Crowd
from pullthrough.workers.client import Client
from pullthrough.workers.control import Control, adopt
from pullthrough.workers.door import Below, Door
from pullthrough.workers.notes import Notes
from pullthrough.workers.relay import Relay
from pullthrough.workers.shared import Shared
from pullthrough.workers.standing import Standing

#: Seconds between two looks at the deadlines of all clients.
TICK = 1.0

#: Of a socket; its family does not matter to who only passes it on.
_KIND = socket.AF_INET, socket.SOCK_STREAM

#: A connector: number, address family, certificate and key or two empty texts.
Described = tuple[int, int, str, str]


@implementer(IPushProducer)
class Worker:
    """Does what the owner says; towards the channel to it the producer of notes.

    :param index: whose count of connections is its own.
    :param tls: what lays TLS with a certificate and its key.
    :param gone: called when the owner is gone, or wants it no more.
    :ivar control: the channel to the owner.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        shared: Shared,
        index: int,
        tls: Callable[[Path, Path], Below],
        gone: Callable[[], None],
    ) -> None:
        self._reactor = reactor
        self._tls = tls
        self._doors: dict[int, Door] = {}
        self._closing: set[Door] = set()
        self._leaving = False
        self._orders: Deferred[None] = succeed(None)
        self._refused = 0
        self._ticking: IDelayedCall | None = None
        self._theirs: dict[int, socket.socket] = {}
        self._numbers = count(1)
        self._dates = Dates()
        hears: dict[str, Callable[..., None]] = {
            "serve": self._serve,
            "leave": self._leave,
            "has": self._has,
        }
        self.control = Control(lambda word, *rest: hears[word](*rest), gone)
        self.crowd = Crowd(counts=shared.counts, own=index)
        self.standing = Standing(shared.stamps)
        self.now: Callable[[], float] = reactor.seconds
        self.note = Notes(reactor, lambda times: self.control.tell("again", times))

    def start(self, channel: int) -> None:
        """Begin to listen to the owner.

        :param channel: the descriptor of the control channel, ours from now on.
        """
        adopt(self._reactor, socket.socket(fileno=channel), self.control)
        self._channel.registerProducer(self, True)
        self._tick()

    @property
    def _channel(self) -> Any:
        return self.control.transport

    def stop(self) -> None:
        """Look after nothing more."""
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _tick(self) -> None:
        self._ticking = self._reactor.callLater(TICK, self._tick)
        now = self.now()
        for door in (*self._doors.values(), *self._closing):
            door.tick(now)
        if self.crowd.refused != self._refused and not self.note.held:
            self.control.tell("refused", self.crowd.refused - self._refused)
            self._refused = self.crowd.refused

    # -- what the owner says --

    def _serve(
        self, connectors: Sequence[Described], most: int, per_address: int
    ) -> None:
        """Serve these from now on; the descriptors of those that are new have come."""
        self.crowd.limit(most, per_address, self.crowd.exempt)
        self._do(lambda: self._exchange(connectors))

    async def _exchange(self, connectors: Sequence[Described]) -> None:
        wanted = {number for number, *_ in connectors}
        for number in tuple(self._doors):
            if number not in wanted:
                await self._close(self._doors.pop(number))
        for number, family, certificate, key in connectors:
            door = self._doors.get(number)
            if door is None:
                door = self._doors[number] = Door(self, number, bool(certificate))
            if certificate:
                door.lay(self._tls(Path(certificate), Path(key)))
            if door.port is None:
                listening = self.control.descriptor()
                adopted = self._reactor.adoptStreamPort(listening, family, door)
                os.close(listening)
                door.port = adopted
        self.control.tell("done")

    def _leave(self) -> None:
        """Take no more clients, and end with the last one."""
        self._do(self._close_all)

    async def _close_all(self) -> None:
        while self._doors:
            await self._close(self._doors.popitem()[1])
        self.control.tell("done")
        self._leaving = True
        self.closed()

    def _do(self, order: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Carry out an order, once those before it are."""
        self._orders.addCallback(lambda _: Deferred.fromCoroutine(order()))
        self._orders.addErrback(
            lambda failure: self._log.failure("an order is not carried out", failure)
        )

    async def _close(self, door: Door) -> None:
        self._closing.add(door)
        await door.close()
        self.closed()

    def closed(self) -> None:
        """A client has gone, perhaps the last one."""
        for door in tuple(self._closing):
            if not door.busy:
                self._closing.discard(door)
        if self._leaving and not self._doors and not self._closing:
            self.note.flush()
            self._channel.unregisterProducer()
            self._channel.loseConnection()

    # -- relays --

    def relay(self, door: Door, client: Client) -> Relay | None:
        """A connection with the owner for a client; None: there can be none."""
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            self._log.warn("a client is cut off: {why}", why=error)
            return None
        relay = Relay(door, client, next(self._numbers))
        reached: Any = client.transport
        adopt(self._reactor, ours, relay)
        theirs.setblocking(False)
        # Open until the owner has it.
        self._theirs[relay.number] = theirs
        self.control.tell(
            "relay",
            relay.number,
            door.number,
            _end(reached.getPeer()),
            _end(reached.getHost()),
            descriptors=(theirs.fileno(),),
        )
        return relay

    def hand_over(self, door: Door, transport: Any, data: bytes) -> bool:
        """Whether the owner gets a client, and what it has just sent."""
        try:
            theirs = socket.fromfd(transport.fileno(), *_KIND)
        except OSError:
            return False
        number = next(self._numbers)
        self._theirs[number] = theirs
        self.control.tell(
            "client",
            number,
            door.number,
            data.decode("latin-1"),
            descriptors=(theirs.fileno(),),
        )
        return True

    def _has(self, number: int) -> None:
        """The owner has what was sent under that number."""
        self._theirs.pop(number).close()

    def taken(self, relay: Relay, offset: int) -> None:
        """The client of a relay has got a file up to there."""
        self.control.tell("taken", relay.number, offset)

    # -- the pace of the owner --

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`: the owner does not listen."""
        self.note.held = True

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self.note.held = False

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the owner is gone."""

    def date_bytes(self, now: float) -> bytes:
        """The ``Date`` header line; within a second the very same object."""
        return self._dates.encoded(now)


def _end(address: Any) -> tuple[str, int]:
    return address.host, address.port
