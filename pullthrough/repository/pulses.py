"""Bytes into an ingest in pulses: at once when it rests, together when many come.

A job for each piece that a socket gives costs more than what is done with it. A pulse
is long enough to gather pieces, and too short for a reader to notice.
"""

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IProducer,
    IReactorTime,
)
from zope.interface import implementer

from pullthrough.interfaces import IIngest

#: Seconds from one pulse to the next.
PULSE = 0.02


@implementer(IConsumer)
class Pulses:
    """Hands bytes on to an ingest, and has it write them.

    :param skip: so many bytes at the beginning are there already: some upstreams take
        no ranges.
    """

    def __init__(self, ingest: IIngest, clock: IReactorTime, skip: int = 0) -> None:
        self._ingest = ingest
        self._clock = clock
        self._skip = skip
        self._next: IDelayedCall | None = None
        self._writing = False
        self._written = ingest.written

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`."""
        self._ingest.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`; nothing more comes."""
        self._ingest.unregisterProducer()
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def write(self, data: bytes) -> None:
        """See :meth:`IConsumer.write`."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        self._ingest.write(data)
        if self._next is None:
            self._pulse()

    def _pulse(self) -> None:
        self._next = None
        before, self._written = self._written, self._ingest.written
        if self._written == self._ingest.offset:
            return
        self._next = self._clock.callLater(PULSE, self._pulse)
        # Where enough comes within a pulse, the ingest writes of its own accord.
        if before == self._written and not self._writing:
            self._writing = True
            writing = Deferred.fromCoroutine(self._ingest.flush())
            writing.addBoth(self._wrote)

    def _wrote(self, _: object) -> None:
        # An error is the commit's to tell.
        self._writing = False
        self._written = self._ingest.written
