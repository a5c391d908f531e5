"""SIGTERM and SIGINT: once to finish and leave with status 0, twice to leave now.
SIGHUP: read the configuration anew."""

import signal
from collections.abc import Callable
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def on_terminate(reactor: Any, hurry: Callable[[], None]) -> None:
    """Stop the reactor at the first signal; call ``hurry`` at each further one.

    Twisted's own handlers would end the process by the signal itself, which is no
    clean exit for whoever watches.
    """
    stopping = False

    def arrived(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        reactor.callFromThread(hurry if stopping else reactor.stop)
        stopping = True

    for number in SIGNALS:
        signal.signal(number, arrived)


def on_hangup(reactor: Any, reload: Callable[[], None]) -> None:
    """Call ``reload()`` in the reactor at each SIGHUP."""

    def arrived(number: int, frame: FrameType | None) -> None:
        reactor.callFromThread(reload)

    signal.signal(signal.SIGHUP, arrived)
