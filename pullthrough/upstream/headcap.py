"""A look at the heads of responses, below Twisted's HTTP client.

That takes any number of header lines (160 MB were measured), heads that others read
otherwise, and waits for them for ever. What is wrong here never gets to it.
"""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
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


class Silence(CancelledError):
    """The head has not come in time; the text says so.

    What is not answered on a kept connection Twisted's client asks again on another,
    unless it was cancelled. So this counts as that, there.
    """


@implementer(IStreamClientEndpoint)
class HeadCapEndpoint:
    """Connects as another endpoint does; watches the heads that come back.

    :param target: ``HOST:PORT`` of the upstream, for people.
    :param seconds: from a request to the whole head of its answer.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        target: str,
        clock: IReactorTime,
        seconds: float,
    ) -> None:
        self._endpoint = endpoint
        self._target = target
        self._clock = clock
        self._seconds = seconds

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        wrapping: Any = WrappingFactory(factory)
        wrapping.protocol = lambda *args: _HeadCap(
            self._target, self._clock, self._seconds, *args
        )
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
    _fault: Exception | None = None
    _waiting: IDelayedCall | None = None

    def __init__(
        self, target: str, clock: IReactorTime, seconds: float, *args: Any
    ) -> None:
        super().__init__(*args)
        self._target = target
        self._clock = clock
        self._seconds = seconds

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
        self._wait_no_more()
        self._waiting = self._clock.callLater(self._seconds, self._late)

    def _wait_no_more(self) -> None:
        if self._waiting is not None and self._waiting.active():
            self._waiting.cancel()
        self._waiting = None

    def _late(self) -> None:
        words = f"upstream {self._target} did not answer within {self._seconds:g} s"
        self._cut(Silence(words))

    def _cut(self, fault: Exception) -> None:
        self._fault = fault
        self._wait_no_more()
        wire: Any = self.transport
        wire.abortConnection()

    def dataReceived(self, data: bytes) -> None:
        """Look at the head, then hand the bytes on."""
        if self._fault:
            return
        if self._head is not None:
            fault = self._look(self._head + data)
            if fault:
                words = f"upstream {self._target} answers with {fault}"
                self._cut(UpstreamOutage(words))
                return
            if self._head is None:
                self._wait_no_more()
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It has ended; if by us, it is said why."""
        self._wait_no_more()
        if self._fault:
            reason = Failure(self._fault)
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
