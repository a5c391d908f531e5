"""Where a request body ends: by its length, or chunked. Sans-IO."""

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

    def feed(self, data: bytes) -> tuple[list[bytes], bytes]:
        """Decode what has come.

        :returns: pieces of the body, and the bytes behind its end.
        :raises ChunkError: when the coding is broken.
        """
        if self._decoder is not None:
            pieces, rest = self._decoder.feed(data)
            self.ended = self._decoder.done
        else:
            pieces, rest = [data[: self._left]], data[self._left :]
            self._left -= len(pieces[0])
            self.ended = not self._left
        self.received += sum(map(len, pieces))
        return pieces, rest
