"""Memory that the processes share: the stamps of facts, and counts of connections."""

import mmap
import os
from collections.abc import MutableSequence
from typing import cast

from pullthrough.changes import SLOTS

#: Processes that may be there at once, those that are leaving among them.
PROCESSES = 64

_SIZE = 8 * (SLOTS + PROCESSES)


class Shared:
    """The owner writes the stamps; each process writes its own count.

    :param fd: of the memory; this object closes it no more than others do.
    :ivar stamps: see :class:`pullthrough.changes.Changes`.
    :ivar counts: connections of clients, by process; the owner's is the first.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        numbers = memoryview(mmap.mmap(fd, _SIZE)).cast("Q")
        self.stamps = cast(MutableSequence[int], numbers[:SLOTS])
        self.counts = cast(MutableSequence[int], numbers[SLOTS:])

    @classmethod
    def make(cls) -> "Shared":
        """Fresh memory, all zeros.

        :raises OSError: when there is none.
        """
        fd = os.memfd_create("pullthrough")
        os.ftruncate(fd, _SIZE)
        return cls(fd)
