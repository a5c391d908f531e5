"""Bytes changed by lot, so that a parser has to look closely."""

from collections.abc import Sequence
from random import Random

#: What is put into a message.
BITS: tuple[bytes, ...] = (
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\r\n ", b"\r\n\t", b" ", b"\t"),
    *(b"\x00", b"\x0b", b"\x0c", b"\x7f", b"\x85", b"\xa0", b"\xff", b":", b";", b","),
    *(b"%", b"%2f", b"%00", b"/", b"//", b"/../", b"\\", b"?", b"#", b"+", b"-", b"_"),
    *(b"0", b"5", b"9", b"0x", b"ffffffff", b"99999999999999999999", b"1.0", b"HTTP/"),
    *(b"Host: b\r\n", b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"chunked"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: identity\r\n", b"X: "),
    *(b"Connection: close\r\n", b"Expect: 100-continue\r\n", b"0\r\n\r\n"),
)


def change(data: bytes, random: Random, bits: Sequence[bytes] = BITS) -> bytes:
    """The same with one to four changes."""
    for _ in range(random.choice((1, 1, 2, 4))):
        data = _once(data, random, bits)
    return data


def _once(data: bytes, random: Random, bits: Sequence[bytes]) -> bytes:
    start = random.randrange(len(data) + 1)
    end = min(len(data), start + random.choice((0, 1, 1, 2, 8, 40)))
    kind = random.randrange(6)
    if kind == 0 and start < len(data):
        byte = bytes([data[start] ^ 1 << random.randrange(8)])
        return data[:start] + byte + data[start + 1 :]
    if kind == 1:
        return data[:start] + bytes([random.randrange(256)]) + data[end:]
    if kind == 2:
        return data[:start] + data[end:]
    if kind == 3:
        return data[:end] + data[start:]
    return data[:start] + random.choice(bits) + data[start if kind == 4 else end :]
