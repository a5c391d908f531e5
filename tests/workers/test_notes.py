"""What a worker has answered by itself, on its way to the owner."""

from twisted.internet.task import Clock

from pullthrough.accessline import AccessLine
from pullthrough.workers import notes
from pullthrough.workers.lines import read, written
from pullthrough.workers.notes import DELAY, Notes

LINE = AccessLine(
    "::1", "alice", "own", "GET", "/v2/", 200, 2, 0.25, "own", "hit", 'a"\n\u20ac'
)


def test_lines() -> None:
    """What is written is read."""
    assert read(written(LINE)) == LINE


def test_batches() -> None:
    """One message for all that was answered in a while, and none for nothing."""
    clock, sent = Clock(), []
    note = Notes(clock, sent.append)
    for line, peer in (("a", "x"), ("b", "x"), ("a", "x"), ("a", "y")):
        note(line, peer)
    clock.advance(DELAY)
    assert sent == [[("a", "x", 2), ("b", "x", 1), ("a", "y", 1)]]
    clock.advance(DELAY)
    assert len(sent) == 1
    note("a", "x")
    note.flush()
    clock.advance(DELAY)
    assert sent[1:] == [[("a", "x", 1)]]


def test_an_owner_that_does_not_listen(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """It is told later; of so many kinds at most."""
    monkeypatch.setattr(notes, "MOST", 2)
    clock, sent = Clock(), []
    note = Notes(clock, sent.append)
    note.held = True
    for line in ("a", "b", "c", "a"):
        note(line, "x")
        clock.advance(DELAY)
    assert sent == []
    note.held = False
    clock.advance(DELAY)
    assert sent == [[("a", "x", 2), ("b", "x", 1)]]
