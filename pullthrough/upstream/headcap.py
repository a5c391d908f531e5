"""A limit on the heads of responses, below Twisted's HTTP client.

That takes any number of header lines (160 MB were measured), and both framings at once.
"""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import implementer

#: Largest head of a response, in bytes.
LARGEST_HEAD = 64 * 1024


@implementer(IStreamClientEndpoint)
class HeadCapEndpoint:
    """Connects as another endpoint does; watches the heads that come back."""

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        wrapping: Any = WrappingFactory(factory)
        wrapping.protocol = _HeadCap
        wrapping.noisy = False
        connecting: Any = self._endpoint.connect(wrapping)
        made: Deferred[IProtocol] = connecting.addCallback(
            lambda wrapper: wrapper.wrappedProtocol
        )
        return made


class _HeadCap(ProtocolWrapper):
    """Counts the bytes of each head; each request begins a new one."""

    _head: bytes | None = b""
    _interim = 0

    def write(self, data: bytes) -> None:
        """A request goes out: a head comes back."""
        self._begin()
        super().write(data)  # type: ignore[no-untyped-call]

    def writeSequence(self, data: Any) -> None:
        """Likewise."""
        self._begin()
        super().writeSequence(data)  # type: ignore[no-untyped-call]

    def _begin(self) -> None:
        self._head = b""
        self._interim = 0

    def dataReceived(self, data: bytes) -> None:
        """Look at the head, then hand the bytes on."""
        if self._head is not None and not self._fits(data):
            self._head = None
            wire: Any = self.transport
            wire.abortConnection()
            return
        super().dataReceived(data)  # type: ignore[no-untyped-call]

    def _fits(self, data: bytes) -> bool:
        head = (self._head or b"") + data
        while True:
            end = head.find(b"\r\n\r\n")
            if end < 0:
                self._head = head
                return self._interim + len(head) <= LARGEST_HEAD
            if not head.startswith((b"HTTP/1.1 1", b"HTTP/1.0 1")):
                break
            # An interim answer: the head itself is still to come. All of them
            # together must fit as well.
            self._interim += end + 4
            if self._interim > LARGEST_HEAD:
                return False
            head = head[end + 4 :]
        self._head = None
        lowered = head[: end + 2].lower()
        both = (
            b"\r\ncontent-length:" in lowered and b"\r\ntransfer-encoding:" in lowered
        )
        return end <= LARGEST_HEAD and not both
