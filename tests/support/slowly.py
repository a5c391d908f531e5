"""A registry in memory, behind TLS and egress proxies or not, slow at each step."""

import ssl
from collections.abc import Callable, Iterator, Sequence

from tests.support.lines import Line, Step
from tests.support.network import Network

#: How each request is answered.
CONTENT = b"x" * 4096
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)

_ASKED = b"\x05\x01\x00\x03"  # RFC 1928 section 4: CONNECT, to a name
_CONNECTED = b"\x05\x00\x00\x01" + bytes(6)


class SlowRegistry:
    """``localhost``, and the proxies ``http.proxy`` and ``socks.proxy`` in front of it.

    :param context: of its TLS; None: it speaks plainly.
    :ivar greeting: seconds that the proxies take to connect.
    :ivar tls: seconds that it takes for its part of a handshake.
    :ivar steps: what it does when it is asked.
    :ivar asked: how many requests came.
    """

    def __init__(self, network: Network, context: ssl.SSLContext | None) -> None:
        self._context = context
        self.greeting = self.tls = 0.0
        self.steps: Sequence[Step] = (HEAD, CONTENT)
        self.asked = 0
        self.host = network.add("localhost", "1.0.0.1", self._accepted)
        self.http = network.add("http.proxy", "1.0.0.2", self._http)
        self.socks = network.add("socks.proxy", "1.0.0.3", self._socks)

    def _accepted(self, line: Line) -> None:
        if self._context is not None:
            _Secured(line, self._context, self.tls, self._answer)
            return

        def received(data: bytes) -> None:
            line.run(self._answer(data))

        line.received = received

    def _http(self, line: Line) -> None:
        def received(data: bytes) -> None:
            if data.startswith(b"CONNECT "):
                self._accepted(line)
                line.run([self.greeting, b"HTTP/1.1 200 OK\r\n\r\n"])
            else:
                line.run(self._answer(data))

        line.received = received

    def _socks(self, line: Line) -> None:
        def received(data: bytes) -> None:
            if data.startswith(_ASKED):
                self._accepted(line)
                line.run([self.greeting, _CONNECTED])
            else:
                line.run([b"\x05\x00"])

        line.received = received

    def _answer(self, request: bytes) -> Iterator[Step]:
        assert request.endswith(b"\r\n\r\n"), "a request comes in one piece"
        self.asked += 1
        return iter(self.steps)


class _Secured:
    """The far end of a line, behind TLS.

    :param slow: seconds until it says something.
    """

    def __init__(
        self,
        line: Line,
        context: ssl.SSLContext,
        slow: float,
        answer: Callable[[bytes], Iterator[Step]],
    ) -> None:
        self._line = line
        self._slow = slow
        self._answer = answer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_side=True)
        line.received = self._received

    def _received(self, data: bytes) -> None:
        self._in.write(data)
        try:
            self._tls.do_handshake()
            request = self._tls.read()
        except ssl.SSLError:
            request = b""
        if said := self._out.read():
            self._line.run([self._slow, said])
            self._slow = 0.0
        if request:
            self._line.run(self._sealed(self._answer(request)))

    def _sealed(self, steps: Iterator[Step]) -> Iterator[Step]:
        for step in steps:
            if isinstance(step, bytes):
                self._tls.write(step)
                yield self._out.read()
            else:
                yield step
