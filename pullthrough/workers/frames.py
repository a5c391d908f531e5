"""What the owner tells a worker of one client's connection, as bytes. Sans-IO.

A frame has a kind (one byte), a length (four bytes, big-endian), and so many bytes.
The other way go the client's bytes as they are.
"""

from struct import Struct

#: Bytes for the client.
ANSWER = 1
#: All is answered that came with the first so many bytes of the client (REST).
RESTS = 2
#: Of the file whose descriptor comes with this, the client gets a range (RANGE).
FILE = 3
#: The answer to a head that comes again; see :mod:`pullthrough.workers.standing`.
STANDS = 4
#: The client is sent nothing more, but read on.
HALF = 5
#: The client is sent nothing more, and closed.
END = 6

#: A number of bytes; the first byte of a range and the one behind its last.
REST = Struct(">Q")
RANGE = Struct(">QQ")

_TOP = Struct(">BI")


def frame(kind: int, content: bytes = b"") -> bytes:
    """One frame."""
    return _TOP.pack(kind, len(content)) + content


class Frames:
    """Takes bytes as they come, gives frames.

    The content of ``ANSWER`` may be given in parts, so that nothing waits for its end.
    """

    def __init__(self) -> None:
        self._pending = b""
        self._left = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """What has come: the kind and content of each frame, or of a part."""
        found: list[tuple[int, bytes]] = []
        data = self._pending + data if self._pending else data
        at, end = 0, len(data)
        while at < end:
            if self._left:
                part = data[at : at + self._left]
                found.append((ANSWER, part))
                at += len(part)
                self._left -= len(part)
                continue
            if end - at < _TOP.size:
                break
            kind, length = _TOP.unpack_from(data, at)
            begin = at + _TOP.size
            if kind == ANSWER:
                self._left = length
                at = begin
                continue
            if end - begin < length:
                break
            found.append((kind, data[begin : begin + length]))
            at = begin + length
        self._pending = data[at:]
        return found
