"""Which system calls a server makes, where strace is installed."""

import re
import signal
import subprocess
import time
from collections.abc import Callable

from benchmarks.servers import find

_LINE = re.compile(r"\s*[0-9.]+\s+[0-9.]+\s+[0-9]+\s+([0-9]+)(?:\s+[0-9]+)?\s+(\w+)\s*")

#: Seconds for it to be there.
PATIENCE = 10


def calls(pid: int, work: Callable[[], float]) -> dict[str, float] | None:
    """System calls for each unit of work, the most frequent first.

    :param work: does it, slowly, for it is watched; how many units that were.
    :returns: None where there is no strace, or it may not look.
    """
    program = find("strace")
    if program is None:
        return None
    with subprocess.Popen(
        [program, "-q", "-c", "-f", "-p", str(pid)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as strace:
        try:
            if not _attached(strace, pid):
                return None
            units = work()
        finally:
            strace.send_signal(signal.SIGINT)
        _, said = strace.communicate()
    return {name: count / units for name, count in parse(said).items()}


def _attached(strace: "subprocess.Popen[str]", pid: int) -> bool:
    until = time.monotonic() + PATIENCE
    while strace.poll() is None and time.monotonic() < until:
        with open(f"/proc/{pid}/status") as file:
            if f"TracerPid:\t{strace.pid}\n" in file.read():
                return True
        time.sleep(0.01)
    return False


def parse(said: str) -> dict[str, int]:
    """What ``strace -c`` prints: calls by name, the most frequent first."""
    found = [match for line in said.splitlines() if (match := _LINE.fullmatch(line))]
    counts = {match[2]: int(match[1]) for match in found if match[2] != "total"}
    return dict(sorted(counts.items(), key=lambda item: -item[1]))
