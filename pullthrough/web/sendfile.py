"""Files to plain sockets by sendfile(2): their bytes never pass through us.

The gate is a pull producer: its transport calls it whenever it has nothing of its own
to send and the socket takes more. So the order of bytes, the end of the connection and
the waiting stay the transport's business.
"""

import errno
import os
import termios
from array import array
from collections.abc import Callable
from fcntl import ioctl
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPullProducer
from twisted.internet.tcp import Connection
from zope.interface import implementer

from pullthrough.errors import StorageOutage
from pullthrough.web import outlet
from pullthrough.web.pacing import Gate
from pullthrough.web.resident import CAN_TELL
from pullthrough.web.resident import in_memory as _in_memory
from pullthrough.web.tlsgate import TlsGate, handle_of

#: Most bytes sent at once; then others have their turn.
TURN = 1024 * 1024

#: What a reader must have taken to count as moving, in bytes.
STEP = 256 * 1024

#: What sendfile says where a file system cannot do it.
_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})

#: Tells the descriptor of a file, each time before it is used; None: use it no more.
FileNumber = Callable[[], int | None]


@implementer(IPullProducer)
class FileGate:
    """Like :class:`Gate`, and lets files through; for one who sends at a time.

    :param in_memory: whether so many bytes of a file, behind an offset, can be had
        without waiting for a disk.
    """

    def __init__(
        self,
        transport: Connection,
        in_memory: Callable[[int, int, int], bool] | None = None,
    ) -> None:
        self._transport: Any = transport
        self._socket = transport.getHandle()
        self._in_memory = in_memory or _in_memory
        self._able = True
        self._empty = False
        self._taken = 0
        self._seen = 0
        self._waiting: Deferred[None] | None = None
        self._number: FileNumber = _no_file
        self._offset = 0
        self._limit = 0
        self._sending: Deferred[int] | None = None

    def open(self) -> None:
        """Begin; the transport must have no producer."""
        # That calls resumeProducing at once, though the head may still be waiting.
        self._transport.registerProducer(self, False)
        self._empty = outlet.idle(self._transport)
        if not self._empty:
            self._transport.startWriting()

    # -- for the sender --

    @property
    def closed(self) -> bool:
        """Whether somebody waits for the client."""
        return self._waiting is not None or self._sending is not None

    async def ready(self) -> None:
        """Wait until all that was written has left."""
        if not self._empty:
            self._waiting = Deferred()
            await self._waiting

    def write(self, data: bytes) -> None:
        """Send a piece."""
        self._taken += len(data)
        self._empty = False
        self._transport.write(data)

    async def send(self, number: FileNumber, offset: int, limit: int) -> int:
        """Send bytes ``offset`` to ``limit`` (exclusive) of a file.

        :returns: where it stopped: at ``limit``, or before bytes that are to be read
            and written, as they are not in memory.
        :raises StorageOutage: when the file is cut short.
        :raises OSError: when the client has left, or the disk fails.
        """
        if not self._able:
            return offset
        self._number, self._offset, self._limit = number, offset, limit
        sending: Deferred[int] = Deferred()
        self._sending = sending
        if self._empty:
            self._pour()
        return await sending

    def moved(self) -> bool:
        """Whether the client has taken enough since this said so the last time.

        What lies in the socket's buffer, which may be megabytes, is not taken yet.
        """
        left = array("i", [0])
        ioctl(self._socket, termios.TIOCOUTQ, left)
        taken = self._taken - left[0]
        if taken - self._seen < STEP:
            return False
        self._seen = taken
        return True

    # -- for the transport --

    def resumeProducing(self) -> None:
        """See :meth:`IPullProducer.resumeProducing`."""
        self._empty = True
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            waiting.callback(None)
        if self._sending is not None:
            self._pour()

    def stopProducing(self) -> None:
        """See :meth:`IProducer.stopProducing`: the connection is gone."""
        self._able = False
        self._stop(self._offset)
        self.resumeProducing()

    # -- sending --

    def _pour(self) -> None:
        """Send as much as the socket takes, up to a turn."""
        number = self._number()
        count = min(TURN, self._limit - self._offset)
        if number is None or not self._in_memory(number, self._offset, count):
            self._stop(self._offset)
            return
        try:
            sent = os.sendfile(self._socket.fileno(), number, self._offset, count)
        except BlockingIOError:
            sent = -1
        except OSError as error:
            if error.errno in _CANNOT:
                self._able = False
                self._stop(self._offset)
            else:
                self._stop(error)
            return
        if sent == 0:
            self._stop(
                StorageOutage("the blob store cannot read: the file is cut short")
            )
            return
        if sent > 0:
            self._offset += sent
            self._taken += sent
        if self._offset == self._limit:
            self._stop(self._offset)
        else:
            self._empty = False
            self._transport.startWriting()

    def _stop(self, result: int | Exception) -> None:
        sending, self._sending = self._sending, None
        self._number = _no_file
        if sending is not None:
            if isinstance(result, Exception):
                sending.errback(result)
            else:
                sending.callback(result)


def _no_file() -> int | None:
    return None


def gate_for(transport: Any, secure: bool) -> Gate | FileGate:
    """The gate that suits a transport, if it has none of its own.

    :param secure: whether TLS lies between; its bytes go through us.
    """
    own: Callable[[], Gate] | None = getattr(transport, "gate", None)
    if own is not None:
        return own()
    plain = outlet.socket_of(transport) is not None and not transport.TLS
    if plain and not secure and CAN_TELL:
        return FileGate(transport)
    handle = handle_of(transport)
    return Gate(transport) if handle is None else TlsGate(transport, handle)
