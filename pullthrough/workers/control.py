"""The channel between the owner and one worker: messages, and descriptors with them."""

import json
import socket
from collections import deque
from collections.abc import Callable, Sequence
from struct import pack
from typing import Any

from twisted.internet.interfaces import (
    IAddress,
    IFileDescriptorReceiver,
    IProtocol,
    IProtocolFactory,
)
from twisted.internet.protocol import connectionDone
from twisted.protocols.basic import Int32StringReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.web import outlet


@implementer(IFileDescriptorReceiver)
class Control(Int32StringReceiver):
    """A message is a word, and values of JSON. Its descriptors are here before it.

    :param heard: called with each message.
    :param lost: called when the other process is gone.
    """

    MAX_LENGTH = 64 * 1024 * 1024

    def __init__(self, heard: Callable[..., None], lost: Callable[[], None]) -> None:
        self._heard = heard
        self._lost = lost
        self._descriptors: deque[int] = deque()

    def tell(self, *message: Any, descriptors: Sequence[int] = ()) -> None:
        """Send a message.

        :param descriptors: to stay open until the other side has answered.
        """
        transport: Any = self.transport
        for descriptor in descriptors:
            transport.sendFileDescriptor(descriptor)
        content = json.dumps(message).encode()
        content = pack(self.structFormat, len(content)) + content
        if descriptors:
            transport.write(content)
        else:
            outlet.write(transport, content)

    def descriptor(self) -> int:
        """The next descriptor that has come; it is the caller's now."""
        return self._descriptors.popleft()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """See :meth:`IFileDescriptorReceiver.fileDescriptorReceived`."""
        self._descriptors.append(descriptor)

    def stringReceived(self, string: bytes) -> None:
        """A message has come."""
        self._heard(*json.loads(string))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The other process is gone."""
        self._lost()


def adopt(reactor: Any, connected: socket.socket, protocol: IProtocol) -> None:
    """Let a protocol speak on a Unix socket, which is the reactor's from now on."""
    with connected:
        connected.setblocking(False)
        reactor.adoptStreamConnection(
            connected.fileno(), socket.AF_UNIX, _Only(protocol)
        )


@implementer(IProtocolFactory)
class _Only:
    """Makes what is there already."""

    def __init__(self, protocol: IProtocol) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """See :meth:`IProtocolFactory.buildProtocol`."""
        return self._protocol

    def doStart(self) -> None:
        """Nothing to prepare."""

    def doStop(self) -> None:
        """Nothing to undo."""
