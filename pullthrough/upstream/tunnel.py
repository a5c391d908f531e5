"""Endpoints that reach their target through an egress proxy.

A tunnel speaks with the proxy until that has connected; then the connection is the
client's, who may lay TLS over it.
"""

from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet import error
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import Factory, connectionDone
from twisted.internet.protocol import Protocol as TwistedProtocol
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import EgressOutage


class Greeting(Protocol):
    """What is said to a proxy before it connects: sans-IO."""

    def begin(self) -> bytes:
        """The first bytes to send."""

    def receive(self, data: bytes) -> tuple[bytes, bytes | None]:
        """Take what the proxy said.

        :returns: bytes to send, and, once connected, those behind the greeting.
        :raises Rejected: when the proxy does not connect.
        """


class Rejected(Exception):
    """The proxy has said no; the text says why, without credentials."""


@implementer(IStreamClientEndpoint)
class TunnelEndpoint:
    """Connects through a proxy.

    :param proxy: the endpoint of the proxy.
    :param name: ``HOST:PORT`` of the proxy, for people.
    :param target: ``HOST:PORT`` of the target, for people.
    :param seconds: for the greeting.
    """

    def __init__(
        self,
        clock: IReactorTime,
        proxy: IStreamClientEndpoint,
        name: str,
        target: str,
        greet: Callable[[], Greeting],
        seconds: float,
    ) -> None:
        self._clock = clock
        self._proxy = proxy
        self._name = name
        self._target = target
        self._greet = greet
        self._seconds = seconds

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        return Deferred.fromCoroutine(self._connect(factory))

    async def _connect(self, factory: IProtocolFactory) -> IProtocol:
        waiting = _Waiting(self._greet())
        try:
            await self._proxy.connect(Factory.forProtocol(lambda: waiting))
        except error.ConnectError as failure:
            raise EgressOutage(
                f"egress proxy {self._name} cannot be reached: {reason_of(failure)}"
            ) from failure
        patience = self._clock.callLater(self._seconds, waiting.give_up, self._seconds)
        try:
            rest = await waiting.greeted
        except Rejected as failure:
            raise EgressOutage(
                f"egress proxy {self._name} refused the connection to"
                f" {self._target}: {failure}"
            ) from failure
        except BaseException:
            waiting.cut()  # whoever asked has given up
            raise
        finally:
            _cancel(patience)
        return waiting.hand_over(factory, rest)


def _cancel(call: IDelayedCall) -> None:
    if call.active():
        call.cancel()


def reason_of(failure: BaseException) -> str:
    """What an error says, in a person's words."""
    text = str(failure).strip().rstrip(".")
    return text or type(failure).__name__


class _Waiting(TwistedProtocol):
    """Greets the proxy, then stands between transport and the client's protocol."""

    def __init__(self, greeting: Greeting) -> None:
        self._greeting = greeting
        self._inner: Any = None
        self.greeted: Deferred[bytes] = Deferred()

    @property
    def _wire(self) -> Any:
        return self.transport

    def connectionMade(self) -> None:
        """The proxy is there."""
        self._wire.write(self._greeting.begin())

    def dataReceived(self, data: bytes) -> None:
        """The proxy, or later the target, speaks."""
        if self._inner is not None:
            self._inner.dataReceived(data)
            return
        if self.greeted.called:
            return
        try:
            answer, rest = self._greeting.receive(data)
        except Rejected as failure:
            self._wire.abortConnection()
            self.greeted.errback(failure)
            return
        if answer:
            self._wire.write(answer)
        if rest is not None:
            self.greeted.callback(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The proxy has closed the connection."""
        if self._inner is not None:
            self._inner.connectionLost(reason)
        elif not self.greeted.called:
            self.greeted.errback(Rejected("it closed the connection"))

    def give_up(self, seconds: float) -> None:
        """It takes too long."""
        if not self.greeted.called:
            self._wire.abortConnection()
            self.greeted.errback(Rejected(f"it did not answer within {seconds:g} s"))

    def cut(self) -> None:
        """Nobody waits any more."""
        self._wire.abortConnection()

    def hand_over(self, factory: IProtocolFactory, rest: bytes) -> IProtocol:
        """Let the client's protocol have the connection."""
        inner: Any = factory.buildProtocol(self._wire.getPeer())
        if inner is None:
            self._wire.abortConnection()
            raise error.NoProtocol
        self._inner = inner
        inner.makeConnection(self.transport)
        if rest:
            inner.dataReceived(rest)
        made: IProtocol = inner
        return made
