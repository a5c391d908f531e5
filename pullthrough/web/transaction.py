"""One request and its answer on a connection."""

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer, IProducer, IPushProducer
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import TooLarge
from pullthrough.interfaces import IContent
from pullthrough.web import inlet, outlet
from pullthrough.web.answers import BODILESS, CONTINUE, head_bytes
from pullthrough.web.chunked import ChunkError
from pullthrough.web.exchange import Disconnected, Headers, IExchange
from pullthrough.web.framing import Framing
from pullthrough.web.head import Head
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import FileGate, gate_for
from pullthrough.web.sending import PIECE, send

if TYPE_CHECKING:
    from pullthrough.web.connection import Connection
    from pullthrough.web.kept import Standing

T = TypeVar("T")

#: An unread body of at most so many bytes is read away to keep the connection.
READ_AWAY = 64 * 1024

#: A body slower than RATE (bytes a second) over BODY_WINDOW seconds is cut off; a
#: reader, when a piece has not gone out after READ_WINDOW seconds plus its time at
#: that rate.
RATE = 1024
BODY_WINDOW = 30.0
READ_WINDOW = 60.0


@implementer(IExchange, IPushProducer)
class Transaction:
    """See :class:`IExchange`; towards the body's consumer it is the producer."""

    def __init__(
        self, connection: "Connection", head: Head, raw: bytes, now: float
    ) -> None:
        self._connection = connection
        self._transport: Any = connection.transport
        self.head = head
        self.raw = raw
        self.seen = connection.seen(head)
        self.certificate = connection.certificate()
        self.answered = False
        self.sent = False
        self.close = not head.keep_alive
        self._framing = Framing(head.length)
        self._consumer: IConsumer | None = None
        self._body: Deferred[int] | None = None
        self._continued = not head.expects_continue
        self.held = False
        self._was_held = False
        self._gate: Gate | FileGate | None = None
        self._gone = False
        self._waiting: set[Deferred[Any]] = set()
        self.standing: Standing | None = None
        self._mark = (now, 0)

    # -- the answer --

    def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """See :meth:`IExchange.answer`."""
        length: int | None = len(body)
        if status in BODILESS or any(name == "Content-Length" for name, _ in headers):
            length = None
        if self.head.method == "HEAD" or status in BODILESS:
            body = b""
        self._begin_answer(status, headers, length, body)
        self._end_answer()

    def _begin_answer(
        self, status: int, headers: Headers, length: int | None, body: bytes = b""
    ) -> None:
        if self.answered:
            raise RuntimeError("this request has its answer")
        if self._gone:
            raise Disconnected
        self.close = self.close or self._connection.last or not self._reusable()
        date = self._connection.date()
        outlet.write(
            self._transport,
            head_bytes(status, headers, length, self.close, date) + body,
        )
        self.answered = True

    def _reusable(self) -> bool:
        """Whether the rest of the request can be read away."""
        framing = self._framing
        if framing.ended:
            return True
        return (
            self._continued
            and framing.length is not None
            and framing.length - framing.received <= READ_AWAY
        )

    def stands(self, standing: "Standing") -> None:
        """See :meth:`IExchange.stands`."""
        if not self.certificate and self.head.length == 0:
            self.standing = standing

    def _end_answer(self) -> None:
        self.sent = True
        self._connection.sent(self)

    async def stream(
        self, status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """See :meth:`IExchange.stream`."""
        if self.head.method == "HEAD":
            self._begin_answer(status, headers, end - start)
            self._end_answer()
            return
        # For an empty range that is the end, so an empty blob is verified as well.
        available = await self._unless_gone(content.available(start))
        self._begin_answer(status, headers, end - start)
        self._connection.pace(False)
        self._gate = gate = gate_for(self._transport, self._connection.secure)
        gate.open()
        try:
            await send(content, start, end, available, gate, self._unless_gone)
        except BaseException as error:
            self._connection.abort()
            if isinstance(error, Disconnected):
                raise
            raise Disconnected from error
        finally:
            if not self._gone:
                self._transport.unregisterProducer()
                self._connection.pace(True)
            self._gate = None
        self._end_answer()

    async def _unless_gone(self, wait: Coroutine[Any, Any, T]) -> T:
        """Wait, but no longer than the client stays."""
        if self._gone:
            wait.close()
            raise Disconnected
        turn: Deferred[T] = Deferred()

        def arrived(result: T | Failure) -> None:
            if not turn.called:
                self._waiting.discard(turn)
                turn.callback(result)

        self._waiting.add(turn)
        Deferred.fromCoroutine(wait).addBoth(arrived)
        return await turn

    # -- the body --

    async def read(self, limit: int) -> bytes:
        """See :meth:`IExchange.read`."""
        if self.head.length is not None and self.head.length > limit:
            raise TooLarge(f"the body may have at most {limit} bytes")
        collected = _Collected(limit)
        await self.deliver(collected)
        return collected.body()

    async def deliver(self, consumer: IConsumer) -> int:
        """See :meth:`IExchange.deliver`."""
        if self._gone:
            raise Disconnected
        if self._framing.ended:
            return self._framing.received
        if not self._continued:
            self._continued = True
            self._transport.write(CONTINUE)
        self._consumer = consumer
        self._body = Deferred()
        body = self._body
        self._mark = (self._connection.now(), self._framing.received)
        self._was_held = False
        consumer.registerProducer(self, True)
        inlet.widen(self._transport, self._framing.left)
        try:
            self._connection.body_wanted()
            return await body
        finally:
            self._consumer = None
            inlet.narrow(self._transport)
            consumer.unregisterProducer()

    @property
    def taking(self) -> bool:
        """Whether bytes off the wire belong to the body now."""
        return not self._framing.ended and (self._consumer is not None or self.sent)

    @property
    def untaken(self) -> bool:
        """Whether there is more of the body, and nobody takes it yet."""
        return not (self._framing.ended or self._consumer is not None or self.sent)

    def feed(self, data: bytes) -> bytes:
        """Take body bytes off the wire; gives back those behind its end."""
        try:
            pieces, rest = self._framing.feed(data)
        except ChunkError as error:
            self._broken(400, str(error))
            return b""
        consumer: Any = self._consumer
        if consumer is not None:
            for piece in pieces:
                consumer.write(piece)
        if self._framing.ended and self._body is not None:
            body, self._body = self._body, None
            body.callback(self._framing.received)
        return rest

    @property
    def body_ended(self) -> bool:
        """Whether the whole request has been read."""
        return self._framing.ended

    def _broken(self, status: int, reason: str) -> None:
        """The body will never be whole."""
        self.close = True
        if not self.answered:
            self.answer(status, [("Content-Type", "text/plain")], reason.encode())
        else:
            self._connection.abort()
        self._fail_body()

    def _fail_body(self) -> None:
        if self._body is not None:
            body, self._body = self._body, None
            body.errback(Disconnected())

    def pauseProducing(self) -> None:
        """The body's consumer has enough."""
        self.held = self._was_held = True
        self._connection.pause_reading()

    def resumeProducing(self) -> None:
        """The body's consumer takes more."""
        self.held = False
        self._connection.resume_reading()

    def stopProducing(self) -> None:
        """The body's consumer wants no more; what comes falls away."""
        self.resumeProducing()

    # -- time, and the end --

    def tick(self, now: float) -> None:
        """Look whether the client keeps a minimum of pace."""
        since, progress = self._mark
        if self._body is not None:
            if now - since < BODY_WINDOW:
                return
            received = self._framing.received
            if received - progress < RATE * BODY_WINDOW and not self._was_held:
                self._broken(408, "the body comes too slowly")
                return
            self._was_held = self.held
            self._mark = (now, received)
        elif self._gate is not None and self._gate.closed:
            if self._gate.moved():
                self._mark = (now, 0)
            elif now - since > READ_WINDOW + PIECE / RATE:
                self._connection.abort()
        else:
            self._mark = (now, 0)

    def gone(self) -> None:
        """The client has left, or was cut off."""
        self._gone = True
        self._fail_body()
        waiting, self._waiting = self._waiting, set()
        for turn in waiting:
            turn.errback(Disconnected())
        if self._gate is not None:
            self._gate.stopProducing()


@implementer(IConsumer)
class _Collected:
    """A small body, whole."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._pieces: list[bytes | memoryview] = []
        self._size = 0

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """It is never told to pause: there is a limit."""

    def unregisterProducer(self) -> None:
        """Nothing to let go of."""

    def write(self, data: bytes | memoryview) -> None:
        """Keep it, within the limit."""
        self._size += len(data)
        if self._size <= self._limit:
            self._pieces.append(data)

    def body(self) -> bytes:
        """All of it.

        :raises TooLarge: when it had more than the limit.
        """
        if self._size > self._limit:
            raise TooLarge(f"the body may have at most {self._limit} bytes")
        return b"".join(self._pieces)
