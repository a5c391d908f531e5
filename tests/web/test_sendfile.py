"""Files that go straight to a socket, on real sockets."""

import os
import select
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import serverFromString
from twisted.internet.threads import deferToThread

from pullthrough.interfaces import IContent
from pullthrough.web import sendfile, transaction
from pullthrough.web.exchange import IExchange
from pullthrough.web.listener import Listener
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import TURN, FileGate, gate_for
from pullthrough.web.sending import PIECE
from tests.support.blocking import (
    BODY,
    GET,
    PATIENCE,
    Growing,
    SocketCase,
    take,
    take_answer,
    take_head,
    take_until_cut,
)
from tests.support.pki import Authority


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
