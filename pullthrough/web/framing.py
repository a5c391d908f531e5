"""Where a request body ends: by its length, or chunked. Sans-IO."""

from collections.abc import Sequence

from pullthrough.web.chunked import ChunkedDecoder


class Framing:
    """Takes bytes off the wire, gives those of the body.

    :param length: in bytes; None: chunked.
    """

    def __init__(self, length: int | None) -> None:
        self._decoder = ChunkedDecoder() if length is None else None
        self._left = length or 0
        self.length = length
        self.received = 0
        self.ended = length == 0

    @property
    def left(self) -> int | None:
        """Bytes of the body that are still to come; None: that is not known."""
        return None if self._decoder is not None else self._left

    def feed(self, data: bytes) -> tuple[Sequence[bytes | memoryview], bytes]:
        """Decode what has come.

        :returns: pieces of the body, and the bytes behind its end.
        :raises ChunkError: when the coding is broken.
        """
        pieces: Sequence[bytes | memoryview]
        if self._decoder is not None:
            pieces, rest = self._decoder.feed(data)
            self.ended = self._decoder.done
        else:
            pieces, rest = [data[: self._left]], data[self._left :]
            self._left -= len(pieces[0])
            self.ended = not self._left
        self.received += sum(map(len, pieces))
        return pieces, rest
