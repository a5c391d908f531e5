"""A worker and its owner in one process, with real sockets between them."""

import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.error import ProcessDone
from twisted.python.failure import Failure

from pullthrough.accessline import AccessLine
from pullthrough.changes import Changes
from pullthrough.ops.ports import with_tls
from pullthrough.web.listener import Listener
from pullthrough.workers.control import adopt
from pullthrough.workers.door import Below
from pullthrough.workers.hand import Hand, Orders
from pullthrough.workers.shared import Shared
from pullthrough.workers.worker import Described, Worker

_REACTOR: Any = reactor


class Beside:
    """Serves one listener by a worker only: nobody else accepts.

    :param files: a certificate and its key; None: without TLS.
    :ivar answered: what the owner was told of answers that it has not given.
    """

    def __init__(
        self, listener: Listener, files: tuple[Path, Path] | None = None
    ) -> None:
        self.shared = Shared.make()
        self.changes = Changes(self.shared.stamps)
        self.answered: list[tuple[AccessLine, str, int]] = []
        self.refused = 0
        self.hand = Hand(
            _REACTOR,
            1,
            files is not None,
            {1: listener}.get,
            lambda *answered: self.answered.append(answered),
            self._refused,
            lambda hand: None,
        )
        self._process = _NoProcess()
        self.hand.makeConnection(self._process)  # type: ignore[arg-type]
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listening.setblocking(False)
        self.port: int = self._listening.getsockname()[1]
        certificate, key = map(str, files or ("", ""))
        self.connectors: list[Described] = [(1, int(socket.AF_INET), certificate, key)]
        self.gone = False

    async def start(self) -> None:
        """Begin."""
        ours, theirs = socket.socketpair()
        adopt(_REACTOR, ours, self.hand.control)
        self.worker = Worker(_REACTOR, self.shared, 1, _tls, self._ended)
        self.worker.start(theirs.detach())
        self.serve()
        await self.hand.settled()

    def serve(self, most: int = 4096, per_address: int = 4096) -> None:
        """Tell the worker what to serve."""
        listening = {1: self._listening.fileno()}
        self.hand.serve(Orders(self.connectors, listening, (most, per_address)))

    def listening_worker(self) -> Any:
        """What the worker listens with; None: it does not."""
        door = self.worker._doors.get(1)
        return door and door.port

    async def stop(self) -> None:
        """End, once the last client has gone."""
        if not self.hand.leaving:
            self.hand.leave()
        await self.hand.settled()
        await self.hand.end()
        self._listening.close()
        self.worker.stop()

    def _refused(self, count: int) -> None:
        self.refused += count

    def _ended(self) -> None:
        """The worker's end of the channel: its process would exit."""
        self.gone = True
        self.hand.processEnded(Failure(ProcessDone(None)))


def _tls(certificate: Path, key: Path) -> Below:
    return with_tls(certificate, key, _REACTOR)


class _NoProcess:
    """Stands for the process."""

    pid = 0

    def signalProcess(self, signal: str) -> None:
        """It shares ours."""
