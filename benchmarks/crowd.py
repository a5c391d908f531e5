"""Clients in processes of their own that begin at the same moment."""

import json
import os
import select
import time
import traceback
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Protocol

from benchmarks.calls import Wrong

#: Seconds until the slowest client must be done.
PATIENCE = 300


class Client(Protocol):
    """What one client does."""

    @abstractmethod
    def prepare(self) -> None:
        """Before it begins: connect, for example."""

    @abstractmethod
    def work(self) -> dict[str, float]:
        """Do it; times are those of :func:`time.monotonic`.

        :raises Wrong: when anything is not as it should be.
        """


class Crowd:
    """Clients that are ready when this is made. It forks: no thread may run.

    :raises Wrong: when one cannot get ready.
    """

    def __init__(self, clients: Sequence[Client]) -> None:
        hold, self._release = os.pipe()
        told, tell = os.pipe()
        self._pids: list[int] = []
        for client in clients:
            pid = os.fork()
            if not pid:
                os.close(self._release)
                os.close(told)
                _live(client, hold, tell)
            self._pids.append(pid)
        os.close(hold)
        os.close(tell)
        self._told = told
        self._lines = b""
        self._await("ready", PATIENCE)

    def go(self) -> float:
        """Let them begin; the moment."""
        began = time.monotonic()
        os.close(self._release)
        self._release = -1
        return began

    def results(self, patience: float = PATIENCE) -> list[dict[str, float]]:
        """What each has found, once all are done.

        :raises Wrong: when anything went wrong with any of them.
        """
        found = self._await("done", patience)
        self._end()
        return found

    def _await(self, what: str, patience: float) -> list[Any]:
        """What all say."""
        until = time.monotonic() + patience
        found: list[Any] = []
        while len(found) < len(self._pids):
            left = until - time.monotonic()
            if left <= 0 or not select.select([self._told], [], [], left)[0]:
                self._end()
                raise Wrong(f"clients are not {what} after {patience} s")
            data = os.read(self._told, 65536)
            *lines, self._lines = (self._lines + data).split(b"\n")
            said = [json.loads(line) for line in lines]
            wrong = [one["wrong"] for one in said if "wrong" in one]
            if wrong or not data:
                self._end()
                raise Wrong(wrong[0] if wrong else "a client has ended")
            found += [one[what] for one in said]
        return found

    def _end(self) -> None:
        os.close(self._told)
        if self._release >= 0:
            os.close(self._release)
        for pid in self._pids:
            os.kill(pid, 9)
            os.waitpid(pid, 0)


def _live(client: Client, hold: int, tell: int) -> None:
    """The life of one client; never returns."""

    def say(**what: Any) -> None:
        os.write(tell, json.dumps(what).encode() + b"\n")  # a line goes in one piece

    try:
        client.prepare()
        say(ready=True)
        os.read(hold, 1)
        say(done=client.work())
        os.read(hold, 1)
        time.sleep(PATIENCE)  # until it is killed: then nothing is cleaned up twice
    except BaseException as error:
        where = traceback.format_exc(limit=-1).splitlines()[1].strip()
        say(wrong=f"{type(error).__name__}: {error} ({where})"[:1000])
    finally:
        os._exit(0)


def together(clients: Sequence[Client]) -> tuple[float, list[dict[str, float]]]:
    """All at once: the moment when they began, and what each has found."""
    crowd = Crowd(clients)
    began = crowd.go()
    return began, crowd.results()
