"""Faults drawn by lot."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from random import Random

from tests.faults.catalogue import FAULTS
from tests.faults.faults import changed, script
from tests.faults.registry import Fault
from tests.support.lines import End, Step, Steps
from tests.support.replies import Reply

#: Those of the catalogue that are cheap enough for thousands of runs.
_CHEAP = sorted(
    set(FAULTS)
    - {
        "40 MB",
        "endless headers",
        "endless interim answers",
        "head byte by byte",
        "one byte in 10 s",
        "token of 1 MB",
        "JSON nested too deeply",
    }
)


def draw(random: Random) -> Fault:
    """Any fault."""
    kind = random.random()
    if kind < 0.5:
        return script(_cut(random))
    if kind < 0.7:
        return changed(_spoil(random))
    return FAULTS[random.choice(_CHEAP)]


def _somewhere(random: Random, size: int) -> int:
    """A place in so many bytes: anywhere, at an edge, or where the tail begins."""
    at = random.choice((random.randrange(size + 1), 0, 1, size - 1, size - 64 * 1024))
    return min(max(at, 0), size)


def _cut(random: Random) -> Callable[[Reply], Steps]:
    """The right answer, or a spoilt one, up to a byte; in odd pieces; then an end."""

    def make(right: Reply) -> Iterator[Step]:
        if random.random() < 0.2:
            right = _spoil(random)(right)
        content = right.sent()
        end = _somewhere(random, len(content))
        if random.random() < 0.1:
            right = right.without("Content-Length")
        yield right.head()
        at = 0
        while at < end:
            piece = content[at : min(at + random.randrange(1, 60_000), end)]
            at += len(piece)
            yield piece
            if random.random() < 0.1:
                yield random.choice((0.5, 5.0, 35.0, 65.0))
        if random.random() < 0.8:
            yield random.choice((End.CLOSE, End.RESET))

    return make


def _spoil(random: Random) -> Callable[[Reply], Reply]:
    """Wrong bytes, the right number of them or another."""

    def change(right: Reply) -> Reply:
        content = bytearray(right.body)
        at = _somewhere(random, len(content))
        kind = random.randrange(4)
        if kind == 0 and content:
            content[min(at, len(content) - 1)] ^= 1 << random.randrange(8)
        elif kind == 1:
            return right.with_body(bytes(content[:at]))
        elif kind == 2:
            return right.with_body(bytes(content) + random.randbytes(3))
        else:
            content[at:] = random.randbytes(len(content) - at)
        return replace(right, body=bytes(content))

    return change
