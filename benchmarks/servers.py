"""Servers that are started, and ended by their process ids."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.calls import Wrong

ROOT = Path(__file__).parents[1]

#: Seconds for a start and for an end.
PATIENCE = 60


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def find(program: str) -> str | None:
    """Where a program is, also where only root looks; None: it is not installed."""
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"
    return shutil.which(program, path=path)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs.

    :ivar ports: by what is behind them.
    :ivar seconds: from its start until the first connection.
    """

    name: str
    command: Sequence[str]
    process: "subprocess.Popen[bytes]"
    ports: dict[str, int]
    log: Path
    seconds: float

    @property
    def pid(self) -> int:
        """Of its first process."""
        return self.process.pid

    def stop(self) -> None:
        """End it, by force if it must be."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start(
    name: str, command: Sequence[str], ports: dict[str, int], folder: Path
) -> Server:
    """Start a server in a folder, and wait until all its ports are open.

    :raises Wrong: when it ends, or takes too long.
    """
    log = folder / "log"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    begun = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    waiting = set(ports.values())
    while waiting:
        waiting = {port for port in waiting if not _open(port)}
        if process.poll() is not None or time.monotonic() - begun > PATIENCE:
            process.kill()
            raise Wrong(f"{name} does not start: {log.read_text()[-2000:]}")
        if waiting:
            time.sleep(0.01)
    return Server(name, command, process, ports, log, time.monotonic() - begun)


def _open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def python(*arguments: str) -> list[str]:
    """A command in our own Python."""
    return [sys.executable, *arguments]


def twistd(*arguments: str) -> list[str]:
    """A command of our daemon."""
    return [str(Path(sys.executable).with_name("twistd")), "pullthrough", *arguments]
