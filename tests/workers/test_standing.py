"""Answers that stand, in a worker."""

from array import array

from pullthrough.changes import SLOTS, Changes
from pullthrough.spec.names import ImageName
from pullthrough.workers.standing import Answer, Standing, hear, tell

IMAGE = ImageName("team/app")
RAW = b"GET /v2/ HTTP/1.1\r\nX: \xff\r\n\r\n"


class Table:
    """A table of a worker, and the stamps that its owner moves."""

    def __init__(self, limit: int = 100_000) -> None:
        stamps = array("Q", bytes(8 * SLOTS))
        self.changes = Changes(stamps)
        self.standing = Standing(stamps, limit)

    def answer(self, body: bytes = b"body", until: float = 9.0) -> Answer:
        """An answer about the image, as it comes over the wire."""
        seen = self.changes.watch([(1, IMAGE)]).seen
        told = tell(RAW, b"before\r\n", b"\r\n" + body, until, seen, "the line")
        raw, answer = hear(told)
        assert raw == RAW
        return answer


def test_what_is_told_is_heard() -> None:
    """Head and body, with a date that goes on."""
    answer = Table().answer(b"\n\x00body")
    assert (answer.until, answer.line) == (9.0, "the line")
    for date in (b"Date: 1\r\n", b"Date: 22\r\n", b"Date: 1\r\n"):
        assert answer.whole(date) == b"before\r\n" + date + b"\r\n\n\x00body"


def test_until_its_time() -> None:
    """And no longer; nor on another connector."""
    table = Table()
    answer = table.answer()
    table.standing.keep(1, RAW, answer)
    assert table.standing.find(1, RAW, 8.9) is answer
    assert table.standing.find(2, RAW, 8.9) is None
    assert table.standing.find(1, RAW[:-2], 8.9) is None
    assert table.standing.find(1, RAW, 9.0) is None
    assert table.standing.size == 0


def test_a_change() -> None:
    """Of the image ends it, of another one does not."""
    table = Table()
    table.standing.keep(1, RAW, table.answer())
    table.changes.changed(1, ImageName("other"))
    assert table.standing.find(1, RAW, 0.0) is not None
    table.changes.changed(1, IMAGE)
    assert table.standing.find(1, RAW, 0.0) is None


def test_a_change_on_its_way() -> None:
    """What was made before a change does not stand, though it arrives after it."""
    table = Table()
    answer = table.answer()
    table.changes.changed(1, IMAGE)
    table.standing.keep(1, RAW, answer)
    assert table.standing.find(1, RAW, 0.0) is None


def test_another_configuration() -> None:
    """It ends all."""
    table = Table()
    table.standing.keep(1, RAW, table.answer())
    table.changes.configured()
    assert table.standing.find(1, RAW, 0.0) is None


def test_room() -> None:
    """The first ones go; the sum is kept, whatever is told anew."""
    table = Table(limit=12_000)
    for number in range(4):
        table.standing.keep(number, RAW, table.answer(b"x" * 2000))
        table.standing.keep(number, RAW, table.answer(b"x" * 3000))
    found = [table.standing.find(number, RAW, 0.0) for number in range(4)]
    assert [one is not None for one in found] == [False, False, True, True]
    assert 0 < table.standing.size <= 12_000
    table.standing.keep(9, RAW, table.answer(b"x" * 20_000))
    assert table.standing.size == 0
