"""The connection: one request at a time, paced both ways, nobody waits for ever."""

import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pullthrough.errors import StorageOutage, TooLarge
from pullthrough.interfaces import IContent
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import Seen, TrustedProxies
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.storage.memory import MemoryContent
from pullthrough.threads import Threads
from pullthrough.web import connection, transaction
from pullthrough.web.answers import head_bytes
from pullthrough.web.exchange import IExchange
from pullthrough.web.listener import Listener
from pullthrough.web.sending import PIECE
from tests.support.wire import Wire

GET = b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n"


def post(body: bytes, *headers: str) -> bytes:
    """A request with a body."""
    lines = ["POST /x HTTP/1.1", "Host: a", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class Taker:
    """A consumer that holds its producer when it is told to."""

    def __init__(self) -> None:
        self.data = b""
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Push producers only."""
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        """It is over."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.data += data


@implementer(IContent)
class Growing:
    """Content that becomes available when the test says."""

    def __init__(self, content: bytes) -> None:
        self.size = len(content)
        self.content = content
        self.reached = 0
        self.turns: list[Deferred[None]] = []
        self.failure: Exception | None = None

    async def available(self, offset: int) -> int:
        """As far as the test has let it grow."""
        while not (self.failure or offset < self.reached or self.reached == self.size):
            turn: Deferred[None] = Deferred()
            self.turns.append(turn)
            await turn
        if self.failure:
            raise self.failure
        return self.reached

    def grow(self, reached: int, failure: Exception | None = None) -> None:
        """Let it grow, or fail."""
        self.reached, self.failure = reached, failure
        turns, self.turns = self.turns, []
        for turn in turns:
            turn.callback(None)

    async def read(self, offset: int, length: int) -> bytes:
        """At once."""
        return self.content[offset : offset + length]

    def fileno(self) -> int | None:
        """There is none."""
        return None

    async def close(self) -> None:
        """Nothing is open."""


class ConnectionCase(SynchronousTestCase):
    """A connection in memory, and an application that the test writes."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.exchanges: list[IExchange] = []
        self.ends: list[str] = []
        self.work: Callable[[IExchange], Awaitable[None]] = self.say_hello

    async def say_hello(self, exchange: IExchange) -> None:
        """The simplest application."""
        exchange.answer(200, [], b"hello")

    async def application(self, exchange: IExchange) -> None:
        """Do the test's work, and remember how it ended."""
        self.exchanges.append(exchange)
        try:
            await self.work(exchange)
        except BaseException as error:
            self.ends.append(type(error).__name__)
            raise
        self.ends.append("done")

    def connect(self, secure: bool = False, half_close: bool = True) -> Wire:
        """A client connects."""
        self.listener = Listener(self.application, self.clock, secure)
        protocol = self.listener.buildProtocol(None)  # type: ignore[arg-type]
        return Wire(protocol, half_close)  # type: ignore[arg-type]

    def status(self, wire: Wire) -> int:
        """The status of what was sent; empties it."""
        return int(wire.take().split(b" ")[1])

    def wait(self, seconds: float) -> None:
        """Let time pass, second by second."""
        self.clock.pump([1.0] * int(seconds))


class AnswerTests(ConnectionCase):
    """Requests and answers."""

    def test_an_answer(self) -> None:
        """Status, headers, length, body; the connection stays."""
        wire = self.connect()
        wire.receive(GET)
        head, _, body = wire.take().partition(b"\r\n\r\n")
        self.assertEqual(body, b"hello")
        lines = head.split(b"\r\n")
        self.assertEqual(lines[0], b"HTTP/1.1 200 OK")
        self.assertIn(b"Content-Length: 5", lines)
        self.assertIn(b"Server: pullthrough", lines)
        self.assertIn(b"X-Content-Type-Options: nosniff", lines)
        self.assertIn(b"Date: Thu, 01 Jan 1970 00:00:00 GMT", lines)
        self.assertFalse(wire.closed)
        self.assertTrue(verifyObject(IExchange, self.exchanges[0]))
        self.assertEqual(self.exchanges[0].seen, Seen("192.0.2.7", False, "a"))

    def test_behind_a_reverse_proxy(self) -> None:
        """What one that is trusted forwards is what the client sees."""
        request = GET.replace(
            b"\r\n\r\n",
            b"\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-Proto: https\r\n"
            b"X-Forwarded-Host: registry.test\r\n\r\n",
        )
        wire = self.connect()
        self.listener.trusted = TrustedProxies(["192.0.2.0/24"])
        wire.receive(request)
        self.assertEqual(
            self.exchanges[0].seen, Seen("203.0.113.9", True, "registry.test", True)
        )
        self.listener.trusted = TrustedProxies(["198.51.100.1"])
        wire.receive(request)
        self.assertEqual(self.exchanges[1].seen, Seen("192.0.2.7", False, "a"))

    def test_a_head_in_pieces(self) -> None:
        """However it is cut."""
        wire = self.connect()
        for byte in GET:
            wire.receive(bytes([byte]))
        self.assertEqual(self.status(wire), 200)

    def test_an_empty_line_before(self) -> None:
        """One is passed over."""
        wire = self.connect()
        wire.receive(b"\r\n" + GET)
        self.assertEqual(self.status(wire), 200)

    def test_head_has_no_body(self) -> None:
        """The length is told, the body is not sent."""
        wire = self.connect()
        wire.receive(GET.replace(b"GET", b"HEAD"))
        self.assertIn(b"Content-Length: 5", wire.sent)
        self.assertTrue(wire.take().endswith(b"\r\n\r\n"))

    def test_a_stated_length(self) -> None:
        """A length in the headers is not doubled; 204 has none."""

        async def work(exchange: IExchange) -> None:
            exchange.answer(200, [("Content-Length", "77")])

        self.work = work
        wire = self.connect()
        wire.receive(GET.replace(b"GET", b"HEAD"))
        self.assertEqual(wire.take().count(b"Content-Length"), 1)

        async def nothing(exchange: IExchange) -> None:
            exchange.answer(204, [])

        self.work = nothing
        wire.receive(GET)
        self.assertNotIn(b"Content-Length", wire.take())

    def test_pipelined(self) -> None:
        """One after the other, in order."""
        wire = self.connect()
        wire.receive(GET * 5)
        self.assertEqual(wire.take().count(b"HTTP/1.1 200"), 5)

    def test_pipelined_while_one_is_answered(self) -> None:
        """What comes meanwhile waits; too much of it is not read."""
        turn: Deferred[None] = Deferred()

        async def work(exchange: IExchange) -> None:
            if len(self.exchanges) == 1:
                await turn
            exchange.answer(200, [], b"hello")

        self.work = work
        wire = self.connect()
        wire.receive(GET * 2)
        self.assertEqual(len(self.exchanges), 1)
        wire.receive(GET * 3000)
        self.assertFalse(wire.reading)
        turn.callback(None)
        self.assertEqual(wire.take().count(b"HTTP/1.1 200"), connection.MOST_REQUESTS)
        self.assertTrue(wire.closed or wire.half_closed)

    def test_the_client_may_want_it_closed(self) -> None:
        """``Connection: close``, and HTTP/1.0."""
        for request in (
            GET.replace(b"Host", b"Connection: close\r\nHost"),
            b"GET /v2/ HTTP/1.0\r\n\r\n",
        ):
            wire = self.connect()
            wire.receive(request)
            self.assertIn(b"Connection: close", wire.take())
            self.assertTrue(wire.closed)

    def test_refused_heads(self) -> None:
        """The refusal's status, then the end; nothing behind it is read."""
        wire = self.connect()
        wire.receive(b"GET /../ HTTP/1.1\r\nHost: a\r\n\r\n" + GET)
        self.assertEqual(self.status(wire), 400)
        self.assertEqual(self.exchanges, [])
        self.assertTrue(wire.half_closed)
        wire = self.connect(half_close=False)
        wire.receive(b"x" * 16 * 1024)
        self.assertEqual(self.status(wire), 431)
        self.assertTrue(wire.closed)

    def test_tls_on_a_plain_connector(self) -> None:
        """Answered at once with bytes that begin with HTTP/, then closed."""
        wire = self.connect()
        wire.receive(b"\x16")
        self.assertTrue(wire.take().startswith(b"HTTP/1.1 400"))
        self.assertTrue(wire.closed)

    def test_two_answers(self) -> None:
        """A second answer is a bug, and the connection is cut."""

        async def work(exchange: IExchange) -> None:
            exchange.answer(200, [])
            exchange.answer(200, [])

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        self.assertTrue(wire.aborted)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    def test_a_bug(self) -> None:
        """500 without a word of what went wrong; the log has it."""

        async def work(exchange: IExchange) -> None:
            raise ValueError("secret")

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        sent = wire.take()
        self.assertTrue(sent.startswith(b"HTTP/1.1 500"))
        self.assertNotIn(b"secret", sent)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_no_answer(self) -> None:
        """500 as well."""

        async def work(exchange: IExchange) -> None:
            pass

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        self.assertEqual(self.status(wire), 500)

    def test_header_injection(self) -> None:
        """A value with a line end never goes out."""
        for value in ("a\r\nb", "a\nb", "a\0b"):
            self.assertRaises(ValueError, head_bytes, 200, [("X", value)], 0, False, "")


class BodyTests(ConnectionCase):
    """Request bodies."""

    def setUp(self) -> None:
        super().setUp()
        self.taker = Taker()
        self.work = self.take

    async def take(self, exchange: IExchange) -> None:
        """Take the body."""
        count = await exchange.deliver(self.taker)  # type: ignore[arg-type]
        exchange.answer(201, [], str(count).encode())

    def test_by_length(self) -> None:
        """Together with the head, or later; then the next request."""
        wire = self.connect()
        wire.receive(post(b"hello") + GET[:5])
        self.assertEqual(self.taker.data, b"hello")
        self.assertTrue(wire.take().endswith(b"\r\n\r\n5"))
        self.work = self.say_hello
        wire.receive(GET[5:])
        self.assertEqual(self.status(wire), 200)

    def test_in_pieces(self) -> None:
        """As they come."""
        wire = self.connect()
        request = post(b"hello")
        wire.receive(request[:-3])
        self.assertEqual(self.taker.data, b"he")
        wire.receive(b"llo")
        self.assertEqual(self.status(wire), 201)

    def test_chunked(self) -> None:
        """Decoded."""
        wire = self.connect()
        head = b"PATCH /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.receive(head + b"5\r\nhel")
        wire.receive(b"lo\r\n0\r\n\r\n")
        self.assertEqual(self.taker.data, b"hello")
        self.assertEqual(self.status(wire), 201)

    def test_broken_chunks(self) -> None:
        """400, the end, and the application knows."""
        wire = self.connect()
        head = b"PATCH /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.receive(head + b"x\r\n")
        self.assertEqual(self.status(wire), 400)
        self.assertEqual(self.ends, ["Disconnected"])

    def test_nothing_is_read_before_it_is_wanted(self) -> None:
        """The transport rests until the application takes the body."""
        turn: Deferred[None] = Deferred()

        async def work(exchange: IExchange) -> None:
            await turn
            await self.take(exchange)

        self.work = work
        wire = self.connect()
        wire.receive(post(b"hello")[:-3])
        self.assertFalse(wire.reading)
        self.assertEqual(self.taker.data, b"")
        turn.callback(None)
        self.assertTrue(wire.reading)
        wire.receive(b"llo")
        self.assertEqual(self.taker.data, b"hello")

    def test_back_pressure(self) -> None:
        """The consumer's pause is the transport's."""
        wire = self.connect()
        wire.receive(post(b"x" * 100)[:-50])
        self.taker.producer.pauseProducing()
        self.assertFalse(wire.reading)
        self.taker.producer.resumeProducing()
        self.assertTrue(wire.reading)

    def test_expect_continue(self) -> None:
        """100 when the body is wanted, and not before; never when it is refused."""
        wire = self.connect()
        wire.receive(post(b"", "Expect: 100-continue").replace(b": 0", b": 5"))
        self.assertEqual(wire.take(), b"HTTP/1.1 100 Continue\r\n\r\n")
        wire.receive(b"hello")
        self.assertEqual(self.status(wire), 201)
        self.work = self.say_hello
        wire.receive(post(b"", "Expect: 100-continue").replace(b": 0", b": 5"))
        sent = wire.take()
        self.assertTrue(sent.startswith(b"HTTP/1.1 200"))
        self.assertIn(b"Connection: close", sent)

    def test_an_unread_body(self) -> None:
        """A small one is read away, a large one closes the connection."""
        self.work = self.say_hello
        wire = self.connect()
        wire.receive(post(b"x" * 1000)[:-500])
        self.assertEqual(self.status(wire), 200)
        wire.receive(b"x" * 500 + GET)
        self.assertEqual(self.status(wire), 200)
        self.assertEqual(len(self.exchanges), 2)
        wire = self.connect()
        wire.receive(post(b"x" * 100_000)[:-90_000])
        self.assertIn(b"Connection: close", wire.take())
        self.assertTrue(wire.half_closed)
        wire.receive(b"x" * 90_000)
        self.assertFalse(wire.closed)
        self.wait(3)
        self.assertTrue(wire.closed)

    def test_lingering_is_bounded(self) -> None:
        """Whoever goes on sending is cut off."""
        self.work = self.say_hello
        wire = self.connect()
        wire.receive(post(b"", "X: y").replace(b": 0", b": 99999999"))
        wire.receive(b"x" * 300_000)
        self.assertTrue(wire.aborted)

    def test_read(self) -> None:
        """The whole body, within a limit that holds for both framings."""
        bodies: list[Any] = []

        async def work(exchange: IExchange) -> None:
            try:
                bodies.append(await exchange.read(5))
            except TooLarge as error:
                bodies.append(error)
            exchange.answer(200, [])

        self.work = work
        wire = self.connect()
        wire.receive(post(b"hello"))
        wire.receive(post(b"hello!"))
        self.assertEqual(bodies[0], b"hello")
        self.assertIsInstance(bodies[1], TooLarge)
        wire = self.connect()
        head = b"PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire.receive(head + b"6\r\nhello!\r\n0\r\n\r\n")
        self.assertIsInstance(bodies[2], TooLarge)

    def test_no_body(self) -> None:
        """Delivers nothing."""
        wire = self.connect()
        wire.receive(GET)
        self.assertTrue(wire.take().endswith(b"\r\n\r\n0"))

    def test_the_client_leaves(self) -> None:
        """The application is told at once."""
        wire = self.connect()
        wire.receive(post(b"hello")[:-1])
        wire.leave()
        self.assertEqual(self.ends, ["Disconnected"])
        self.assertIsNone(self.taker.producer)


class StreamTests(ConnectionCase):
    """Bodies of answers, as they become available."""

    content: Any

    def setUp(self) -> None:
        super().setUp()
        self.work = self.stream

    async def stream(self, exchange: IExchange) -> None:
        """Send the content."""
        await exchange.stream(200, [], self.content, 0, self.content.size)

    def test_whole(self) -> None:
        """All bytes, with their length, and the next request."""
        self.content = MemoryContent(b"x" * (3 * PIECE + 5))
        wire = self.connect()
        wire.receive(GET)
        head, _, body = wire.take().partition(b"\r\n\r\n")
        self.assertIn(b"Content-Length: %d" % self.content.size, head)
        self.assertEqual(len(body), self.content.size)
        self.assertIs(wire.producer, wire.protocol)
        wire.receive(GET)
        self.assertEqual(self.status(wire), 200)

    def test_a_part(self) -> None:
        """Exactly the bytes asked for."""

        async def work(exchange: IExchange) -> None:
            await exchange.stream(206, [], MemoryContent(b"0123456789"), 2, 5)

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        self.assertTrue(wire.take().endswith(b"\r\n\r\n234"))

    def test_the_clients_pace(self) -> None:
        """A piece at a time, while the transport is full."""
        self.content = MemoryContent(b"x" * 3 * PIECE)
        wire = self.connect()
        wire.full = True
        wire.receive(GET)
        self.assertLess(len(wire.take()), PIECE + 1000)
        wire.drained()
        self.assertEqual(len(wire.take()), PIECE)
        wire.full = False
        wire.drained()
        self.assertEqual(len(wire.take()), PIECE)
        self.assertEqual(self.ends, ["done"])

    def test_while_it_grows(self) -> None:
        """What is there is sent; waiting costs nobody anything."""
        self.content = content = Growing(b"0123456789")
        wire = self.connect()
        wire.receive(GET)
        self.assertEqual(wire.take(), b"")
        content.grow(4)
        self.assertTrue(wire.take().endswith(b"\r\n\r\n0123"))
        self.wait(1000)
        content.grow(10)
        self.assertEqual(wire.take(), b"456789")
        self.assertEqual(self.ends, ["done"])

    def test_an_error_before_the_first_byte(self) -> None:
        """It can still be answered otherwise."""
        self.content = content = Growing(b"0123456789")

        async def work(exchange: IExchange) -> None:
            try:
                await self.stream(exchange)
            except StorageOutage:
                exchange.answer(503, [])

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        content.grow(0, StorageOutage("x"))
        self.assertEqual(self.status(wire), 503)

    def test_an_error_later(self) -> None:
        """The connection is cut: never a complete lie."""
        self.content = content = Growing(b"0123456789")
        wire = self.connect()
        wire.receive(GET)
        content.grow(4)
        content.grow(4, StorageOutage("x"))
        self.assertTrue(wire.aborted)
        self.assertEqual(self.ends, ["Disconnected"])

    def test_empty_content_is_verified(self) -> None:
        """Also of nothing the end is only told once it is certain."""
        self.content = content = Growing(b"")
        content.reached = -1
        wire = self.connect()
        wire.receive(GET)
        self.assertEqual(wire.take(), b"")
        content.grow(0)
        self.assertIn(b"Content-Length: 0", wire.take())

    def test_head_reads_nothing(self) -> None:
        """The length only."""
        self.content = Growing(b"0123456789")
        wire = self.connect()
        wire.receive(GET.replace(b"GET", b"HEAD"))
        self.assertIn(b"Content-Length: 10", wire.take())

    def test_the_client_leaves_while_it_waits(self) -> None:
        """The application is told at once, though nothing has come yet."""
        self.content = content = Growing(b"0123456789")
        wire = self.connect()
        wire.receive(GET)
        wire.leave()
        self.assertEqual(self.ends, ["Disconnected"])
        content.grow(10)

    def test_the_client_leaves_while_it_is_full(self) -> None:
        """Likewise."""
        self.content = MemoryContent(b"x" * 3 * PIECE)
        wire = self.connect()
        wire.full = True
        wire.receive(GET)
        wire.leave()
        self.assertEqual(self.ends, ["Disconnected"])


class TimeTests(ConnectionCase):
    """Deadlines."""

    def test_a_slow_head(self) -> None:
        """A head has ten seconds, however it drips; 408."""
        wire = self.connect()
        for byte in GET[:11]:
            wire.receive(bytes([byte]))
            self.wait(1)
        self.assertEqual(self.status(wire), 408)

    def test_nothing_at_all(self) -> None:
        """Who says nothing is cut off."""
        wire = self.connect()
        self.wait(11)
        self.assertTrue(wire.aborted)

    def test_idle(self) -> None:
        """Between requests a minute; a head that begins has ten seconds."""
        wire = self.connect()
        wire.receive(GET)
        wire.take()
        self.wait(55)
        self.assertFalse(wire.closed)
        wire.receive(GET)
        self.wait(55)
        wire.receive(GET[:5])
        self.wait(4)
        self.assertFalse(wire.closed or wire.half_closed)
        self.wait(7)
        self.assertTrue(wire.closed or wire.half_closed)

    def test_a_slow_body(self) -> None:
        """Less than 1 KiB a second over 30 s: 408, and the session is kept."""

        async def work(exchange: IExchange) -> None:
            await exchange.deliver(Taker())  # type: ignore[arg-type]

        self.work = work
        wire = self.connect()
        wire.receive(post(b"", "X: y").replace(b": 0", b": 99999999"))
        for _ in range(31):
            wire.receive(b"x")
            self.wait(1)
            if wire.sent:
                break
        self.assertEqual(self.status(wire), 408)
        self.assertEqual(self.ends, ["Disconnected"])

    def test_a_body_that_is_fast_enough(self) -> None:
        """1 KiB a second is enough; our own holding does not count."""
        taker = Taker()

        async def work(exchange: IExchange) -> None:
            await exchange.deliver(taker)  # type: ignore[arg-type]

        self.work = work
        wire = self.connect()
        wire.receive(post(b"", "X: y").replace(b": 0", b": 99999999"))
        for _ in range(100):
            wire.receive(b"x" * 1100)
            self.wait(1)
        taker.producer.pauseProducing()
        self.wait(500)
        taker.producer.resumeProducing()
        self.wait(25)
        self.assertFalse(wire.closed)

    def test_a_slow_reader(self) -> None:
        """A piece that does not go out at 1 KiB a second plus a minute: cut off."""

        async def work(exchange: IExchange) -> None:
            content = MemoryContent(b"x" * 3 * PIECE)
            await exchange.stream(200, [], content, 0, content.size)

        self.work = work
        wire = self.connect()
        wire.full = True
        wire.receive(GET)
        self.wait(PIECE // transaction.RATE + 50)
        self.assertFalse(wire.closed)
        wire.drained()
        self.wait(PIECE // transaction.RATE + 50)
        self.assertFalse(wire.closed)
        self.wait(20)
        self.assertTrue(wire.aborted)

    def test_nothing_ticks_without_connections(self) -> None:
        """The last one to leave stops the clock."""
        wire = self.connect()
        wire.receive(GET)
        wire.leave()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class DrainTests(ConnectionCase):
    """The end of a connector."""

    def test_drain(self) -> None:
        """Idle ones leave at once, busy ones after their answer; then it is over."""
        turn: Deferred[None] = Deferred()

        async def work(exchange: IExchange) -> None:
            await turn
            exchange.answer(200, [], b"hello")

        idle = self.connect()
        listener = self.listener
        self.work = work
        busy = Wire(listener.buildProtocol(None))  # type: ignore[arg-type]
        busy.receive(GET)
        drained = Deferred.fromCoroutine(listener.drain())
        self.assertTrue(idle.closed)
        self.assertNoResult(drained)
        turn.callback(None)
        self.assertIn(b"Connection: close", busy.take())
        self.successResultOf(drained)

    def test_drain_while_content_is_sent(self) -> None:
        """Its head promised a connection that stays; it ends all the same."""
        content = Growing(b"0123456789")

        async def work(exchange: IExchange) -> None:
            await exchange.stream(200, [], content, 0, content.size)

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        content.grow(5)
        drained = Deferred.fromCoroutine(self.listener.drain())
        self.assertNoResult(drained)
        content.grow(10)
        self.assertTrue(wire.take().endswith(b"0123456789"))
        self.assertTrue(wire.closed)
        self.successResultOf(drained)

    def test_abort(self) -> None:
        """Whoever is still there is cut off."""

        async def work(exchange: IExchange) -> None:
            await Deferred()

        self.work = work
        wire = self.connect()
        wire.receive(GET)
        drained = Deferred.fromCoroutine(self.listener.drain())
        self.listener.abort_all()
        self.assertTrue(wire.aborted)
        self.successResultOf(drained)


class Client(Protocol):
    """A client on a real socket that reads when the test lets it."""

    def __init__(self) -> None:
        self.data = b""
        self.closed: Deferred[None] = Deferred()
        self.wanted = 0
        self.enough: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        """Keep it."""
        self.data += data
        if self.wanted and len(self.data) >= self.wanted and not self.enough.called:
            self.enough.callback(None)

    def connectionLost(self, reason: Any = None) -> None:
        """It is over."""
        self.closed.callback(None)


class LoopbackTests(TestCase):
    """Real sockets."""

    async def serve(self, application: Any) -> Any:
        """A listener, and a client connected to it."""
        listener = Listener(application, reactor)  # type: ignore[arg-type]
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(listener)
        self.addCleanup(port.stopListening)
        to = TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port)
        client = Client()
        await to.connect(Factory.forProtocol(lambda: client))
        return client

    async def test_a_slow_reader_of_16_mib(self) -> None:
        """Memory stays small while it rests; then it gets every byte."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        threads = Threads(reactor, "test", 2)  # type: ignore[arg-type]
        threads.start()
        self.addCleanup(threads.stop)
        store = FilesystemBlobStore("disk", Path(folder.name), threads)
        store.prepare()
        body = bytes(range(256)) * 64 * 1024
        ingest = await store.ingest("k")
        ingest.write(body)
        await ingest.commit(Digest.of(body))
        await ingest.close()
        sent: list[int] = []

        async def application(exchange: IExchange) -> None:
            content = await store.open(Digest.of(body))
            real_read = content.read

            async def read(offset: int, length: int) -> bytes:
                sent.append(offset)
                return await real_read(offset, length)

            content.read = read  # type: ignore[method-assign]
            content.fileno = lambda: None  # type: ignore[method-assign]
            await exchange.stream(200, [], content, 0, content.size)
            await content.close()

        client = await self.serve(application)
        client.wanted = 1
        client.transport.write(GET)
        await client.enough
        client.transport.pauseProducing()
        client.wanted = len(body)
        client.enough = Deferred()
        client.transport.resumeProducing()
        await client.enough
        self.assertTrue(client.data.endswith(body))
        self.assertEqual(len(sent), len(body) // PIECE)
        client.transport.write(GET)
        client.wanted = 2 * len(body)
        client.enough = Deferred()
        await client.enough
        client.transport.loseConnection()
        await client.closed

    async def test_tls_hello(self) -> None:
        """Answered and closed."""

        async def application(exchange: IExchange) -> None:
            raise AssertionError

        client = await self.serve(application)
        client.transport.write(b"\x16\x03\x01\x02\x00")
        await client.closed
        self.assertTrue(client.data.startswith(b"HTTP/1.1 400"))

    async def test_a_refusal_reaches_an_eager_sender(self) -> None:
        """It has sent a body that nobody wanted, and still reads the answer."""

        async def application(exchange: IExchange) -> None:
            exchange.answer(403, [], b"no")

        client = await self.serve(application)
        client.transport.write(post(b"x" * 200_000))
        await client.closed
        self.assertTrue(client.data.startswith(b"HTTP/1.1 403"))
        self.assertTrue(client.data.endswith(b"no"))
