"""The owner's end of a connection that a worker has with a client."""

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IProducer, ITransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.web import outlet
from pullthrough.web.connection import Connection
from pullthrough.web.crowd import Crowd
from pullthrough.web.kept import Standing
from pullthrough.web.listener import Listener
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import FileNumber
from pullthrough.workers import frames, standing
from pullthrough.workers.frames import frame
from pullthrough.workers.lines import written

#: Where relayed connections are counted: nowhere, as their worker counts them.
_FREE = Crowd(1 << 62, 1 << 62)


@implementer(ITransport)
class Relayed(Protocol):
    """Towards the worker a protocol; towards the connection that speaks with the client
    a transport like any other. That sees the client's bytes as the worker gets them.

    :param peer, host: the client's end and the one that it reached.
    :param lost: called when the worker has let go of it.
    """

    def __init__(
        self,
        listener: Listener,
        peer: IAddress,
        host: IAddress,
        lost: Callable[[], object],
    ) -> None:
        self._listener = listener
        self._peer = peer
        self._host = host
        self._lost = lost
        self._behind = _Behind(listener, self._rested)
        self._came = 0
        self._told = 0
        self._gathering = False
        self._gathered: list[bytes] = []
        self._handed: Deferred[int] | None = None

    @property
    def _worker(self) -> Any:
        return self.transport

    # -- the worker's side --

    def connectionMade(self) -> None:
        """A worker has a client for us."""
        self._behind.makeConnection(self)  # type: ignore[no-untyped-call]

    def dataReceived(self, data: bytes) -> None:
        """The client has sent bytes."""
        self._came += len(data)
        stands = self._listener.standing(data, self._behind.peer)
        self._gathering = True
        try:
            if stands is not None and not self._behind.last:
                self._send(frame(frames.STANDS, _told(data, stands)))
            self._behind.dataReceived(data)
            if self._behind.resting:
                self._rested()
        finally:
            self._gathering = False
            self._flush()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client, or its worker, is gone."""
        self._lost()
        self._behind.connectionLost(reason)

    def leave(self) -> None:
        """The worker ends: the answer that comes next is the last one."""
        self._behind.leaving = True

    def taken(self, offset: int) -> None:
        """A file was sent up to there."""
        handed, self._handed = self._handed, None
        if handed is not None:
            handed.callback(offset)

    def _rested(self) -> None:
        if self._told != self._came:
            self._told = self._came
            self._send(frame(frames.RESTS, frames.REST.pack(self._came)))

    def _send(self, data: bytes) -> None:
        if self._gathering:
            self._gathered.append(data)
        else:
            outlet.write(self._worker, data)

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        if gathered:
            outlet.write(self._worker, b"".join(gathered))

    # -- the connection's side --

    def write(self, data: bytes) -> None:
        """See :meth:`ITransport.write`."""
        self._send(frame(frames.ANSWER, data))

    def writeSequence(self, data: Any) -> None:
        """See :meth:`ITransport.writeSequence`."""
        self.write(b"".join(data))

    def gate(self) -> "HandingGate":
        """See :func:`pullthrough.web.sendfile.gate_for`."""
        return HandingGate(self)

    def hand(self, descriptor: int, offset: int, limit: int) -> Deferred[int]:
        """Have the worker send bytes ``offset`` to ``limit`` (exclusive) of a file."""
        self._flush()
        self._handed = Deferred()
        self._worker.sendFileDescriptor(descriptor)
        content = frames.RANGE.pack(offset, limit)
        self._worker.write(frame(frames.FILE, content))
        return self._handed

    def loseWriteConnection(self) -> None:
        """See :meth:`IHalfCloseableTransport.loseWriteConnection`: what the client
        still sends goes on coming."""
        self._send(frame(frames.HALF))

    def loseConnection(self) -> None:
        """See :meth:`ITransport.loseConnection`."""
        self._send(frame(frames.END))
        self._flush()
        self._worker.loseConnection()

    def abortConnection(self) -> None:
        """See :meth:`ITCPTransport.abortConnection`."""
        self._worker.abortConnection()

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`."""
        self._worker.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        self._worker.unregisterProducer()

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`."""
        self._worker.pauseProducing()

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self._worker.resumeProducing()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`."""
        self._worker.stopProducing()

    def getPeer(self) -> IAddress:
        """See :meth:`ITransport.getPeer`: the client."""
        return self._peer

    def getHost(self) -> IAddress:
        """See :meth:`ITransport.getHost`: what the client has reached."""
        return self._host


class _Behind(Connection):
    """Speaks with a client at a worker.

    :param rested: called whenever it waits for the next request.
    :ivar leaving: whether the worker ends.
    """

    def __init__(self, listener: Listener, rested: Callable[[], None]) -> None:
        super().__init__(listener)
        self._crowd = _FREE
        self._tell_rest = rested
        self.leaving = False

    @property
    def last(self) -> bool:
        """See :attr:`Connection.last`."""
        return self.leaving or super().last

    @property
    def resting(self) -> bool:
        """Whether it waits for the next request."""
        return self._resting

    def rested(self) -> None:
        """See :meth:`Connection.rested`."""
        self._tell_rest()


class HandingGate(Gate):
    """Lets a file through by handing it to the worker, who sends it at the client's
    pace, and sees that the client keeps a minimum of it."""

    def __init__(self, relayed: Relayed) -> None:
        super().__init__(relayed)
        self._relayed = relayed
        self._stopped = False

    async def send(self, number: FileNumber, offset: int, limit: int) -> int:
        """See :meth:`pullthrough.web.sendfile.FileGate.send`."""
        await self.ready()
        found = number()
        if found is None or self._stopped:
            return offset
        # Open until the worker has it, and never another file by then.
        descriptor = os.dup(found)
        try:
            return await self._relayed.hand(descriptor, offset, limit)
        finally:
            os.close(descriptor)

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the connection is gone."""
        self._stopped = True
        super().stopProducing()
        self._relayed.taken(0)


def _told(raw: bytes, stands: Standing) -> bytes:
    kept = stands.kept
    until = min(stands.until, kept.provenance.until)
    return standing.tell(raw, *kept.parts(), until, kept.seen, written(stands.line))
