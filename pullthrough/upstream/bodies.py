"""Reading response bodies: whole within a limit, or streamed, never for ever."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import ResponseDone
from twisted.web.http import PotentialDataLoss
from twisted.web.iweb import UNKNOWN_LENGTH, IResponse
from zope.interface import implementer

from pullthrough.errors import Outage, UpstreamOutage, UpstreamTimeout
from pullthrough.interfaces import IUpstreamBody


def length_of(response: IResponse) -> int | None:
    """The length of a body in bytes, if that is told."""
    length: Any = response.length
    return None if length == UNKNOWN_LENGTH else int(length)


#: Bytes that must come within the idle time: what drips is stalled.
LEAST = 1024

#: Seconds in which a body that nobody wants may still end.
DROPPING = 5.0


class _Arriving(Protocol):
    """Takes a body, and gives up when next to nothing comes for a while.

    :param target: the upstream, for people.
    :param idle: seconds between bytes; time in which we hold the body up does not
        count.
    """

    def __init__(
        self,
        clock: IReactorTime,
        target: str,
        idle: float,
        take: Callable[[bytes], None],
    ) -> None:
        self._clock = clock
        self._target = target
        self._idle = idle
        self._take = take
        self._stalling: IDelayedCall | None = None
        self._come = 0
        self.done: Deferred[bool] = Deferred(self._unwanted)

    @property
    def _wire(self) -> Any:
        return self.transport

    def connectionMade(self) -> None:
        """The body begins."""
        self.wait()

    def dataReceived(self, data: bytes) -> None:
        """Some of it has come."""
        self._come += len(data)
        if self._stalling is not None and self._come >= LEAST:
            self._stalling.reset(self._idle)
            self._come = 0
        if not self.done.called:
            self._take(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It has ended: fires with whether its end was marked."""
        self.hold()
        if self.done.called:
            return
        if reason.check(ResponseDone, PotentialDataLoss):
            self.done.callback(reason.check(ResponseDone) is not None)
        else:
            self.fail(UpstreamOutage(f"upstream {self._target} broke off a body"))

    def wait(self) -> None:
        """Count the time."""
        if self._stalling is None and not self.done.called:
            self._stalling = self._clock.callLater(self._idle, self._stalled)
            self._come = 0

    def hold(self) -> None:
        """Do not count the time."""
        if self._stalling is not None and self._stalling.active():
            self._stalling.cancel()
        self._stalling = None

    def _stalled(self) -> None:
        self._stalling = None
        self.fail(UpstreamTimeout(f"upstream {self._target} has stalled"))

    def fail(self, error: Outage) -> None:
        """Let go of it."""
        if not self.done.called:
            self.done.errback(error)
            self._unwanted()

    def _unwanted(self, done: "Deferred[bool] | None" = None) -> None:
        """Nobody waits for it any more."""
        self.hold()
        if self.transport is not None:
            self._wire.stopProducing()


async def read_whole(
    response: IResponse, limit: int, clock: IReactorTime, target: str, idle: float
) -> bytes:
    """The whole body of a response, of at most ``limit`` bytes.

    :raises UpstreamOutage: when it has more, or breaks off.
    :raises UpstreamTimeout: when it stalls.
    """
    body, _ = await read_to_end(response, limit, clock, target, idle)
    return body


async def read_to_end(
    response: IResponse, limit: int, clock: IReactorTime, target: str, idle: float
) -> tuple[bytes, bool]:
    """The same, and whether its end was marked, by a length or a last chunk.

    If not, nothing but the content itself can tell whether it is all (RFC 9112
    section 8).
    """
    pieces: list[bytes] = []
    size = 0

    def take(data: bytes) -> None:
        nonlocal size
        size += len(data)
        if size > limit:
            arriving.fail(
                UpstreamOutage(f"upstream {target} sent more than {limit} bytes")
            )
        else:
            pieces.append(data)

    arriving = _Arriving(clock, target, idle, take)
    response.deliverBody(arriving)
    marked = await arriving.done
    return b"".join(pieces), marked


def drop(response: IResponse, clock: IReactorTime) -> None:
    """Let go of a body that nobody wants."""
    response.deliverBody(_Dropping(clock))


class _Dropping(Protocol):
    """Reads a little, so that the connection may be kept; then lets go."""

    _left = 64 * 1024

    def __init__(self, clock: IReactorTime) -> None:
        self._patience = clock.callLater(DROPPING, self._let_go)

    def dataReceived(self, data: bytes) -> None:
        """Count what falls away."""
        self._left -= len(data)
        if self._left < 0:
            self._let_go()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It has ended."""
        if self._patience.active():
            self._patience.cancel()

    def _let_go(self) -> None:
        wire: Any = self.transport
        if wire is not None:
            wire.stopProducing()


@implementer(IUpstreamBody, IPushProducer)
class UpstreamBody:
    """A blob's body, paced by whoever takes it.

    :param size: of the whole blob in bytes, if it is told.
    :param offset: where in the blob the body begins.
    :param ended: called once, when it has come, has failed or is not wanted.
    :param end: where in the blob the body ends; None: with the blob.
    """

    def __init__(
        self,
        response: IResponse,
        size: int | None,
        offset: int,
        clock: IReactorTime,
        target: str,
        idle: float,
        ended: Callable[[], None] = lambda: None,
        end: int | None = None,
    ) -> None:
        self.size = size
        self.offset = offset
        self._end = size if end is None else end
        self._ended = ended
        self._response = response
        self._clock = clock
        self._target = target
        self._received = 0
        self._arriving = _Arriving(clock, target, idle, self._take)
        self._consumer: IConsumer | None = None

    async def deliver(self, consumer: IConsumer) -> None:
        """See :meth:`IUpstreamBody.deliver`."""
        self._consumer = consumer
        self._response.deliverBody(self._arriving)
        consumer.registerProducer(self, True)
        try:
            marked = await self._arriving.done
        finally:
            consumer.unregisterProducer()
            self._ended()
        expected = self._expected()
        if expected is None and marked:
            return
        if expected != self._received:
            raise UpstreamOutage(f"upstream {self._target} sent a body cut short")

    def _expected(self) -> int | None:
        return None if self._end is None else self._end - self.offset

    def _take(self, data: bytes) -> None:
        self._received += len(data)
        expected = self._expected()
        if expected is not None and self._received > expected:
            self._arriving.fail(
                UpstreamOutage(f"upstream {self._target} sent more than it promised")
            )
        elif self._consumer is not None:
            self._consumer.write(data)

    def stop(self) -> None:
        """See :meth:`IUpstreamBody.stop`."""
        if self._consumer is None:
            drop(self._response, self._clock)
            self._ended()
        else:
            self._arriving.fail(UpstreamOutage("the download was stopped"))

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`."""
        self._arriving.hold()
        self._wire.pauseProducing()

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        self._arriving.wait()
        self._wire.resumeProducing()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`."""
        self.stop()

    @property
    def _wire(self) -> Any:
        return self._arriving.transport
