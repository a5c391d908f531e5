"""Copying content into a consumer, as fast as that takes it."""

from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface import implementer

from pullthrough.interfaces import IContent
from pullthrough.waiters import Waiters

#: Bytes read at once.
PIECE = 256 * 1024


async def copy(content: IContent, consumer: IConsumer) -> None:
    """Write all of ``content`` into ``consumer``, which paces it.

    :raises Outage: when the content cannot be read to its end.
    """
    pace = _Pace()
    consumer.registerProducer(pace, True)
    try:
        offset = 0
        while offset < content.size:
            end = await content.available(offset)
            while offset < end:
                await pace.free()
                piece = await content.read(offset, min(PIECE, end - offset))
                consumer.write(piece)
                offset += len(piece)
        await content.available(content.size)
    finally:
        consumer.unregisterProducer()


@implementer(IPushProducer)
class _Pace:
    """What the consumer says of its pace."""

    def __init__(self) -> None:
        self._paused = False
        self._waiters = Waiters()

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`."""
        self._paused = True

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self._paused = False
        self._waiters.wake()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`; what is left falls away."""
        self.resumeProducing()

    async def free(self) -> None:
        """Wait until the consumer takes more."""
        await self._waiters.until(lambda: not self._paused)
