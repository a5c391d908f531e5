"""A client of a worker: what stands is answered here, all else by the owner.

Nothing is read of a request but whether it is one whose answer stands. Its bytes go to
the owner as they come, and the owner says when all of them are answered.
"""

import os
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import StorageOutage
from pullthrough.web import outlet
from pullthrough.web.answers import CROWDED
from pullthrough.web.peers import address_text
from pullthrough.web.sendfile import gate_for
from pullthrough.workers.pouring import Pouring

if TYPE_CHECKING:
    from pullthrough.workers.door import Door
    from pullthrough.workers.relay import Relay

# As in web/connection.py and web/transaction.py, which a worker has no memory for.
#: Seconds for the first byte of a request, and for the TLS handshake before it.
HEAD_TIME = 10.0
#: Seconds between two requests.
IDLE_TIME = 60.0
#: Seconds that a reader may take for a piece of a file.
READ_TIME = 60.0 + 256.0
#: Requests of one connection that are answered here.
MOST_REQUESTS = 1000

#: A plain connection whose last so many answers were the owner's words goes to it.
MOST_RELAYED = 8

#: Seconds in which what was answered last must have left.
LEAVE_TIME = 60.0

_CLOSE = b"Connection: close\r\n"


@implementer(IPushProducer)
class Client(Protocol):
    """One connection; towards its transport the producer of answers."""

    _log = Logger()

    def __init__(self, door: "Door") -> None:
        self._door = door
        self.peer = ""
        self._entered = False
        self._gone = False
        self._resting = False
        self._closing = False
        self._clogged = False
        self._full = False
        self._paused = False
        self._answers = 0
        self._relayed = 0
        self._relay: Relay | None = None
        self._pouring: Pouring | None = None
        self._expires: float | None = None
        self._mark = 0.0

    @property
    def _transport(self) -> Any:
        return self.transport

    # -- the wire --

    def connectionMade(self) -> None:
        """A client has come."""
        self.peer = address_text(self._transport.getPeer())
        if ITCPTransport.providedBy(self._transport):
            self._transport.setTcpNoDelay(True)
        self._entered = self._door.crowd.enter(self.peer)
        if not self._entered:
            self._turn_away()
            return
        self._door.opened(self)
        self._expires = self._door.now() + HEAD_TIME
        self._resting = True
        self._pace_answers(True)

    def _turn_away(self) -> None:
        """See :meth:`pullthrough.web.connection.Connection`."""
        if self._door.secure:
            self.abort()
            return
        self._transport.write(CROWDED)
        self._transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come."""
        if self._resting and not self._clogged and self._answered(data):
            return
        if not self._entered or self._closing:
            return
        if self._resting:
            if self._relayed >= MOST_RELAYED and self._handed_over(data):
                return
            self._relayed += 1
        self._resting = False
        self._expires = None
        if self._relay is None:
            self._relay = self._door.relay(self)
            if self._relay is None:
                self.abort()
                return
            if self._clogged:
                self._relay.pause()
        self._relay.send(data)

    def _answered(self, data: bytes) -> bool:
        """Whether that was a whole head that has come before, with an answer that
        stands."""
        door = self._door
        answer = door.standing(data)
        if answer is None:
            return False
        now = door.now()
        date = door.date_bytes(now)
        self._answers += 1
        self._relayed = 0
        last = self._answers >= MOST_REQUESTS
        if last:
            date += _CLOSE
        outlet.write(self.transport, answer.whole(date))
        door.note(answer.line, self.peer)
        if last:
            self._close()
        else:
            self._expires = now + IDLE_TIME
        return True

    def _handed_over(self, data: bytes) -> bool:
        """Whether the owner serves this client alone from now on, beginning with that:
        to relay is a waste where nothing stands."""
        transport = self._transport
        plain = not self._door.secure and outlet.socket_of(transport) is not None
        if (
            not plain
            or not outlet.idle(transport)
            or not self._door.hand_over(transport, data)
        ):
            return False
        self._leave()
        outlet.let_go(transport)
        return True

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone."""
        if not self._entered:
            return
        self._gone = True
        self._expires = None
        self._door.crowd.leave(self.peer)
        self._door.closed(self)
        self._drop_relay()
        if self._pouring is not None:
            self._pouring.stop()

    def abort(self) -> None:
        """Cut the client off."""
        self._transport.abortConnection()

    def _close(self) -> None:
        """Close behind what was written."""
        self._leave()
        self._transport.loseConnection()

    def _leave(self) -> None:
        self._resting = False
        self._closing = True
        self._expires = self._door.now() + LEAVE_TIME
        self._drop_relay()
        self._pace_answers(False)

    def _drop_relay(self) -> None:
        relay, self._relay = self._relay, None
        if relay is not None:
            relay.close()

    # -- what the owner says --

    def answered(self, data: bytes) -> None:
        """Bytes for the client."""
        outlet.write(self.transport, data)

    def rests(self, count: int) -> None:
        """All is answered that came with so many bytes."""
        if self._relay is None or count != self._relay.sent or self._closing:
            return
        if self._door.draining:
            self._close()
            return
        self._resting = True
        self._expires = self._door.now() + IDLE_TIME

    def half_closed(self) -> None:
        """Nothing more goes to the client."""
        self._pace_answers(False)
        self._transport.loseWriteConnection()

    def ended(self) -> None:
        """The client is to leave behind what was written."""
        self._close()

    def relay_lost(self) -> None:
        """The owner has let go of the client; between two requests that is nothing."""
        self._relay = None
        if not (self._resting or self._closing):
            self.abort()

    def file(self, descriptor: int, offset: int, limit: int) -> None:
        """A range of a file for the client; the descriptor is closed here."""
        self._relayed = 0
        self._pace_answers(False)
        gate = gate_for(self._transport, self._door.secure)
        gate.open()
        self._pouring = pouring = Pouring(gate)
        self._mark = self._door.now()
        sending = Deferred.fromCoroutine(self._pour(pouring, descriptor, offset, limit))
        sending.addErrback(
            lambda failure: self._log.failure("a file was not sent", failure)
        )

    async def _pour(
        self, pouring: Pouring, descriptor: int, offset: int, limit: int
    ) -> None:
        try:
            reached = await pouring.send(descriptor, offset, limit)
        except (OSError, StorageOutage):
            self.abort()
            return
        finally:
            os.close(descriptor)
            self._pouring = None
            if not self._gone:
                self._transport.unregisterProducer()
                self._pace_answers(True)
        if self._relay is not None:
            self._door.taken(self._relay, reached)

    # -- pace --

    def _pace_answers(self, own: bool) -> None:
        """Whether this, or who sends a file, minds what the client takes."""
        if own:
            self._transport.registerProducer(self, True)
        else:
            self._transport.unregisterProducer()
            self.resumeProducing()

    def hold(self, full: bool) -> None:
        """Whether the owner takes no more of what the client sends."""
        self._full = full
        self._pace_requests()

    def _pace_requests(self) -> None:
        paused = self._clogged or self._full
        if paused != self._paused and not self._gone:
            self._paused = paused
            if paused:
                self._transport.pauseProducing()
            else:
                self._transport.resumeProducing()

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`: the client takes no answers."""
        self._clogged = True
        self._pace_requests()
        if self._relay is not None:
            self._relay.pause()

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        if not self._clogged:
            return
        self._clogged = False
        self._mark = self._door.now()
        self._pace_requests()
        if self._relay is not None:
            self._relay.resume()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the connection is gone."""

    # -- time, and the end --

    def tick(self, now: float) -> None:
        """Called about once a second."""
        if self._expires is not None and now >= self._expires:
            self.abort()
        elif not self._waits() or (self._pouring and self._pouring.moved()):
            self._mark = now
        elif now - self._mark > READ_TIME:
            self.abort()

    def _waits(self) -> bool:
        """Whether the client must take something first."""
        return self._clogged or (self._pouring is not None and self._pouring.waits)

    def drain(self) -> None:
        """Leave, at once between two requests, else after the current answer."""
        if self._resting:
            self._close()
