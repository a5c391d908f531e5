"""The connection: bytes to requests, one at a time, and nobody waits for ever."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.spec.forwarded import Seen
from pullthrough.web import outlet
from pullthrough.web.answers import CROWDED, FAULT, NOT_TLS
from pullthrough.web.exchange import Disconnected
from pullthrough.web.head import Head, Refusal, take_head
from pullthrough.web.kept import Standing
from pullthrough.web.peers import address_text, certificate_name
from pullthrough.web.transaction import Transaction

if TYPE_CHECKING:
    from pullthrough.web.listener import Listener

#: Seconds for a whole request head (and for the TLS handshake with it), and between
#: two requests; requests on one connection.
HEAD_TIME = 10.0
IDLE_TIME = 60.0
MOST_REQUESTS = 1000

#: After a refusal the rest of what a client sends is read away for so many seconds
#: and bytes, so that the answer reaches it before a reset does.
LINGER_TIME = 2.0
LINGER_BYTES = 256 * 1024

#: Bytes behind the current request above which nothing more is read.
MOST_PIPELINED = 64 * 1024

#: The first byte of a TLS record that begins a handshake (RFC 8446 section 5.1).
_TLS_HANDSHAKE = 0x16


@implementer(IPushProducer)
class Connection(Protocol):
    """HTTP/1.1 with one client; towards its transport the producer of answers, so
    that a client that reads none of them is asked for no more requests."""

    _log = Logger()

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._crowd = listener.crowd
        self._asked = listener.application
        self.secure = listener.secure
        self.peer = ""
        self.address = ""
        self.paused = False
        self._entered = False
        self._certificate: str | None = None
        self._buffer = b""
        self._resting = False
        self._clogged = False
        self._fresh = True
        self._requests = 0
        self._transaction: Transaction | None = None
        self._running = False
        self._advancing = False
        self._lingered: int | None = None
        self._expires: float | None = None

    # -- what a transaction asks of it --

    def seen(self, head: Head) -> Seen:
        """The connection as the client of this request sees it."""
        direct = Seen(self.peer, self.secure, head.get("host") or self.address)
        return self._listener.trusted.seen(direct, head.get)

    def certificate(self) -> str:
        """The name (CN) in the client's certificate; empty without one."""
        if self._certificate is None:
            self._certificate = certificate_name(self._transport) if self.secure else ""
        return self._certificate

    @property
    def last(self) -> bool:
        """Whether the answer that begins now is the last one."""
        return self._listener.leaving or self._requests >= MOST_REQUESTS

    def date(self) -> str:
        """The ``Date`` header line."""
        return self._listener.date()

    def now(self) -> float:
        """Seconds, for deadlines."""
        return self._listener.now()

    def pause_reading(self) -> None:
        """Read nothing more for now."""
        if not self.paused:
            self.paused = True
            self._transport.pauseProducing()

    def resume_reading(self) -> None:
        """Go on reading."""
        if self.paused:
            self.paused = False
            self._transport.resumeProducing()

    def body_wanted(self) -> None:
        """Somebody takes the body now: first what came with the head."""
        data, self._buffer = self._buffer, b""
        if data and self._transaction is not None:
            self._buffer = self._transaction.feed(data)
        transaction = self._transaction
        if transaction and not (transaction.body_ended or transaction.held):
            self.resume_reading()

    def pace(self, own: bool) -> None:
        """Whether the connection itself, or a stream, minds what the client takes."""
        if own:
            self._transport.registerProducer(self, True)
        else:
            self._transport.unregisterProducer()

    def sent(self, transaction: Transaction) -> None:
        """The answer has been written."""
        self._finish()

    def abort(self) -> None:
        """Cut the client off."""
        self._transport.abortConnection()

    @property
    def _transport(self) -> Any:
        return self.transport

    # -- the wire --

    def connectionMade(self) -> None:
        """A client has come."""
        self.peer = address_text(self._transport.getPeer())
        self.address = address_text(self._transport.getHost(), port=True)
        if ITCPTransport.providedBy(self._transport):
            # Head and content go out in two writes; without this the second one waits
            # 40 ms for the client's acknowledgement of the first.
            self._transport.setTcpNoDelay(True)
        self._entered = self._crowd.enter(self.peer)
        if not self._entered:
            self._turn_away()
            return
        self._listener.opened(self)
        self._expires = self.now() + HEAD_TIME
        self._resting = True
        self.pace(True)

    def _turn_away(self) -> None:
        """There is no room: say so where that costs nothing."""
        if self.secure:
            self.abort()  # a handshake first would be what is too much
            return
        self._transport.write(CROWDED)
        self._transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come."""
        if self._resting and self._requests < MOST_REQUESTS - 1:
            # Nothing is read ahead, nothing left to send: perhaps a head that came
            # before, with an answer that stands.
            standing = self._listener.standing(data, self.peer)
            if standing is not None:
                self._answer_by(standing)
                return
        if not self._entered:
            return
        self._resting = False
        if self._fresh:
            self._fresh = False
            if data[0] == _TLS_HANDSHAKE and not self.secure:
                self._transport.write(NOT_TLS)
                self._close()
                return
        if self._lingered is not None:
            self._lingered += len(data)
            if self._lingered > LINGER_BYTES:
                self.abort()
            return
        transaction = self._transaction
        if transaction is not None and transaction.taking:
            self._buffer += transaction.feed(data)
            if self._transaction is None and self._lingered is None:
                self._rest()  # answered meanwhile; the next request may be behind it
            elif transaction.sent:
                self._finish()
            return
        self._buffer += data
        if transaction is None:
            self._rest()
        elif len(self._buffer) > MOST_PIPELINED:
            self.pause_reading()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone."""
        if not self._entered:
            return
        self._crowd.leave(self.peer)
        self._expires = None
        self._listener.closed(self)
        if self._transaction is not None:
            self._transaction.gone()

    # -- requests --

    def _answer_by(self, standing: Standing) -> None:
        now = self.now()
        self._requests += 1
        self._expires = now + IDLE_TIME
        date = self._listener.date_bytes(now)
        outlet.write(self.transport, standing.kept.whole(date))
        standing.again(standing.line, self.peer)

    def _advance(self) -> None:
        """Begin the requests that have come, one after the other."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._buffer and self._lingered is None and not self._clogged:
                if self._transaction is not None or not self._begin_next():
                    break
        finally:
            self._advancing = False

    def _begin_next(self) -> bool:
        head, raw, self._buffer = take_head(self._buffer)
        if head is None:
            if self._buffer and self._requests and self._expires is not None:
                self._expires = min(self._expires, self.now() + HEAD_TIME)
            return False
        if isinstance(head, Refusal):
            self._refuse(head)
            return False
        standing = self._at_once(head)
        if standing is not None:
            self._listener.keep(raw, self.peer, standing)
            self._answer_by(standing)
            return True
        self._requests += 1
        self._expires = None
        self._resting = False
        self._transaction = transaction = Transaction(self, head, raw, self.now())
        self._running = True
        self._asked = self._listener.application
        running = Deferred.fromCoroutine(_run(self._asked, transaction))
        running.addCallbacks(self._done, self._failed)
        if self._transaction is transaction and transaction.untaken:
            self.pause_reading()
        return True

    def _at_once(self, head: Head) -> Standing | None:
        """The answer to a request, if that needs no waiting for anything."""
        if self._requests >= MOST_REQUESTS - 1 or not head.keep_alive:
            return None
        if self.certificate():
            return None  # a user by that, where the head names none
        return self._listener.at_once(head, self.peer, self.address)

    def _done(self, _: None) -> None:
        self._running = False
        transaction = self._transaction
        if transaction is not None and not transaction.answered:
            self._log.error("a request was left without an answer")
            self._answer_500(transaction)
        self._finish()

    def _failed(self, failure: Failure) -> None:
        self._running = False
        transaction = self._transaction
        if not isinstance(failure.value, Disconnected):
            self._log.failure("a request failed by a fault of ours", failure)
            if transaction is not None and not transaction.answered:
                self._answer_500(transaction)
            else:
                self.abort()
        elif transaction is not None and not transaction.answered:
            self.abort()
        self._finish()

    def _answer_500(self, transaction: Transaction) -> None:
        with suppress(Disconnected):
            transaction.answer(*FAULT)

    def _finish(self) -> None:
        """Go on, once the answer is out, the body read and the application done."""
        transaction = self._transaction
        if transaction is None or self._running or not transaction.sent:
            return
        if transaction.close or self._listener.draining:
            self._transaction = None
            self._leave(transaction.body_ended)
        elif transaction.body_ended:
            self._transaction = None
            self._expires = self.now() + IDLE_TIME
            standing = transaction.standing
            # What another configuration has answered does not outlive it (I13).
            if standing is not None and self._asked is self._listener.application:
                self._listener.keep(transaction.raw, self.peer, standing)
            self._rest()
        elif self._expires is None:
            self._expires = self.now() + HEAD_TIME
            data, self._buffer = self._buffer, b""
            self._buffer = transaction.feed(data) if data else b""
            self.resume_reading()
            if transaction.body_ended:
                self._finish()

    def _rest(self) -> None:
        """Between two requests: go on with what has come, or wait for more."""
        if self._clogged:
            return
        self.resume_reading()
        self._advance()
        nothing = self._transaction is None and self._lingered is None
        self._resting = nothing and not self._buffer
        if self._resting:
            self.rested()

    def rested(self) -> None:
        """Nothing is under way, and nothing is left of what has come."""

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`: the client takes no answers."""
        self._clogged = True
        self._resting = False
        if self._transaction is None:
            self.pause_reading()

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self._clogged = False
        if self._transaction is None and self._lingered is None:
            self._rest()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the connection is gone."""

    def _refuse(self, refusal: Refusal) -> None:
        self._transport.write(self._listener.refusal(refusal))
        self._leave(all_read=False)

    def _leave(self, all_read: bool) -> None:
        """Close after the last answer, letting an eager sender still read it."""
        if (
            all_read
            or self.secure
            or not hasattr(self._transport, "loseWriteConnection")
        ):
            self._close()
            return
        self._lingered = len(self._buffer)
        self._buffer = b""
        self._resting = False
        self._expires = self.now() + LINGER_TIME
        self.pace(False)
        self._transport.loseWriteConnection()
        self.resume_reading()

    def _close(self) -> None:
        self._expires = None
        self._lingered = 0
        self._resting = False
        self.pace(False)
        self._transport.loseConnection()

    # -- time --

    def tick(self, now: float) -> None:
        """Called about once a second."""
        if self._expires is not None and now >= self._expires:
            self._expired()
        elif self._transaction is not None:
            self._transaction.tick(now)

    def _expired(self) -> None:
        if self._buffer and self._transaction is None and self._lingered is None:
            self._refuse(Refusal(408, "the request head comes too slowly"))
        else:
            self.abort()

    def drain(self) -> None:
        """Leave, at once when idle, else after the current answer."""
        if self._transaction is None and not self._buffer:
            self._close()


async def _run(application: Any, transaction: Transaction) -> None:
    await application(transaction)
