"""A real listener on a real socket, and a client that sends it any bytes.

The client runs in a thread of its own, so that it can block as a client does.
"""

import socket
from collections.abc import Iterable, Iterator
from itertools import pairwise, repeat
from queue import Queue
from typing import Any, NamedTuple

from twisted.internet import reactor
from twisted.internet.interfaces import IAddress, IProtocol
from twisted.internet.protocol import connectionDone
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from pullthrough.web.connection import Connection
from pullthrough.web.exchange import IExchange
from pullthrough.web.head import Head
from pullthrough.web.listener import Listener

#: Seconds of silence after which a row has failed; none is expected.
PATIENCE = 10.0

#: Bytes of one read where nothing else is said.
_ALL = 65536


class Request(NamedTuple):
    """A request as the application saw it."""

    head: Head
    body: bytes
    whole: bool
    peer: str = ""


class Recorder:
    """The application: it reads each body, remembers the request, and says its path.

    ``/later`` takes a while; ``/unread`` leaves its body alone.
    """

    def __init__(self) -> None:
        self._requests: list[Request] = []

    def take(self) -> list[Request]:
        """What was seen since the last time, in the order in which it began."""
        seen, self._requests = self._requests, []
        return seen

    def peek(self) -> list[Request]:
        """The same, and it stays."""
        return list(self._requests)

    async def application(self, exchange: IExchange) -> None:
        """See :data:`pullthrough.web.exchange.Application`."""
        head, body = exchange.head, _Body()
        at = len(self._requests)
        request = Request(head, b"", False, exchange.seen.peer)
        self._requests.append(request)
        if head.path.startswith("/later"):
            await deferLater(reactor, 0, lambda: None)  # type: ignore[arg-type]
        try:
            if not head.path.startswith("/unread"):
                await exchange.deliver(body)  # type: ignore[arg-type]
        except BaseException:
            self._requests[at] = request._replace(body=body.data)
            raise
        self._requests[at] = request._replace(body=body.data, whole=True)
        exchange.answer(200, [], head.path.encode())


class _Body:
    """Keeps what comes."""

    def __init__(self) -> None:
        self.data = b""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """It is never told to pause."""

    def unregisterProducer(self) -> None:
        """Nothing to let go of."""

    def write(self, data: bytes) -> None:
        """Keep it."""
        self.data += data


class Door(Listener):
    """A listener whose connections read so many bytes at a time.

    :ivar sizes: of the reads of the next connection, one after the other.
    :ivar reads: how long each was.
    :ivar gone: gets an item whenever a connection has ended.
    """

    def __init__(self, recorder: Recorder) -> None:
        super().__init__(recorder.application, reactor)  # type: ignore[arg-type]
        self.sizes: Iterable[int] = ()
        self.reads: list[int] = []
        self.gone: Queue[None] = Queue()

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """A connection that reads as it is told."""
        return _Measured(self)


class _Measured(Connection):
    """Sets the size of each read, so that it is not left to the kernel."""

    def __init__(self, door: Door) -> None:
        super().__init__(door)
        self._door = door
        self._sizes: Iterator[int] = iter(())

    def connectionMade(self) -> None:
        """A client has come."""
        self._sizes = iter(self._door.sizes)
        self._measure()
        super().connectionMade()

    def _measure(self) -> None:
        self._transport.bufferSize = next(self._sizes, _ALL)

    def dataReceived(self, data: bytes) -> None:
        """Bytes have come."""
        self._door.reads.append(len(data))
        self._measure()
        super().dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The client has gone."""
        super().connectionLost(reason)
        self._door.gone.put(None)


#: One byte at a time.
BYTES = tuple(repeat(1, 128 * 1024))


def places(data: bytes) -> list[int]:
    """Before and behind each byte on which a parser turns."""
    turns = set()
    for at, byte in enumerate(data):
        if byte in b"\r\n :;,":
            turns |= {at, at + 1}
    return sorted(turns - {0, len(data)})


def pieces(data: bytes) -> list[int]:
    """Sizes of reads that cut at all these places."""
    return [end - start for start, end in pairwise([0, *places(data), len(data)])]


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes


class Client:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._wire = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._data = b""
        self.ended = False

    def send(self, data: bytes) -> None:
        """Send bytes, if anybody is still there."""
        try:
            self._wire.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.ended = True

    def hang_up(self) -> None:
        """Say that nothing more comes."""
        self._wire.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Be gone."""
        self._wire.close()

    def answers(self, methods: Iterable[str], least: int) -> list[Answer]:
        """What has come, once so many answers are there or it has ended.

        :param methods: of the requests, since HEAD has no body in its answer.
        """
        while True:
            found = list(answers_in(self._data, tuple(methods)))
            if self.ended or len(found) >= least:
                return found
            try:
                data = self._wire.recv(_ALL)
            except ConnectionResetError:
                data = b""
            except TimeoutError:
                return [*found, Answer(0, b"silence")]
            self._data += data
            self.ended = not data


def answers_in(data: bytes, methods: tuple[str, ...] = ()) -> Iterator[Answer]:
    """The answers in what was sent.

    :param methods: of the requests, since HEAD has no body in its answer.
    """
    number = 0
    while b"\r\n\r\n" in data:
        top, _, rest = data.partition(b"\r\n\r\n")
        first, *fields = top.decode("latin-1").split("\r\n")
        version, code, _ = first.split(" ", 2)
        assert version == "HTTP/1.1", first
        named = dict(field.lower().split(": ", 1) for field in fields)
        length = int(named.get("content-length", "0"))
        if int(code) >= 200:
            method = methods[number] if number < len(methods) else ""
            number += 1
            if method == "HEAD":
                length = 0
        if len(rest) < length:
            return
        yield Answer(int(code), rest[:length])
        data = rest[length:]
    assert not data, f"{data!r} is no answer"
