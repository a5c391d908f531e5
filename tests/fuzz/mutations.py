"""Inputs made from seeds, always the same ones: for runs without a fuzzer."""

import random
from collections.abc import Iterator, Sequence

from tests.fuzz.feed import Target

#: Most changes to a seed for one input.
_MOST = 4

_BYTES = b"\x00\x01\x09\x0a\x0d\x20\x22\x25\x2c\x2d\x2e\x2f\x30\x39\x3a\x3d\x5c\x7f\xff"


def mutations(target: Target, count: int) -> Iterator[bytes]:
    """So many changed seeds of a target."""
    chance = random.Random(target.name)
    for _ in range(count):
        data = bytearray(chance.choice(target.seeds))
        for _ in range(chance.randint(1, _MOST)):
            _change(data, target, chance)
        yield bytes(data)


def _change(data: bytearray, target: Target, chance: random.Random) -> None:
    at = chance.randint(0, len(data))
    end = min(len(data), at + chance.choice((1, 1, 2, 4, 16, 64)))
    other = chance.choice(target.seeds)
    kind = chance.randrange(8)
    if kind == 0:
        del data[at:end]
    elif kind == 1:
        data[at:at] = data[at:end] * chance.choice((1, 2, 50))
    elif kind == 2:
        data[at:at] = _piece(other, chance)
    elif kind == 3 and data:
        data[at % len(data)] ^= 1 << chance.randrange(8)
    elif kind == 4:
        data[at:end] = bytes([chance.choice(_BYTES)])
    elif kind == 5:
        data[at:at] = bytes([chance.randrange(256)])
    elif kind == 6:
        data[at:] = _piece(other, chance)
    elif target.words:
        data[at : chance.choice((at, end))] = chance.choice(target.words)


def _piece(data: Sequence[int], chance: random.Random) -> bytes:
    start = chance.randint(0, len(data))
    return bytes(data[start : chance.randint(start, len(data))])
