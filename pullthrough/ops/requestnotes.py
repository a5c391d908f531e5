"""What is noted of each request: a line in the access log, and in the metrics.

Both are batched: a line is in the log at most :data:`DELAY` seconds after its answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from pullthrough.accessline import AccessLine
from pullthrough.ops.accesslog import text_of

#: Takes lines without their ends, and how often each.
WriteLines = Callable[[Sequence[tuple[str, int]]], None]

#: Seconds for which lines are gathered, and so many at most.
DELAY = 0.02
MOST = 2000


@dataclass(slots=True)
class _Repeated:
    line: AccessLine
    times: int = 0


class RequestNotes:
    """Takes a line for each request; see :data:`pullthrough.accessline.AccessLog`.

    :param write: takes many lines.
    :param observe: counts a line, so many times.
    """

    def __init__(
        self,
        clock: IReactorTime,
        write: WriteLines,
        observe: Callable[[AccessLine, int], None],
    ) -> None:
        self._clock = clock
        self._write = write
        self._observe = observe
        self._lines: list[AccessLine] = []
        self._again: dict[tuple[int, str], _Repeated] = {}
        self._due: IDelayedCall | None = None

    def __call__(self, line: AccessLine) -> None:
        """Note a request."""
        self._lines.append(line)
        if self._due is None:
            self._due = self._clock.callLater(DELAY, self._gathered)
        elif len(self._lines) >= MOST:
            self.flush()

    def again(self, line: AccessLine, peer: str, times: int = 1) -> None:
        """Note that the request of a line has come again, perhaps from elsewhere."""
        key = (id(line), peer)  # which is no other's as long as the line is kept here
        found = self._again.get(key)
        if found is None:
            found = self._again[key] = _Repeated(line)
            if self._due is None:
                self._due = self._clock.callLater(DELAY, self._gathered)
        found.times += times

    def flush(self) -> None:
        """Write what has gathered."""
        due, self._due = self._due, None
        if due is not None and due.active():
            due.cancel()
        self._gathered()

    def _gathered(self) -> None:
        self._due = None
        lines, self._lines = self._lines, []
        repeated, self._again = self._again, {}
        texts = [(text_of(line, line.peer), 1) for line in lines]
        for line in lines:
            self._observe(line, 1)
        for (_, peer), one in repeated.items():
            texts.append((text_of(one.line, peer), one.times))
            self._observe(one.line, one.times)
        if texts:
            self._write(texts)
