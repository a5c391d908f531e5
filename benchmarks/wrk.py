"""Many small requests, by wrk."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calls import ACCEPT, Target, Wrong

SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True, slots=True)
class Rate:
    """What wrk has measured.

    :ivar rate: requests a second.
    :ivar p99: milliseconds.
    """

    requests: int
    rate: float
    p50: float
    p99: float


def load(
    target: Target,
    paths: Sequence[str],
    connections: int,
    seconds: float,
    other: bool = False,
) -> Rate:
    """Ask for some things in turn over so many connections.

    :param other: whether each request's head is another one, as it is when clients,
        tokens and traces differ; else the same few heads come over and over, which a
        server may know by heart.
    :raises Wrong: when any request fails.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    for name, value in {"Accept": ACCEPT, **target.headers}.items():
        command += ["-H", f"{name}: {value}"]
    command += ["-s", str(SCRIPT), target.url + paths[0]]
    with tempfile.NamedTemporaryFile("w") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()
        if other or len(paths) > 1:
            command += ["--", file.name, "other" if other else "same"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Wrong(f"{target.name}: wrk says: {done.stdout}{done.stderr}")
    try:
        return parse(done.stdout)
    except Wrong as error:
        raise Wrong(f"{target.name}: {paths[0]}: {error}") from None


def parse(said: str) -> Rate:
    """What ``wrk.lua`` has printed.

    :raises Wrong: when there were errors, or nothing was answered.
    """
    lines = [line for line in said.splitlines() if line.startswith("JSON ")]
    if len(lines) != 1:
        raise Wrong(f"wrk says: {said}")
    found = json.loads(lines[0].removeprefix("JSON "))
    if found["errors"] or not found["requests"]:
        raise Wrong(f"{found['errors']} of {found['requests']} requests failed")
    return Rate(
        found["requests"],
        found["requests"] / found["duration"] * 1e6,
        found["p50"] / 1000,
        found["p99"] / 1000,
    )
