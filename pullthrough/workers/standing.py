"""Answers that stand, in a worker: made by the owner, and given without asking it."""

import json
from collections import OrderedDict
from collections.abc import MutableSequence

from pullthrough.changes import Seen, unmoved

#: Bytes of answers that a worker keeps.
MEMORY = 16 * 1024 * 1024

#: What an answer costs besides its bytes, about, in bytes.
_OVERHEAD = 1024


class Answer:
    """Head and body, and how long they are the answer to a request head.

    :param before, after: what is sent before the ``Date`` header line, and behind it.
    :ivar until: seconds since the epoch.
    :ivar seen: the stamps behind it.
    :ivar line: what the access log says of it, as the owner wrote it down.
    :ivar size: what it costs, in bytes.
    """

    __slots__ = ("_before", "_date", "_skip", "_whole", "line", "seen", "size", "until")

    def __init__(
        self, before: bytes, after: bytes, until: float, seen: Seen, line: str
    ) -> None:
        self._before = before
        self._date = b""
        self._skip = len(before)
        self._whole = before + after
        self.until = until
        self.seen = seen
        self.line = line
        self.size = len(self._whole) + len(line) + _OVERHEAD

    def whole(self, date: bytes) -> bytes:
        """All of it, with this ``Date`` header line."""
        if date is not self._date:
            rest = memoryview(self._whole)[self._skip :]
            self._whole = b"".join((self._before, date, rest))
            self._date, self._skip = date, len(self._before) + len(date)
        return self._whole


def tell(
    raw: bytes, before: bytes, after: bytes, until: float, seen: Seen, line: str
) -> bytes:
    """The answer to a head, as the owner hands it to a worker."""
    facts = [raw.decode("latin-1"), len(before), until, seen, line]
    return b"\n".join((json.dumps(facts).encode(), before + after))


def hear(content: bytes) -> tuple[bytes, Answer]:
    """The head, and its answer, as the owner has told them."""
    facts, _, whole = content.partition(b"\n")
    raw, split, until, seen, line = json.loads(facts)
    return raw.encode("latin-1"), Answer(
        whole[:split], whole[split:], until, tuple(map(tuple, seen)), line
    )


class Standing:
    """The answers of one worker. Those told first go first.

    :param stamps: shared with the owner, which moves them.
    :param limit: bytes in all.
    """

    def __init__(self, stamps: MutableSequence[int], limit: int = MEMORY) -> None:
        self._stamps = stamps
        self._limit = limit
        self._answers: OrderedDict[tuple[int, bytes], Answer] = OrderedDict()
        self.size = 0

    def find(self, connector: int, raw: bytes, now: float) -> Answer | None:
        """The answer to a head, if it still is.

        :param now: seconds since the epoch.
        """
        answer = self._answers.get((connector, raw))
        if answer is None:
            return None
        if now < answer.until and unmoved(self._stamps, answer.seen):
            return answer
        self._forget((connector, raw))
        return None

    def keep(self, connector: int, raw: bytes, answer: Answer) -> None:
        """Answer that head so from now on, in the place of others if need be."""
        self._forget((connector, raw))
        self._answers[connector, raw] = answer
        self.size += answer.size + len(raw)
        while self.size > self._limit:
            self._forget(next(iter(self._answers)))

    def _forget(self, key: tuple[int, bytes]) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self.size -= answer.size + len(key[1])
