"""What a worker's owner serves in tests, and a client that comes to the worker."""

import os
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pullthrough.accessline import AccessLine
from pullthrough.errors import StorageOutage
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.web.exchange import Disconnected, IExchange
from pullthrough.web.kept import Kept, Standing
from pullthrough.web.listener import Listener
from tests.support.beside import Beside

IMAGE = ImageName("team/app")
FACTS = [(1, IMAGE)]
LINE = AccessLine("", "", "own", "GET", "/stands", 200, 4, 0.0, "own", "hit", "")

#: Times that a condition is looked at, a moment between two looks.
PATIENCE = 2000


def get(path: str, *headers: str, method: str = "GET") -> bytes:
    """A request head."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]
    return "\r\n".join(lines).encode()


async def until(holds: Callable[[], bool]) -> None:
    """Let the reactor turn until something holds."""
    for _ in range(PATIENCE):
        if holds():
            return
        await deferLater(reactor, 0.005, lambda: None)  # type: ignore[arg-type]
    raise AssertionError("it does not come to hold")


class FileContent:
    """A file as content.

    :ivar reads: how often it was read by the owner itself.
    """

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self.size = path.stat().st_size
        self.reads = 0

    async def available(self, offset: int) -> int:
        """All of it."""
        return self.size

    async def read(self, offset: int, length: int) -> bytes:
        """A range."""
        self.reads += 1
        await deferLater(reactor, 0, lambda: None)  # type: ignore[arg-type]
        data = os.pread(self._fd, length, offset)
        if not data:
            raise StorageOutage("the file is cut short")
        return data

    def fileno(self) -> int | None:
        """Its descriptor."""
        return self._fd

    async def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)


class Shop:
    """The application.

    ``/stands`` has an answer that stands; ``/file`` sends the file; ``/echo`` says how
    many bytes came; ``/held`` takes none of them; ``/waits`` answers when told.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._bodies = count(1)
        self.watch: Any = None
        self.asked: list[str] = []
        self.peers: list[str] = []
        self.contents: list[FileContent] = []
        self.lost = 0
        self.go: Deferred[None] = Deferred()

    async def __call__(self, exchange: IExchange) -> None:
        """See :data:`pullthrough.web.exchange.Application`."""
        path = exchange.head.path
        self.asked.append(path)
        self.peers.append(exchange.seen.peer)
        try:
            if path == "/stands":
                self._stands(exchange)
            elif path == "/file":
                await self._stream(exchange)
            elif path == "/echo":
                counted = _Counted()
                await exchange.deliver(counted)  # type: ignore[arg-type]
                exchange.answer(200, [], str(counted.size).encode())
            elif path == "/held":
                await exchange.deliver(_Holding())  # type: ignore[arg-type]
            elif path == "/waits":
                await self.go
                exchange.answer(200, [], b"waited")
            else:
                exchange.answer(200, [], path.encode())
        except Disconnected:
            self.lost += 1
            raise

    def _stands(self, exchange: IExchange) -> None:
        headers = [("X-Kind", "standing")]
        body = f"body {next(self._bodies)}".encode()
        until = time.time() + 60
        provenance = Provenance("own", Source.HIT, until=until)
        if exchange.head.method == "HEAD":
            headers.append(("Content-Length", str(len(body))))
            kept = Kept(headers, b"", provenance, self.watch(FACTS), "team/app")
        else:
            kept = Kept(headers, body, provenance, self.watch(FACTS), "team/app")
        exchange.answer(200, headers, body)
        exchange.stands(Standing(kept, until, LINE, lambda line, peer: None))

    async def _stream(self, exchange: IExchange) -> None:
        content = FileContent(self._file)
        self.contents.append(content)
        start, end = 0, content.size
        wanted = exchange.head.get("range")
        if wanted:
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            start, end = int(first), int(last) + 1
        try:
            await exchange.stream(200, [], content, start, end)  # type: ignore[arg-type]
        finally:
            await content.close()


class _Counted:
    """Takes a body, and its producer's word."""

    size = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """It is never told to pause."""

    def unregisterProducer(self) -> None:
        """Nothing to let go of."""

    def write(self, data: bytes) -> None:
        """Count it."""
        self.size += len(data)


class _Holding(_Counted):
    """Takes nothing."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Hold it."""
        producer.pauseProducing()


class ShopCase(TestCase):
    """A listener that only a worker brings clients to."""

    size = 5 * 1024 * 1024
    files: tuple[Path, Path] | None = None

    async def setUp(self) -> None:
        kept = tempfile.TemporaryDirectory()
        self.addCleanup(kept.cleanup)
        folder = Path(kept.name)
        self.content = os.urandom(self.size)
        path = folder / "content"
        path.write_bytes(self.content)
        self.shop = Shop(path)
        self.listener = Listener(
            self.shop,
            reactor,  # type: ignore[arg-type]
            secure=self.files is not None,
        )
        self.beside = Beside(self.listener, self.files)
        self.shop.watch = self.beside.changes.watch
        await self.beside.start()
        self.addCleanup(self.beside.stop)

    def connect(self) -> "Caller":
        """A client."""
        caller = Caller(self.beside.port)
        self.addCleanup(caller.close)
        return caller

    async def send(self, caller: "Caller", raw: bytes) -> None:
        """Send bytes."""
        await deferToThread(caller.send, raw)

    async def ask(
        self, caller: "Caller", raw: bytes = b"", method: str = "GET"
    ) -> "Answer":
        """Send a request, and read an answer."""

        def ask() -> Answer:
            caller.send(raw)
            return caller.answer(method)

        answer: Answer = await deferToThread(ask)
        return answer


class Answer(NamedTuple):
    """What came back; status 0: the connection has ended."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""


class Caller:
    """One connection of a client that blocks; for a thread.

    :param context: for TLS, whose handshake is made with the first bytes; None: none.
    :ivar interim: the statuses of the interim answers that came.
    """

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self.wire: socket.socket = socket.create_connection(("127.0.0.1", port), 60)
        self._file = self.wire.makefile("rb")
        if context is not None:
            self.wire = context.wrap_socket(
                self.wire, server_hostname="localhost", do_handshake_on_connect=False
            )
            self._file = self.wire.makefile("rb")
        self.interim: list[int] = []

    def send(self, data: bytes) -> None:
        """Send bytes, if anybody is still there."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wire.sendall(data)

    def answer(self, method: str = "GET") -> Answer:
        """The next answer."""
        try:
            return self._answer(method)
        except ConnectionResetError:
            return Answer(0)

    def _answer(self, method: str) -> Answer:
        status, headers = self._head()
        while 0 < status < 200:
            self.interim.append(status)
            status, headers = self._head()
        length = int(headers.get("content-length", "0"))
        body = self._file.read(length) if method != "HEAD" else b""
        return Answer(status, headers, body)

    def _head(self) -> tuple[int, dict[str, str]]:
        first = self._file.readline()
        if not first:
            return 0, {}
        headers = {}
        while line := self._file.readline().rstrip(b"\r\n"):
            name, _, value = line.decode("latin-1").partition(": ")
            headers[name.lower()] = value
        return int(first.split()[1]), headers

    def close(self) -> None:
        """Be gone."""
        self._file.close()
        self.wire.close()
