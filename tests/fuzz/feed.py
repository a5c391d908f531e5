"""What a target is, and how it reads values out of a fuzzer's bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to fuzz.

    :ivar run: takes any bytes; whatever it raises is a violation.
    :ivar seeds: inputs to begin with, taken and refused ones.
    :ivar words: what is worth putting into an input.
    """

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: tuple[bytes, ...] = ()

    @property
    def name(self) -> str:
        """What it is called by, the name of its function."""
        return self.run.__name__


class Feed:
    """Bytes as values; where they end, zeros follow."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def byte(self) -> int:
        """A number below 256."""
        self._at += 1
        return self._data[self._at - 1] if self._at <= len(self._data) else 0

    def below(self, end: int) -> int:
        """A number below ``end``, which may be up to 65536."""
        number = self.byte() if end <= 256 else self.byte() << 8 | self.byte()
        return number % end

    def pick(self, items: Sequence[T]) -> T:
        """One of the items."""
        return items[self.below(len(items))]

    def take(self) -> bytes:
        """So many bytes as the next one says."""
        length = self.byte()
        self._at += length
        return self._data[self._at - length : self._at]

    def rest(self) -> bytes:
        """All that is left."""
        start, self._at = self._at, len(self._data)
        return self._data[start:]


def text(data: bytes) -> str:
    """Any text, lone surrogates too, as it comes out of JSON or the environment."""
    return data.decode("utf-8", "surrogateescape")


def latin(data: bytes) -> str:
    """The value of a header."""
    return data.decode("latin-1")


def cut(data: bytes, feed: Feed) -> list[bytes]:
    """The data in pieces, as a network might bring them; about a hundred at most."""
    longest = 1 + len(data) // 8
    pieces = []
    while data:
        step = 1 + feed.below(16) % longest + len(data) // 64
        pieces.append(data[:step])
        data = data[step:]
    return pieces


def bytewise(data: bytes) -> list[bytes]:
    """The data byte by byte, as slow networks bring it; the beginning of long data in
    one piece."""
    start = max(0, len(data) - 300)
    single = [bytes([byte]) for byte in data[start:]]
    return [data[:start], *single] if start else single
