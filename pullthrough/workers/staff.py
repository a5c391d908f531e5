"""The owner's workers: hired, told what to serve, replaced when they die."""

import os
import socket
import sys
from collections.abc import Sequence
from itertools import count
from typing import Any

from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from pullthrough.web.listener import Listener
from pullthrough.workers.control import adopt
from pullthrough.workers.hand import Hand, Orders
from pullthrough.workers.shared import PROCESSES, Shared
from pullthrough.workers.worker import Described

#: Seconds until one that died is replaced: at first, at most, and after how long a life
#: it is at first again.
SOON = 0.1
LATEST = 30.0
LONG = 60.0

#: Variables of the environment that a worker gets, by how they begin.
_ENVIRONMENT = ("PATH", "LANG", "LC_", "TZ", "LD_", "PYTHON", "COVERAGE_")


class Staff:
    """Starts workers and ends them.

    :param shared: what they share with us.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, reactor: Any, shared: Shared) -> None:
        self._reactor = reactor
        self._shared = shared
        self._hands: list[Hand] = []
        self._leaving: set[Hand] = set()
        self._numbers: dict[Listener, int] = {}
        self._fresh = count(1)
        self._listeners: dict[int, Listener] = {}
        self._orders = Orders()
        self._wanted = 0
        self._secure = False
        self._hurried = False
        self._delay = SOON
        self._hiring: IDelayedCall | None = None
        self._assembly: Any = None

    async def share(self, opened: Sequence[Any], assembly: Any) -> None:
        """Have the workers serve these connectors, those of them that can be shared.

        Returns when they do; nobody listens then on what is gone.
        """
        self._assembly = assembly
        shareable = [one for one in opened if _shareable(one)]
        numbers = {one.listener: self._number(one.listener) for one in shareable}
        self._numbers = numbers
        self._listeners = {number: one for one, number in numbers.items()}
        self._orders = Orders(
            [_described(one, numbers[one.listener]) for one in shareable],
            {numbers[one.listener]: one.port.fileno() for one in shareable},
            assembly.limits,
        )
        self._secure = any(one.served.connector.scheme == "https" for one in shareable)
        self._wanted = assembly.processes - 1 if shareable else 0
        told = tuple(self._hands)
        for hand in told:
            if len(self._hands) > self._wanted or (self._secure and not hand.secure):
                self._dismiss(hand)
            else:
                hand.serve(self._orders)
        self._hire()
        for hand in told:
            await hand.settled()

    async def leave(self) -> None:
        """Have them all take no more clients; returns when nobody listens any more."""
        self._wanted = 0
        told = tuple(self._hands)
        for hand in told:
            self._dismiss(hand)
        for hand in told:
            await hand.settled()

    async def end(self) -> None:
        """Wait until those who were told to leave are gone."""
        for hand in tuple(self._leaving):
            await hand.end()

    def cut(self) -> None:
        """Wait no longer for those who leave, or will leave."""
        self._hurried = True
        for hand in tuple(self._leaving):
            hand.kill()

    def _number(self, listener: Listener) -> int:
        return self._numbers.get(listener) or next(self._fresh)

    def _hire(self) -> None:
        """Start those who are missing."""
        self._hiring = None
        while len(self._hands) < self._wanted:
            self._start()

    def _start(self) -> None:
        taken = {hand.index for hand in (*self._hands, *self._leaving)}
        index = min(set(range(1, PROCESSES)) - taken)
        hand = Hand(
            self._reactor,
            index,
            self._secure,
            lambda number: self._listeners.get(number),
            self._assembly.answered,
            self._assembly.refused,
            self._ended,
        )
        ours, theirs = socket.socketpair()
        adopt(self._reactor, ours, hand.control)
        command = [sys.executable, "-P", "-m", "pullthrough.workers", str(index)]
        with theirs, open(os.devnull) as nothing:
            descriptors = (nothing.fileno(), 1, 2, theirs.fileno(), self._shared.fd)
            self._reactor.spawnProcess(
                hand,
                command[0],
                [*command, *(["tls"] if self._secure else [])],
                _environment(),
                childFDs=dict(enumerate(descriptors)),
            )
        self._hands.append(hand)
        self._log.info("worker {index} is process {pid}", index=index, pid=hand.pid)
        hand.serve(self._orders)

    def _dismiss(self, hand: Hand) -> None:
        self._hands.remove(hand)
        self._leaving.add(hand)
        hand.leave()
        if self._hurried:
            hand.kill()

    def _ended(self, hand: Hand) -> None:
        self._shared.counts[hand.index] = 0
        if hand in self._leaving:
            self._leaving.discard(hand)
            return
        self._hands.remove(hand)
        lived = self._reactor.seconds() - hand.began
        delay = SOON if lived > LONG else self._delay
        self._delay = min(2 * delay, LATEST)
        self._log.error(
            "worker process {pid} has ended: {why}; another one starts in {delay} s",
            pid=hand.pid,
            why=hand.why,
            delay=delay,
        )
        if self._hiring is None:
            self._hiring = self._reactor.callLater(delay, self._hire)


def _shareable(opened: Any) -> bool:
    family = opened.port.addressFamily
    return bool(opened.served.shared) and family != socket.AF_UNIX


def _described(opened: Any, number: int) -> Described:
    connector = opened.served.connector
    files = connector.tls_certificate, connector.tls_key
    certificate, key = (str(file) if file else "" for file in files)
    return number, int(opened.port.addressFamily), certificate, key


def _environment() -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(_ENVIRONMENT)
    }
    # Where we were found it is found.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
