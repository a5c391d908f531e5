"""The pace of a client that reads: open while its transport takes more."""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Gate:
    """Registered with a transport as its producer; closed while that is full."""

    def __init__(self) -> None:
        self.closed = False
        self._waiting: Deferred[None] | None = None

    async def ready(self) -> None:
        """Wait until the transport takes more. For one who waits at a time."""
        if self.closed:
            self._waiting = Deferred()
            await self._waiting

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
        """See :meth:`IProducer.stopProducing`: the connection is gone."""
        self.resumeProducing()
