"""What a server costs: CPU time and memory of all its processes, from /proc."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")

#: Seconds between two looks at the memory.
LOOK = 0.02


def family(pid: int) -> list[int]:
    """A process and all that have come from it."""
    found = [pid]
    for one in found:
        for path in Path(f"/proc/{one}/task").glob("*/children"):
            found += map(int, path.read_text().split())
    return found


def cpu(pid: int) -> float:
    """Seconds of CPU that a server has used, in 10 ms."""
    return sum(cpu_of(Path(f"/proc/{one}/stat").read_text()) for one in family(pid))


def cpu_of(stat: str) -> float:
    """Seconds of user and system time in a line of ``/proc/PID/stat``; proc(5)."""
    parts = stat.rpartition(")")[2].split()
    return (int(parts[11]) + int(parts[12])) / _TICKS


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a server, in MiB.

    :ivar pss: what is shared with others, also with our own Python, is divided.
    :ivar rss: what is shared counts in full, once for each process.
    """

    pss: float = 0
    rss: float = 0


def memory(pid: int) -> Memory:
    """The memory of a server."""
    texts = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in family(pid)]
    return Memory(
        sum(memory_of(text, "Pss") for text in texts),
        sum(memory_of(text, "Rss") for text in texts),
    )


def memory_of(rollup: str, kind: str) -> float:
    """One kind in a ``/proc/PID/smaps_rollup``, in MiB; proc(5)."""
    line = next(line for line in rollup.splitlines() if line.startswith(f"{kind}:"))
    return int(line.split()[1]) / 1024


class Peak:
    """The most memory that a server has while something is done.

    :ivar most: of each kind by itself.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._done = threading.Event()
        self.most = Memory()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """While the block runs. Nothing may fork meanwhile."""
        watcher = threading.Thread(target=self._watch)
        watcher.start()
        try:
            yield
        finally:
            self._done.set()
            watcher.join()

    def _watch(self) -> None:
        while True:
            now = memory(self._pid)
            self.most = Memory(max(self.most.pss, now.pss), max(self.most.rss, now.rss))
            if self._done.wait(LOOK):
                return
