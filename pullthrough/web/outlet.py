"""Bytes out at once, where the transport has nothing else to send.

A transport of Twisted's waits for the next turn of the reactor before it sends, which
costs two more system calls. Small answers go straight to the socket instead; what it
does not take goes the usual way. Used is what ``twisted.internet.abstract`` calls
``dataBuffer``, ``offset``, ``_tempDataBuffer`` and ``TLS``; the test of this module
fails when they move.
"""

from socket import MSG_NOSIGNAL, socket
from typing import Any

from twisted.internet.tcp import Connection

#: Bytes that are worth a try; more hardly fit into a socket at once.
MOST = 512 * 1024


def socket_of(transport: Any) -> socket | None:
    """The socket of a plain connection; None where something lies between."""
    return transport.socket if isinstance(transport, Connection) else None


def idle(transport: Connection) -> bool:
    """Whether it has nothing to send."""
    return not transport._tempDataBuffer and transport.offset == len(
        transport.dataBuffer
    )


def let_go(transport: Connection) -> None:
    """Read and send no more, and close our descriptor, but not the connection: another
    process has it. Used is what Twisted calls ``_shouldShutdown``."""
    transport._shouldShutdown = False
    transport.loseConnection()


def write(transport: Any, data: bytes) -> None:
    """Send, and let the transport keep what the socket does not take yet."""
    if (
        not isinstance(transport, Connection)
        or len(data) > MOST
        or not idle(transport)
        or transport.disconnecting
        or transport.TLS
        or not transport.connected
    ):
        transport.write(data)
        return
    try:
        sent = transport.socket.send(data, MSG_NOSIGNAL)
    except OSError:
        sent = 0  # the transport finds out why
    if sent < len(data):
        transport.write(data[sent:] if sent else data)
