"""A worker's end of a connection that it has with the owner for one client."""

import os
from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IFileDescriptorReceiver, IPushProducer
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.web import outlet
from pullthrough.workers import frames, standing

if TYPE_CHECKING:
    from pullthrough.workers.client import Client
    from pullthrough.workers.door import Door


@implementer(IFileDescriptorReceiver, IPushProducer)
class Relay(Protocol):
    """Brings the owner what the client sends, and the client what the owner says.

    :param number: by which the owner knows it.
    :ivar sent: bytes of the client.
    """

    def __init__(self, door: "Door", client: "Client", number: int) -> None:
        self._door = door
        self._client: Client | None = client
        self._frames = frames.Frames()
        self._descriptors: deque[int] = deque()
        self.number = number
        self.sent = 0

    @property
    def _transport(self) -> Any:
        return self.transport

    def connectionMade(self) -> None:
        """The owner is at the other end, or will be."""
        self._transport.registerProducer(self, True)

    def send(self, data: bytes) -> None:
        """The client has sent bytes."""
        self.sent += len(data)
        outlet.write(self._transport, data)

    def pause(self) -> None:
        """The client takes nothing more for now."""
        self._transport.pauseProducing()

    def resume(self) -> None:
        """The client takes more."""
        self._transport.resumeProducing()

    def close(self) -> None:
        """The client is gone, or answered for good."""
        self._client = None
        self._transport.abortConnection()

    # -- from the owner --

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """See :meth:`IFileDescriptorReceiver.fileDescriptorReceived`."""
        self._descriptors.append(descriptor)

    def dataReceived(self, data: bytes) -> None:
        """Frames, or parts of them."""
        for kind, content in self._frames.feed(data):
            client = self._client
            if client is None:
                return
            if kind == frames.ANSWER:
                client.answered(content)
            elif kind == frames.RESTS:
                client.rests(*frames.REST.unpack(content))
            elif kind == frames.FILE:
                descriptor = self._descriptors.popleft()
                client.file(descriptor, *frames.RANGE.unpack(content))
            elif kind == frames.STANDS:
                self._door.keep(*standing.hear(content))
            elif kind == frames.HALF:
                client.half_closed()
            elif kind == frames.END:
                client.ended()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The owner has let go of it."""
        while self._descriptors:
            os.close(self._descriptors.popleft())
        client, self._client = self._client, None
        if client is not None:
            client.relay_lost()

    # -- the pace of the owner --

    def pauseProducing(self) -> None:
        """See :meth:`IPushProducer.pauseProducing`: the owner takes no more."""
        if self._client is not None:
            self._client.hold(True)

    def resumeProducing(self) -> None:
        """See :meth:`IPushProducer.resumeProducing`."""
        if self._client is not None:
            self._client.hold(False)

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the connection is gone."""
