"""What the owner tells a worker, cut as the wire may cut it."""

import pytest

from pullthrough.workers.frames import (
    ANSWER,
    END,
    FILE,
    RANGE,
    REST,
    RESTS,
    STANDS,
    Frames,
    frame,
)

SAID = [
    (ANSWER, b"HTTP/1.1 200 OK\r\n\r\n"),
    (STANDS, b"x" * 300),
    (ANSWER, b""),
    (RESTS, REST.pack(1 << 40)),
    (FILE, RANGE.pack(0, 7)),
    (ANSWER, b"\x01\x00\x00\x00\x05"),
    (END, b""),
]

WIRE = b"".join(frame(kind, content) for kind, content in SAID)


def heard(parts: list[bytes]) -> list[tuple[int, bytes]]:
    """All frames; the parts of an answer put together."""
    frames = Frames()
    found: list[tuple[int, bytes]] = []
    for part in parts:
        for kind, content in frames.feed(part):
            if kind == ANSWER and found and found[-1][0] == ANSWER:
                content = found.pop()[1] + content
            found.append((kind, content))
    return found


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 64, len(WIRE)])
def test_pieces(size: int) -> None:
    """However it is cut, it says the same; an empty answer is nothing."""
    parts = [WIRE[at : at + size] for at in range(0, len(WIRE), size)]
    assert heard(parts) == [one for one in SAID if one != (ANSWER, b"")]


def test_an_answer_does_not_wait_for_its_end() -> None:
    """Its bytes are given as they come, those of others when they are whole."""
    frames = Frames()
    assert frames.feed(frame(ANSWER, b"0123456789")[:9]) == [(ANSWER, b"0123")]
    assert frames.feed(b"456789") == [(ANSWER, b"456789")]
    assert frames.feed(frame(STANDS, b"0123456789")[:9]) == []
    assert frames.feed(b"456789") == [(STANDS, b"0123456789")]
