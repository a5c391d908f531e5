"""Files that go straight to a socket, on real sockets."""

import os
import select
import socket
import ssl
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint, serverFromString
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pullthrough.interfaces import IContent
from pullthrough.storage.content import FileContent
from pullthrough.storage.files import Files
from pullthrough.storage.openfile import OpenFile
from pullthrough.threads import Inline
from pullthrough.web import sendfile, transaction
from pullthrough.web.exchange import IExchange
from pullthrough.web.listener import Listener
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import STEP, TURN, FileGate, gate_for
from pullthrough.web.sending import PIECE
from tests.support.pki import Authority

GET = b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n"

#: More than sockets take at once.
BODY = bytes(range(256)) * 1024 * 64  # 16 MiB

#: Seconds after which a client that gets nothing has failed; none is expected.
PATIENCE = 30.0


class Counted(FileContent):
    """Counts what is read past sendfile."""

    reads = 0
    closed = False

    async def read(self, offset: int, length: int) -> bytes:
        """Count."""
        self.reads += 1
        return await super().read(offset, length)

    async def close(self) -> None:
        """Remember."""
        self.closed = True
        await super().close()


class Growing(Counted):
    """Becomes available when the test says."""

    reached = 0
    turn: Deferred[None] | None = None

    async def available(self, offset: int) -> int:
        """As far as the test has let it grow."""
        while offset >= self.reached:
            self.turn = Deferred()
            await self.turn
        return self.reached

    def grow(self, reached: int) -> None:
        """So far."""
        self.reached = reached
        turn, self.turn = self.turn, None
        if turn is not None:
            turn.callback(None)


class SocketCase(TestCase):
    """A listener whose application sends ``self.content``, and blocking clients."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "blob"
        self.path.write_bytes(BODY)
        self.clock = Clock()
        self.contents: list[Any] = []
        self.exchanges: list[IExchange] = []
        self.ended: Deferred[str] = Deferred()
        self.work: Callable[[IExchange, IContent], Awaitable[None]] = self.send_whole
        self.kind: type[Counted] = Counted
        self.counts: list[int] = []
        real = os.sendfile

        def counting(out: int, number: int, offset: int, count: int) -> int:
            self.counts.append(count)
            return real(out, number, offset, count)

        self.patch(os, "sendfile", counting)

    async def send_whole(self, exchange: IExchange, content: IContent) -> None:
        """All of it."""
        await exchange.stream(200, [], content, 0, content.size)

    def content(self) -> Counted:
        """The file, opened."""
        number = os.open(self.path, os.O_RDONLY)
        file = OpenFile(Files(), Inline(), number)
        return self.kind(file, len(BODY))

    async def application(self, exchange: IExchange) -> None:
        """Send; remember how it ended."""
        content = self.content()
        self.contents.append(content)
        self.exchanges.append(exchange)
        try:
            try:
                await self.work(exchange, content)
            finally:
                await content.close()
        except BaseException as error:
            self.ended.callback(type(error).__name__)
            raise

    @inlineCallbacks
    def connect(self) -> Any:
        """A client, connected; its reads block, in threads."""
        self.listener = Listener(self.application, self.clock)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = yield endpoint.listen(self.listener)
        self.addCleanup(port.stopListening)
        client = yield deferToThread(
            socket.create_connection, ("127.0.0.1", port.getHost().port), PATIENCE
        )
        self.addCleanup(self.left)
        self.addCleanup(client.close)
        return client

    async def left(self) -> None:
        """Nobody is connected any more."""
        await self.listener.drain()

    @inlineCallbacks
    def until(self, holds: Callable[[], bool]) -> Any:
        """Let the reactor turn until that holds."""
        while not holds():
            turn: Deferred[None] = Deferred()
            reactor.callLater(0, turn.callback, None)  # type: ignore[attr-defined]
            yield turn


def take(client: socket.socket, size: int) -> bytes:
    """So many bytes, or what comes before the end."""
    pieces = []
    while size > 0 and (piece := client.recv(min(size, 1 << 20))):
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def take_head(client: socket.socket) -> bytes:
    """A response head."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = client.recv(1)
        assert byte, head
        head += byte
    return head


def take_answer(client: socket.socket) -> tuple[bytes, bytes]:
    """Head and body."""
    head = take_head(client)
    size = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return head, take(client, size)


class SendfileTests(SocketCase):
    """What arrives, and what does not."""

    @inlineCallbacks
    def test_whole_and_once_more(self) -> Any:
        """Every byte, none of them through us, and the connection goes on."""
        client = yield self.connect()
        for _ in range(2):
            client.sendall(GET)
            head, body = yield deferToThread(take_answer, client)
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
            self.assertTrue(body == BODY)
        self.assertEqual([one.reads for one in self.contents], [0, 0])
        self.assertTrue(all(one.closed for one in self.contents))

    @inlineCallbacks
    def test_a_part_and_pipelined_requests(self) -> Any:
        """Three parts asked for at once come whole, in order, one after the other."""
        spans = iter([(1, 3_000_002), (5, 6), (7_654_321, len(BODY))])

        async def part(exchange: IExchange, content: IContent) -> None:
            start, end = next(spans)
            await exchange.stream(206, [], content, start, end)

        self.work = part
        client = yield self.connect()
        client.sendall(GET * 3)
        for start, end in ((1, 3_000_002), (5, 6), (7_654_321, len(BODY))):
            head, body = yield deferToThread(take_answer, client)
            self.assertTrue(head.startswith(b"HTTP/1.1 206 "))
            self.assertTrue(body == BODY[start:end], (start, end))

    @inlineCallbacks
    def test_a_head_that_waits(self) -> Any:
        """What the transport has not sent yet is not overtaken."""
        self.patch(sendfile.outlet, "MOST", 0)  # all heads go by the transport
        client = yield self.connect()
        client.sendall(GET)
        _, body = yield deferToThread(take_answer, client)
        self.assertTrue(body == BODY)
        self.assertEqual(self.contents[0].reads, 0)

    @inlineCallbacks
    def test_turns(self) -> Any:
        """Never more than a turn at once: others are served between."""
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_answer, client)
        self.assertGreaterEqual(len(self.counts), len(BODY) // TURN)
        self.assertLessEqual(max(self.counts), TURN)

    @inlineCallbacks
    def test_while_it_grows(self) -> Any:
        """Only what is available, at once when it is."""
        self.kind = Growing
        client = yield self.connect()
        client.sendall(GET)
        yield self.until(lambda: bool(self.contents) and bool(self.contents[0].turn))
        content = self.contents[0]
        offset = 0
        for reached in (3, TURN, TURN + 7, len(BODY) - 1, len(BODY)):
            content.grow(reached)
            if not offset:
                yield deferToThread(take_head, client)
            body = yield deferToThread(take, client, reached - offset)
            self.assertTrue(body == BODY[offset:reached], reached)
            offset = reached
        self.assertEqual(content.reads, 0)

    @inlineCallbacks
    def test_what_is_not_in_memory(self) -> Any:
        """It is read in a thread and written; what is in memory follows as a file."""
        cold = {0, PIECE, 2 * TURN + PIECE}
        self.patch(
            sendfile, "_in_memory", lambda number, offset, count: offset not in cold
        )
        client = yield self.connect()
        client.sendall(GET)
        _, body = yield deferToThread(take_answer, client)
        self.assertTrue(body == BODY)
        self.assertGreaterEqual(self.contents[0].reads, 2)
        self.assertLess(self.contents[0].reads, 4)
        self.assertTrue(self.counts)

    @inlineCallbacks
    def test_a_file_system_that_cannot(self) -> Any:
        """It is read and written then."""

        def cannot(*args: Any) -> int:
            raise OSError(22, "Invalid argument")

        self.patch(os, "sendfile", cannot)
        client = yield self.connect()
        client.sendall(GET)
        _, body = yield deferToThread(take_answer, client)
        self.assertTrue(body == BODY)
        self.assertEqual(self.contents[0].reads, len(BODY) // PIECE)

    @inlineCallbacks
    def test_cut_short_under_us(self) -> Any:
        """The connection is cut: never a complete lie."""
        client = yield self.connect()
        client.sendall(GET)
        head = yield deferToThread(take_head, client)
        self.assertIn(b"Content-Length: %d" % len(BODY), head)
        os.truncate(self.path, len(BODY) // 2)
        body = yield deferToThread(take_until_cut, client)
        self.assertLess(len(body), len(BODY))
        self.assertEqual((yield self.ended), "Disconnected")

    @inlineCallbacks
    def test_closed_under_us(self) -> Any:
        """The descriptor is asked for before each use, and never used after."""

        async def close(exchange: IExchange, content: Any) -> None:
            turns = iter([None, None])
            real = content.fileno
            closing = Deferred.fromCoroutine(content.close())
            content.fileno = lambda: next(turns, real())
            await exchange.stream(200, [], content, 0, content.size)
            await closing

        self.work = close
        client = yield self.connect()
        client.sendall(GET)
        body = yield deferToThread(take_until_cut, client)
        self.assertTrue(body.endswith(b"\r\n\r\n"), "nothing but the head")
        self.assertEqual((yield self.ended), "Disconnected")
        self.assertEqual(self.counts, [])

    @inlineCallbacks
    def test_the_client_leaves(self) -> Any:
        """While it waits for the socket: the application is told, the file closed."""
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_head, client)
        client.close()
        self.assertEqual((yield self.ended), "Disconnected")
        self.assertTrue(self.contents[0].closed)


def take_until_cut(client: socket.socket) -> bytes:
    """What comes before the end, however it ends."""
    found = b""
    try:
        while piece := client.recv(1 << 20):
            found += piece
    except ConnectionResetError:
        pass
    return found


class PaceTests(SocketCase):
    """The least pace of a reader: what it takes, not what its socket's buffer takes."""

    #: Seconds in which a reader must have taken a step.
    WINDOW = transaction.READ_WINDOW + PIECE / transaction.RATE

    @inlineCallbacks
    def full(self) -> Any:
        """A client that has read a head only; the sockets between are full."""
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_head, client)
        exchange: Any = self.exchanges[0]
        number = exchange._transport.fileno()
        yield self.until(lambda: not select.select([], [number], [], 0)[1])
        self.assertTrue(exchange._gate.closed)
        return client

    @inlineCallbacks
    def test_one_that_reads_nothing(self) -> Any:
        """It is cut off."""
        yield self.full()
        self.wait(self.WINDOW - 5)
        self.assertFalse(self.ended.called)
        self.wait(10)
        self.assertEqual((yield self.ended), "Disconnected")

    @inlineCallbacks
    def test_one_that_is_slow_enough(self) -> Any:
        """A step in each window is enough, though the socket never takes more."""
        client = yield self.full()
        for _ in range(3):
            self.wait(self.WINDOW - 5)
            sends = len(self.counts)
            yield deferToThread(take, client, 4 * STEP)
            self.wait(1)
        self.assertFalse(self.ended.called)
        self.assertGreaterEqual(len(self.counts), sends)
        body = yield deferToThread(take, client, len(BODY) - 12 * STEP)
        self.assertTrue(body == BODY[12 * STEP :])

    def wait(self, seconds: float) -> None:
        """Let time pass, second by second."""
        self.clock.pump([1.0] * int(seconds))


class ChoiceTests(SocketCase):
    """Which transports get files."""

    @inlineCallbacks
    def test_never_past_tls(self) -> Any:
        """A file's bytes would go out unencrypted."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = Authority(Path(folder.name))
        certificate, key = authority.issue("127.0.0.1")
        self.listener = Listener(self.application, self.clock)  # it does not know
        endpoint = serverFromString(
            reactor,
            f"ssl:0:interface=127.0.0.1:privateKey={key}:certKey={certificate}",
        )
        port = yield endpoint.listen(self.listener)
        self.addCleanup(port.stopListening)
        context = ssl.create_default_context(cafile=str(authority.certificate))

        def ask() -> bytes:
            address = ("127.0.0.1", port.getHost().port)
            with (
                socket.create_connection(address, PATIENCE) as plain,
                context.wrap_socket(plain, server_hostname="127.0.0.1") as client,
            ):
                client.sendall(GET)
                return take_answer(client)[1]

        body = yield deferToThread(ask)
        self.assertTrue(body == BODY)
        self.assertEqual(self.counts, [])
        yield self.left()

    @inlineCallbacks
    def test_plain(self) -> Any:
        """A plain socket's does, unless somebody says that TLS lies between."""
        kinds = []

        async def look(exchange: Any, content: IContent) -> None:
            transport = exchange._transport
            kinds.extend(type(gate_for(transport, secure)) for secure in (False, True))
            transport.TLS = True
            kinds.append(type(gate_for(transport, False)))
            transport.TLS = False
            exchange.answer(200, [])

        self.work = look
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_answer, client)
        self.assertEqual(kinds, [FileGate, Gate, Gate])


class MemoryTests(TestCase):
    """What is in memory."""

    def test_of_a_file(self) -> None:
        """What was just written is; what lies behind the end is nothing to wait for."""
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 10_000)
            file.flush()
            self.assertTrue(sendfile._in_memory(file.fileno(), 0, 10_000))

    def test_what_cannot_tell(self) -> None:
        """It is taken for not in memory."""
        ours, theirs = os.pipe()
        self.addCleanup(os.close, ours)
        self.addCleanup(os.close, theirs)
        self.assertFalse(sendfile._in_memory(ours, 0, 1))
