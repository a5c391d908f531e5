"""What of a file lies in memory, so that nobody waits for a disk in the reactor.

preadv2(2) with ``RWF_NOWAIT`` tells. A file system that cannot, such as most that come
over a network, has nothing in memory as far as we know; then threads read.
"""

import os

#: Most bytes that are read here at once.
MOST = 256 * 1024

#: Whether the system can be asked at all.
CAN_TELL = hasattr(os, "RWF_NOWAIT")

_byte = bytearray(1)
_buffer = bytearray(MOST)


def in_memory(number: int, offset: int, count: int) -> bool:
    """Whether so many bytes of a file can be had without waiting for a disk.

    Only the first and the last are looked at: a cache fills in order, and forgets so.

    :param number: the file's descriptor.
    """
    try:
        os.preadv(number, [_byte], offset, os.RWF_NOWAIT)
        os.preadv(number, [_byte], offset + count - 1, os.RWF_NOWAIT)
    except OSError:  # not in memory, or a file system that cannot tell
        return False
    return True


def read(number: int, offset: int, count: int) -> memoryview:
    """So many bytes as can be had without waiting, and at most ``MOST``; perhaps none.

    They are good until the next call.
    """
    if not CAN_TELL:
        return memoryview(b"")
    wanted = memoryview(_buffer)[: min(count, MOST)]
    try:
        return wanted[: os.preadv(number, [wanted], offset, os.RWF_NOWAIT)]
    except OSError:  # not in memory, or a file system that cannot tell
        return memoryview(b"")
