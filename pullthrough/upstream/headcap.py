"""A look at the heads of responses, below Twisted's HTTP client.

That takes any number of header lines (160 MB were measured), and heads that others
read otherwise. What is wrong here never gets to it.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import UpstreamOutage
from pullthrough.upstream.responsehead import fault_of, has_bare_line_end, is_interim

#: Largest head of a response with its empty line, in bytes, and with the interim ones
#: before it.
LARGEST_HEAD = 64 * 1024


@implementer(IStreamClientEndpoint)
class HeadCapEndpoint:
    """Connects as another endpoint does; watches the heads that come back.

    :param target: ``HOST:PORT`` of the upstream, for people.
    """

    def __init__(self, endpoint: IStreamClientEndpoint, target: str) -> None:
        self._endpoint = endpoint
        self._target = target

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        wrapping: Any = WrappingFactory(factory)
        wrapping.protocol = lambda *args: _HeadCap(self._target, *args)
        wrapping.noisy = False
        connecting: Any = self._endpoint.connect(wrapping)
        made: Deferred[IProtocol] = connecting.addCallback(
            lambda wrapper: wrapper.wrappedProtocol
        )
        return made


class _HeadCap(ProtocolWrapper):
    """Looks at each head; each request begins a new one."""

    _head: bytes | None = b""
    _interim = 0
    _framed = True
    _fault = ""

    def __init__(self, target: str, *args: Any) -> None:
        super().__init__(*args)
        self._target = target

    def write(self, data: bytes) -> None:
        """A request goes out: a head comes back."""
        self._begin(data)
        super().write(data)  # type: ignore[no-untyped-call]

    def writeSequence(self, data: Any) -> None:
        """Likewise."""
        self._begin(b"".join(data))
        super().writeSequence(data)  # type: ignore[no-untyped-call]

    def _begin(self, request: bytes) -> None:
        self._head = b""
        self._interim = 0
        self._framed = not request.startswith(b"HEAD ")

    def dataReceived(self, data: bytes) -> None:
        """Look at the head, then hand the bytes on."""
        if self._fault:
            return
        if self._head is not None:
            self._fault = self._look(self._head + data)
            if self._fault:
                wire: Any = self.transport
                wire.abortConnection()
                return
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It has ended; if by us, it is said why."""
        if self._fault:
            words = f"upstream {self._target} answers with {self._fault}"
            reason = Failure(UpstreamOutage(words))
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def _look(self, head: bytes) -> str:
        """What is wrong with what has come of the head; empty when nothing is."""
        while (end := head.find(b"\r\n\r\n")) >= 0:
            if self._interim + end + 4 > LARGEST_HEAD:
                return f"a head of more than {LARGEST_HEAD} bytes"
            fault = fault_of(head[:end], self._framed)
            if fault:
                return fault
            if not is_interim(head):
                self._head = None
                return ""
            # The head itself is still to come. All of them together must fit as well.
            self._interim += end + 4
            head = head[end + 4 :]
        self._head = head
        if self._interim + len(head) >= LARGEST_HEAD:
            return f"a head of more than {LARGEST_HEAD} bytes"
        return "a line end that is not CR LF" if has_bare_line_end(head) else ""
