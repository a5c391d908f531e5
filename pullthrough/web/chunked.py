"""The chunked transfer coding of request bodies, strictly. Sans-IO.

RFC 9112 section 7.1: ``chunked-body = *chunk last-chunk trailer-section CRLF``.
Extensions and trailers are refused: nobody needs them in a push, and readers differ.
"""

import re

_SIZE = re.compile(rb"[0-9A-Fa-f]{1,15}")

#: Longest chunk-size line, in bytes, without its CRLF.
_LONGEST_LINE = 15


class ChunkError(Exception):
    """The coding is broken; where the body ends is unknown."""


class ChunkedDecoder:
    """Takes the coded bytes, gives the pieces of the body."""

    def __init__(self) -> None:
        self._pending = b""
        self._left = 0
        self._after_chunk = False
        self._last = False
        self.done = False

    def feed(self, data: bytes) -> tuple[list[memoryview], bytes]:
        """Decode what has come.

        :returns: pieces of the body, not copied, and the bytes behind its end once
            ``done``.
        :raises ChunkError: when the coding is broken.
        """
        data = self._pending + data
        self._pending = b""
        view = memoryview(data)
        pieces = []
        start = 0
        while not self.done and start < len(data):
            if self._left:
                piece = view[start : start + self._left]
                pieces.append(piece)
                start += len(piece)
                self._left -= len(piece)
                self._after_chunk = not self._left
                continue
            line, start = self._line(data, start)
            if line is None:
                break
            self._take(line)
        return pieces, data[start:] if self.done else b""

    def _line(self, data: bytes, start: int) -> tuple[bytes | None, int]:
        end = data.find(b"\r\n", start)
        if end < 0:
            self._pending = data[start:]
            if len(self._pending) > _LONGEST_LINE + 1:
                raise ChunkError("a chunk-size line is too long")
            return None, len(data)
        return data[start:end], end + 2

    def _take(self, line: bytes) -> None:
        if self._after_chunk:
            if line:
                raise ChunkError("a chunk is longer than its size")
            self._after_chunk = False
        elif self._last:
            if line:
                raise ChunkError("trailers are not taken")
            self.done = True
        else:
            if not _SIZE.fullmatch(line):
                raise ChunkError("a chunk-size line is malformed")
            self._left = int(line, 16)
            self._last = not self._left
