"""What the owner starts: ``python -m pullthrough.workers INDEX [tls]``.

The channel to the owner is descriptor 3, the shared memory descriptor 4.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pullthrough.workers.slim import do_without, give_back

CONTROL, SHARED = 3, 4

#: Of prctl(2): the signal that comes when the parent ends.
_PDEATHSIG = 1


def main(index: int, secure: bool) -> None:
    """Work until the owner is gone, or wants it no more."""
    # The channel ends with the owner; this is for a worker that does not look.
    ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
    # They reach all processes of a terminal or a unit; the owner tells what they mean.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    do_without(secure)
    from twisted.internet import reactor

    from pullthrough.ops.turn import make_lean
    from pullthrough.workers.shared import Shared
    from pullthrough.workers.telling import tell_log
    from pullthrough.workers.worker import Worker

    make_lean(reactor)
    worker = Worker(reactor, Shared(SHARED), index, _tls(reactor), lambda: os._exit(0))
    worker.start(CONTROL)
    tell_log(worker.control)
    give_back()
    running: Any = reactor
    running.run(installSignalHandlers=False)


def _tls(reactor: Any) -> Callable[[Path, Path], Any]:
    def lay(certificate: Path, key: Path) -> Any:
        from pullthrough.ops.ports import with_tls

        return with_tls(certificate, key, reactor)

    return lay


if __name__ == "__main__":
    main(int(sys.argv[1]), "tls" in sys.argv)
