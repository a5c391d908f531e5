"""Connecting within a time, whatever takes so long: a resolver, or a host."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IReactorTime,
    IStreamClientEndpoint,
)
from zope.interface import implementer

from pullthrough.errors import Outage

#: The time-out of a :class:`HostnameEndpoint` within one of these: none of its own.
NONE: Any = None


@implementer(IStreamClientEndpoint)
class TimelyEndpoint:
    """Connects as another endpoint does.

    :param seconds: after which it is given up.
    :param late: what is then raised.
    """

    def __init__(
        self,
        endpoint: IStreamClientEndpoint,
        clock: IReactorTime,
        seconds: float,
        late: Callable[[], Outage],
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock
        self._seconds = seconds
        self._late = late

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        made: Deferred[IProtocol] = Deferred(lambda _: give_up(CancelledError()))

        def give_up(why: Exception) -> None:
            # Twisted's own say of a cancelled look-up that there is no such name.
            made.errback(why)
            connecting.cancel()

        def settled(result: Any) -> None:
            if patience.active():
                patience.cancel()
            if not made.called:
                made.callback(result)

        connecting: Any = self._endpoint.connect(factory)
        patience = self._clock.callLater(self._seconds, lambda: give_up(self._late()))
        connecting.addBoth(settled)
        return made
