"""Connections that read more at once: a layer comes in fewer, larger pieces."""

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IProtocol,
    IProtocolFactory,
    IStreamClientEndpoint,
)
from zope.interface import implementer

#: Bytes read at once; Twisted's own are 64 KiB.
ROOM = 256 * 1024


@implementer(IStreamClientEndpoint)
class RoomyEndpoint:
    """Connects as another endpoint does.

    :param endpoint: gives a connection with nothing between it and its socket, or
        nothing happens.
    """

    def __init__(self, endpoint: IStreamClientEndpoint) -> None:
        self._endpoint = endpoint

    def connect(self, factory: IProtocolFactory) -> "Deferred[IProtocol]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        connecting: Deferred[IProtocol] = self._endpoint.connect(factory)
        return connecting.addCallback(_widen)


def _widen(protocol: IProtocol) -> IProtocol:
    transport: Any = getattr(protocol, "transport", None)
    if hasattr(transport, "bufferSize"):
        transport.bufferSize = ROOM
    return protocol
