"""A listener that sends a file, and clients on real sockets that block in threads."""

import os
import socket
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.task import Clock
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pullthrough.interfaces import IContent
from pullthrough.storage.content import FileContent
from pullthrough.storage.files import Files
from pullthrough.storage.openfile import OpenFile
from pullthrough.threads import Inline
from pullthrough.web.exchange import IExchange
from pullthrough.web.listener import Listener

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
    """A listener whose application sends a file, and clients that block."""

    secure = False

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
        self.listener = Listener(self.application, self.clock, self.secure)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = yield endpoint.listen(self.lay(self.listener))
        self.addCleanup(port.stopListening)
        client = yield deferToThread(
            socket.create_connection, ("127.0.0.1", port.getHost().port), PATIENCE
        )
        self.addCleanup(self.left)
        self.addCleanup(client.close)
        wrapped = yield deferToThread(self.wrap, client)
        self.addCleanup(wrapped.close)
        return wrapped

    def lay(self, factory: Any) -> Any:
        """What lies below the listener's connections; here nothing."""
        return factory

    def wrap(self, client: socket.socket) -> socket.socket:
        """The client's end of that."""
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


def take_until_cut(client: socket.socket) -> bytes:
    """What comes before the end, however it ends."""
    found = b""
    try:
        while piece := client.recv(1 << 20):
            found += piece
    except ConnectionResetError:
        pass
    return found
