"""Long bodies in, by large pieces: each turn of the reactor then does more.

Used is what ``twisted.internet.abstract`` calls ``bufferSize``; the test of this module
fails when it moves.
"""

from typing import Any

from twisted.internet.tcp import Connection

#: Bytes read at once from a body that is longer than USUAL, or of unknown length.
WIDE = 512 * 1024
USUAL = Connection.bufferSize

# What is larger than a threshold the C library takes from the system, and gives back,
# each time: some 100 page faults for each MiB that comes. It raises the threshold to
# what it was once given back, so from here on it keeps what is read into.
bytes(16 * WIDE)


def widen(transport: Any, left: int | None) -> None:
    """Read a body of so many bytes (None: unknown) from a plain connection."""
    if isinstance(transport, Connection) and (left is None or left > USUAL):
        transport.bufferSize = WIDE


def narrow(transport: Any) -> None:
    """The body has come."""
    if isinstance(transport, Connection):
        transport.bufferSize = USUAL
