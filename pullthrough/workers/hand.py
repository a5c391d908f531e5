"""One worker, as the owner sees it: its process, its channel, its clients."""

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IAddress, IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure

from pullthrough.accessline import AccessLine
from pullthrough.waiters import Waiters
from pullthrough.web.listener import Listener
from pullthrough.workers.control import Control, adopt
from pullthrough.workers.lines import read
from pullthrough.workers.relayed import Relayed
from pullthrough.workers.worker import Described

#: Seconds in which a worker must do what it is told, and what it is told first.
PATIENCE = 10.0
START = 60.0

#: Takes a line of the access log, the client's address, and how often.
Answered = Callable[[AccessLine, str, int], None]


@dataclass(frozen=True, slots=True)
class Orders:
    """What all workers serve.

    :ivar listening: the descriptor of each connector, by number.
    :ivar limits: connections in all, and from one address.
    """

    connectors: Sequence[Described] = ()
    listening: Mapping[int, int] = field(default_factory=dict)
    limits: tuple[int, int] = (0, 0)


class Hand(ProcessProtocol):
    """Towards its process what hears of its end.

    :param index: see :class:`pullthrough.workers.shared.Shared`.
    :param secure: whether it can do TLS.
    :param listener: tells what speaks on a connector, by its number.
    :param answered: takes what it has answered by itself.
    :param refused: takes how many clients it has turned away.
    :param ended: called when it is gone for good.
    :ivar began: when it was started, in seconds.
    """

    _log = Logger(namespace="pullthrough")
    _told = Logger(namespace="worker")

    def __init__(
        self,
        reactor: Any,
        index: int,
        secure: bool,
        listener: Callable[[int], Listener | None],
        answered: Answered,
        refused: Callable[[int], None],
        ended: Callable[["Hand"], None],
    ) -> None:
        self._reactor = reactor
        self._listener = listener
        self._answered = answered
        self._ended = ended
        self._relays: dict[int, Relayed] = {}
        self._has: set[int] = set()
        self._lent: list[int] = []
        self._orders = 0
        self._carried_out = 0
        self._waiters = Waiters()
        self._late: IDelayedCall | None = None
        self._parts = 2  # the process, and its end of the channel
        self.index = index
        self.secure = secure
        self.leaving = False
        self.began: float = reactor.seconds()
        self.pid = 0
        self.why = ""
        hears: dict[str, Callable[..., None]] = {
            "done": self._done,
            "relay": self._relay,
            "client": self._client,
            "taken": self._taken,
            "again": self._again,
            "refused": refused,
            "log": self._log_told,
        }
        self.control = Control(lambda word, *rest: hears[word](*rest), self._part_ends)

    @property
    def gone(self) -> bool:
        """Whether nothing is left of it."""
        return not self._parts

    # -- orders --

    def serve(self, orders: Orders) -> None:
        """Have it serve these, and nothing else, from now on."""
        numbers = [number for number, *_ in orders.connectors]
        fresh = [orders.listening[one] for one in numbers if one not in self._has]
        self._has = set(numbers)
        # Open until it has them, whatever becomes of ours.
        lent = [os.dup(descriptor) for descriptor in fresh]
        self._lent += lent
        self._order("serve", orders.connectors, *orders.limits, descriptors=lent)

    def leave(self) -> None:
        """Have it take no more clients, and end with the last one."""
        self.leaving = True
        for relayed in self._relays.values():
            relayed.leave()
        self._order("leave")

    def _order(self, *message: Any, descriptors: Sequence[int] = ()) -> None:
        self._orders += 1
        if self._late is None and not self.gone:
            patience = PATIENCE if self._carried_out else START
            self._late = self._reactor.callLater(patience, self._too_late)
        self.control.tell(*message, descriptors=descriptors)

    def _too_late(self) -> None:
        self._late = None
        self._log.error("worker process {pid} does not answer", pid=self.pid)
        self.kill()

    def kill(self) -> None:
        """End it at once."""
        process: Any = self.transport
        with suppress(ProcessExitedAlready):
            process.signalProcess("KILL")

    async def settled(self) -> None:
        """Until it has done all that it was told, or is gone."""
        await self._waiters.until(
            lambda: self.gone or self._carried_out == self._orders
        )

    async def end(self) -> None:
        """Until it is gone."""
        await self._waiters.until(lambda: self.gone)

    # -- what it says --

    def _done(self) -> None:
        """It has done what it was told."""
        self._carried_out += 1
        if self._carried_out == self._orders:
            self._give_back()
            self._waiters.wake()

    def _give_back(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
        while self._lent:
            os.close(self._lent.pop())

    def _relay(
        self, number: int, connector: int, peer: Sequence[Any], host: Sequence[Any]
    ) -> None:
        """A client has come to it, with something for us."""
        connected = socket.socket(fileno=self.control.descriptor())
        listener = self._listener(connector)
        if listener is None:
            connected.close()
        else:
            relayed = Relayed(
                listener,
                _address(*peer),
                _address(*host),
                lambda: self._relays.pop(number, None),
            )
            self._relays[number] = relayed
            if self.leaving:
                relayed.leave()
            adopt(self._reactor, connected, relayed)
        self.control.tell("has", number)

    def _client(self, number: int, connector: int, data: str) -> None:
        """A client of it is ours from now on, and has just sent that."""
        connected = socket.socket(fileno=self.control.descriptor())
        listener = self._listener(connector)
        with connected, suppress(OSError):  # it may have gone meanwhile
            if listener is not None and not listener.draining:
                connected.setblocking(False)
                transport = self._reactor.adoptStreamConnection(
                    connected.fileno(), connected.family, listener
                )
                transport.protocol.dataReceived(data.encode("latin-1"))
        self.control.tell("has", number)

    def _taken(self, number: int, offset: int) -> None:
        """A client has got a file up to there."""
        relayed = self._relays.get(number)
        if relayed is not None:
            relayed.taken(offset)

    def _again(self, times: Sequence[tuple[str, str, int]]) -> None:
        """It has given answers that stand."""
        for text, peer, count in times:
            self._answered(read(text), peer, count)

    def _log_told(self, level: str, text: str) -> None:
        self._told.emit(LogLevel.lookupByName(level), "{text}", text=text)

    # -- its end --

    def connectionMade(self) -> None:
        """The process is there."""
        process: Any = self.transport
        self.pid = process.pid

    def processEnded(self, reason: Failure) -> None:
        """The process is gone."""
        self.why = reason.getErrorMessage()
        self._part_ends()

    def _part_ends(self) -> None:
        self._parts -= 1
        if self.gone:
            self._give_back()
            self._waiters.wake()
            self._ended(self)
        else:
            self.kill()


def _address(host: str, port: int) -> IAddress:
    return (IPv6Address if ":" in host else IPv4Address)("TCP", host, port)
