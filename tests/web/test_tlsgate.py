"""Large pieces through TLS, on real sockets."""

import os
import socket
import ssl
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.protocols.tls import TLSMemoryBIOProtocol

from pullthrough.interfaces import IContent
from pullthrough.ops.ports import with_tls
from pullthrough.web import sendfile, tlsgate
from pullthrough.web.exchange import IExchange
from pullthrough.web.pacing import Gate
from pullthrough.web.sendfile import gate_for
from pullthrough.web.sending import PIECE
from pullthrough.web.tlsgate import TlsGate, handle_of
from tests.support.blocking import (
    BODY,
    GET,
    Growing,
    SocketCase,
    take,
    take_answer,
    take_head,
    take_until_cut,
)
from tests.support.pki import Authority


class Shown:
    """An OpenSSL connection that counts, and may fail."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.sent: list[int] = []
        self.failing = False

    def send(self, data: Any) -> int:
        """Encrypt."""
        if self.failing:
            raise OSError("as OpenSSL would say it")
        count: int = self._real.send(data)
        self.sent.append(count)
        return count

    def bio_read(self, count: int) -> bytes:
        """What was encrypted."""
        found: bytes = self._real.bio_read(count)
        return found


class TlsCase(SocketCase):
    """A listener over TLS."""

    secure = True
    version = ssl.TLSVersion.TLSv1_3

    def setUp(self) -> None:
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.authority = Authority(Path(folder.name))
        self.files = self.authority.issue("127.0.0.1")
        self.handles: list[Shown] = []

        def shown(transport: Any) -> Any:
            self.handles.append(Shown(handle_of(transport)))
            return self.handles[-1]

        self.patch(sendfile, "handle_of", shown)

    def lay(self, factory: Any) -> Any:
        """As the daemon does."""
        return with_tls(*self.files, reactor)(factory)

    def wrap(self, client: socket.socket) -> socket.socket:
        """A client that speaks one version."""
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.minimum_version = context.maximum_version = self.version
        return context.wrap_socket(client, server_hostname="127.0.0.1")


class TlsGateTests(TlsCase):
    """What arrives."""

    @inlineCallbacks
    def test_whole_and_once_more(self) -> Any:
        """Every byte, head first, most of them encrypted in large pieces and read
        without a thread; the connection goes on."""
        client = yield self.connect()
        for _ in range(2):
            client.sendall(GET)
            head, body = yield deferToThread(take_answer, client)
            self.assertTrue(head.startswith(b"HTTP/1.1 200 "))
            self.assertTrue(body == BODY)
        for handle in self.handles:
            self.assertEqual(set(handle.sent), {PIECE})
            self.assertEqual(len(handle.sent), len(BODY) // PIECE - 1)
        self.assertEqual([one.reads for one in self.contents], [0, 0])

    @inlineCallbacks
    def test_parts_and_pipelined_requests(self) -> Any:
        """Asked for at once, they come whole, in order, one after the other."""
        wanted = [(1, 3_000_002), (5, 6), (7, 70_000), (7_654_321, len(BODY))]
        spans = iter(wanted)

        async def part(exchange: IExchange, content: IContent) -> None:
            start, end = next(spans)
            await exchange.stream(206, [], content, start, end)

        self.work = part
        client = yield self.connect()
        client.sendall(GET * len(wanted))
        for start, end in wanted:
            _, body = yield deferToThread(take_answer, client)
            self.assertTrue(body == BODY[start:end], (start, end))

    @inlineCallbacks
    def test_small_and_large_by_turns(self) -> Any:
        """What Twisted gathers is not overtaken."""
        self.kind = Growing
        client = yield self.connect()
        client.sendall(GET)
        yield self.until(lambda: bool(self.contents) and bool(self.contents[0].turn))
        content, reached = self.contents[0], 0
        for step in (10, 300_000, 5, 70_000, 7, 9, 2_000_000, 64_000, 1, 500_000):
            reached += step
            content.grow(reached)
            yield self.until(lambda: bool(content.turn))
        content.grow(len(BODY))
        _, body = yield deferToThread(take_answer, client)
        self.assertTrue(body == BODY)

    @inlineCallbacks
    def test_when_openssl_fails(self) -> Any:
        """The transport takes over, and nothing is lost or sent twice."""
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_head, client)
        self.handles[0].failing = True
        body = yield deferToThread(take, client, len(BODY) // 2)
        self.handles[0].failing = False
        rest = yield deferToThread(take, client, len(BODY) - len(BODY) // 2)
        self.assertTrue(body + rest == BODY)

    @inlineCallbacks
    def test_a_client_that_rests(self) -> Any:
        """Little waits in memory; a client that leaves then is seen."""
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_head, client)
        exchange: Any = self.exchanges[0]
        yield self.until(lambda: exchange._gate.closed)
        below = exchange._transport.transport
        self.assertLess(len(below.dataBuffer) + below._tempDataLen, 3 * PIECE)
        client.close()
        self.assertEqual((yield self.ended), "Disconnected")
        self.assertTrue(self.contents[0].closed)

    @inlineCallbacks
    def test_cut_short_under_us(self) -> Any:
        """The connection is cut: never a complete lie."""
        client = yield self.connect()
        client.sendall(GET)
        yield deferToThread(take_head, client)
        os.truncate(self.path, len(BODY) // 2)
        body = yield deferToThread(take_until_cut, client)
        self.assertLess(len(body), len(BODY))
        self.assertEqual((yield self.ended), "Disconnected")


class OlderTests(TlsGateTests):
    """The same with TLS 1.2."""

    version = ssl.TLSVersion.TLSv1_2


class NothingShownTests(TlsCase):
    """Where the transport does not show what lies below."""

    @inlineCallbacks
    def test_the_usual_way(self) -> Any:
        """It encrypts by itself."""
        kinds = []

        async def look(exchange: Any, content: IContent) -> None:
            kinds.append(type(gate_for(exchange._transport, True)))
            self.patch(sendfile, "handle_of", lambda transport: None)
            kinds.append(type(gate_for(exchange._transport, True)))
            await exchange.stream(200, [], content, 0, content.size)

        self.work = look
        client = yield self.connect()
        client.sendall(GET)
        _, body = yield deferToThread(take_answer, client)
        self.assertTrue(body == BODY)
        self.assertEqual(kinds, [TlsGate, Gate])

    def test_the_names(self) -> None:
        """What is used of Twisted's and OpenSSL's is there."""
        self.assertTrue(hasattr(TLSMemoryBIOProtocol, "getHandle"))
        self.assertIsNone(tlsgate.handle_of(object()))
