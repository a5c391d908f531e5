"""kill -9 at random moments under mixed pushes: nothing acknowledged is lost."""

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pullthrough.spec.digest import Digest
from tests.loopback.world import CHECKOUT, htpasswd
from tests.support.invariants import (
    blob_is_there,
    names_are_contents,
    nothing_is_left_over,
)
from tests.support.ledger import Ledger
from tests.support.pushers import Client, Pusher

KILLS = 200
USERS = ("alice", "bob", "carol")

#: Most requests that are begun before the daemon is killed.
MOST = 60

_CONFIG = """
[pullthrough]
data = data

[auth]
htpasswd = users

[repository:own]
type = hosted
http_port = unix:own.socket
"""


class Daemon:
    """Our daemon in a folder, behind a Unix socket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.store = self.data / "blobs" / "own"
        self.socket = folder / "own.socket"
        (folder / "registry.ini").write_text(_CONFIG)
        htpasswd(folder / "users", **{user: f"pw-{user}" for user in USERS})

    def start(self) -> None:
        """Start it, and wait until it says that it serves."""
        twistd = str(Path(sys.executable).with_name("twistd"))
        self._process = subprocess.Popen(
            [twistd, "pullthrough", "--config", str(self.folder / "registry.ini")],
            cwd=self.folder,
            env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        said = []
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said.append(line)
            if b"own.socket serves" in line:
                break
        else:
            raise AssertionError(b"".join(said).decode())
        self._reader = threading.Thread(target=self._process.stdout.read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def files(self) -> set[Path]:
        """What is committed."""
        return set(self.store.glob("content/*/*/*"))


class Moment:
    """The moment to kill: when so many requests have been begun."""

    def __init__(self, requests: int) -> None:
        self._left = requests
        self._come = threading.Event()
        self._lock = threading.Lock()

    def begun(self) -> None:
        """A request begins."""
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self._come.set()

    def wait(self) -> None:
        """Until it has come."""
        assert self._come.wait(60), "the pushers stand still"


def one_round(daemon: Daemon, ledger: Ledger, seed: str) -> None:
    """Push, kill, start again and check what was acknowledged in between."""
    moment = Moment(random.Random(seed).randrange(1, MOST))
    pushers = [
        Pusher(daemon.socket, user, f"{seed} {user}", ledger, moment.begun)
        for user in USERS
    ]
    before = daemon.files()
    for pusher in pushers:
        pusher.start()
    moment.wait()
    daemon.kill()
    for pusher in pushers:
        pusher.join(60)
        assert pusher.problem is None, repr(pusher.problem)
    names_are_contents(daemon.files() - before)
    daemon.start()
    nothing_is_left_over(daemon.data, daemon.store)
    client = Client(daemon.socket)
    ledger.check(client.ask, "alice", "bob")
    finish_sessions(client, ledger)
    client.close()


def finish_sessions(client: Client, ledger: Ledger) -> None:
    """Sessions go on where they stand, and end in the content they should."""
    for location, one in ledger.sessions.items():
        digest = Digest.of(one.content)
        rest = one.content[one.acked :]
        target = f"{location}?digest={digest}"
        answer = client.ask("PUT", target, one.owner, {}, rest)
        assert answer.status == 201, f"{location}: {answer}"
        image = location.removeprefix("/v2/").partition("/blobs/")[0]
        blob_is_there(client.ask, one.owner, image, digest)
    ledger.sessions.clear()


@pytest.mark.parametrize("batch", range(4))
def test_kill(tmp_path: Path, batch: int) -> None:
    """200 times in all; at the end everything is looked at once more."""
    daemon, ledger, kept = Daemon(tmp_path), Ledger(), Ledger()
    daemon.start()
    try:
        for number in range(KILLS // 4):
            one_round(daemon, ledger, f"{batch}.{number}")
            kept.blobs |= ledger.blobs
            kept.manifests |= ledger.manifests
            ledger.forget_content()
        kept.tags = ledger.tags
        kept.check(Client(daemon.socket).ask, "alice", "bob")
        names_are_contents(daemon.files())
    finally:
        daemon.kill()
