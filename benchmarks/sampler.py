"""Our daemon under a sampling profiler: ``python -m benchmarks.sampler FILE …``, with
twistd's arguments behind the file.

A first SIGUSR2 begins to sample, a second one writes what was seen into the file. Each
sample weighs what the main thread's CPU clock has run since the one before. Nothing in
the daemon knows of it.
"""

import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from types import CodeType, FrameType

from twisted.scripts import twistd

#: Seconds of CPU between two samples; frames that are looked at.
INTERVAL = 0.002
DEEPEST = 60


class Sampler:
    """Takes samples of the main thread.

    :param path: where they are written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: Counter[tuple[CodeType, ...]] = Counter()
        self._before = 0.0
        self._sampling = False

    def toggle(self, _: int, __: FrameType | None) -> None:
        """Begin, or end and write."""
        self._sampling = not self._sampling
        every = INTERVAL if self._sampling else 0.0
        signal.setitimer(signal.ITIMER_PROF, every, every)
        if self._sampling:
            self._seen.clear()
            self._before = time.thread_time()
        else:
            self._write()

    def take(self, _: int, frame: FrameType | None) -> None:
        """One sample."""
        now = time.thread_time()
        stack: list[CodeType] = []
        while frame is not None and len(stack) < DEEPEST:
            stack.append(frame.f_code)
            frame = frame.f_back
        self._seen[tuple(stack)] += now - self._before  # type: ignore[assignment]
        self._before = now

    def _write(self) -> None:
        """Stacks with their seconds, the innermost frame first."""
        found = [
            ([f"{one.co_filename}:{one.co_name}" for one in stack], seconds)
            for stack, seconds in self._seen.items()
        ]
        made = self._path.with_suffix(".part")
        made.write_text(json.dumps(found))
        made.rename(self._path)


def main() -> None:
    """Run twistd."""
    path, *arguments = sys.argv[1:]
    sampler = Sampler(Path(path))
    signal.signal(signal.SIGPROF, sampler.take)
    signal.signal(signal.SIGUSR2, sampler.toggle)
    sys.argv = ["twistd", *arguments]
    twistd.run()  # type: ignore[no-untyped-call]


if __name__ == "__main__":
    main()
