"""The pace of a client that reads: open while its transport takes more."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Gate:
    """Registered with a transport as its producer; closed while that is full."""

    def __init__(self, transport: Any) -> None:
        self.closed = False
        self._transport = transport
        self._written = 0
        self._seen = 0
        self._waiting: Deferred[None] | None = None

    def open(self) -> None:
        """Begin; the transport must have no producer."""
        self._transport.registerProducer(self, True)

    async def ready(self) -> None:
        """Wait until the transport takes more. For one who waits at a time."""
        if self.closed:
            self._waiting = Deferred()
            await self._waiting

    def write(self, data: bytes | memoryview) -> None:
        """Send a piece. It is taken at once: what ``data`` is a view of may change."""
        self._written += len(data)
        self._transport.write(bytes(data))

    def moved(self) -> bool:
        """Whether a piece has gone through since this was asked the last time."""
        seen, self._seen = self._seen, self._written
        return self._written != seen

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`."""
        self.closed = True

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self.closed = False
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the connection is gone. Who waits here
        must hear of that elsewhere, or would send on to nobody."""
