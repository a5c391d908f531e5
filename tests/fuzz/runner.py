"""Runs targets side by side, each under atheris in a process of its own."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

#: Seconds that a process may take beyond its time, to begin and to end.
GRACE = 120

#: How libFuzzer calls the input that it has stopped at.
_FOUND = ("crash-*", "timeout-*", "oom-*", "leak-*")

_RUNS = re.compile(r"stat::number_of_executed_units: *([0-9]+)")

#: Last lines of its output that are told of a process that has failed.
_LINES = 40


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a target.

    :ivar runs: how many inputs were tried; 0 when that is not known.
    :ivar problem: for people; empty when nothing was found.
    """

    name: str
    runs: int
    problem: str


def replay_command(name: str, data: bytes) -> str:
    """What runs one input again, without a fuzzer."""
    return f"python -m tests.fuzz {name} --replay {data.hex() or '-'}"


def fuzz(names: Sequence[str], seconds: int, jobs: int) -> list[Outcome]:
    """Fuzz the targets, so many at a time, each for so many seconds."""
    with ThreadPoolExecutor(jobs) as pool:
        return list(pool.map(lambda name: _fuzz(name, seconds), names))


def _fuzz(name: str, seconds: int) -> Outcome:
    with tempfile.TemporaryDirectory(prefix=f"fuzz-{name}-") as folder:
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds)]
        try:
            done = subprocess.run(
                [*command, folder],
                cwd=ROOT,
                env={**os.environ, "TMPDIR": folder},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                timeout=seconds + GRACE,
            )
        except subprocess.TimeoutExpired:
            return Outcome(name, 0, f"{name}: did not end in time")
        runs = _RUNS.search(done.stdout)
        count = int(runs[1]) if runs else 0
        if done.returncode == 0 and count:
            return Outcome(name, count, "")
        told = done.stdout.splitlines()[-_LINES:]
        again = [
            replay_command(name, found.read_bytes())
            for pattern in _FOUND
            for found in Path(folder).glob(pattern)
        ]
        return Outcome(name, count, "\n".join([f"{name} has failed:", *told, *again]))
