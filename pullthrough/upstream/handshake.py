"""TLS towards upstreams: a connection counts as made when its handshake is done."""

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.interfaces import (
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import UpstreamTimeout


@implementer(IStreamClientEndpoint)
class HandshakeEndpoint:
    """Lays TLS over the connections of another endpoint.

    :param seconds: for the handshake alone.
    :param target: the upstream, for people.
    """

    def __init__(
        self,
        options: IOpenSSLClientConnectionCreator,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        seconds: float,
        target: str,
    ) -> None:
        self._endpoint = wrapClientTLS(options, endpoint, clock)
        self._clock = clock
        self._seconds = seconds
        self._target = target

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        return Deferred.fromCoroutine(self._connect(factory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        wrapping: Any = WrappingFactory(factory)
        wrapping.protocol = _Shaking
        wrapping.noisy = False
        connecting: Any = self._endpoint.connect(wrapping)
        shaking: _Shaking = await connecting
        late = UpstreamTimeout(
            f"upstream {self._target}: no TLS handshake within {self._seconds:g} s"
        )
        patience = self._clock.callLater(self._seconds, shaking.give_up, late)
        try:
            await shaking.done
        finally:
            if patience.active():
                patience.cancel()
        made: IProtocol = shaking.wrappedProtocol
        return made


@implementer(IHandshakeListener)
class _Shaking(ProtocolWrapper):
    """Between TLS and the client's protocol.

    :ivar done: fires when the handshake is done; fails as the connection does.
    """

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.done: Deferred[None] = Deferred(lambda _: self.give_up(CancelledError()))

    @property
    def _wire(self) -> Any:
        return self.transport

    def handshakeCompleted(self) -> None:
        """See :meth:`IHandshakeListener.handshakeCompleted`."""
        # Also when the certificate is another host's: then it is about to be lost.
        self.done.callback(None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """It is over."""
        if not self.done.called:
            self.done.errback(reason)
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    def give_up(self, why: Exception) -> None:
        """It takes too long, or nobody waits any more."""
        self.done.errback(why)
        self._wire.abortConnection()
