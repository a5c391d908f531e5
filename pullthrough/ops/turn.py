"""A leaner turn of the epoll reactor: what is ready is called, and nothing else.

Twisted's own turn sets up a logging context around each call, which costs more than a
small answer does. What a context would tell is not in our log. The seam is the public
``doIteration`` of the one reactor; used inside are ``_poller``, ``_selectables``,
``_doReadOrWrite`` and ``_disconnectSelectable`` of Twisted's ``EPollReactor``. Where
they are not as expected, the stock turn stays (``tests/ops/test_turn.py``).
"""

import errno
import sys
from collections.abc import Callable
from select import EPOLLIN, EPOLLOUT
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.logger import Logger

_log = Logger(namespace="pullthrough")

_USED = ("_poller", "_selectables", "_doReadOrWrite", "_disconnectSelectable")


def make_lean(reactor: Any) -> bool:
    """Let a reactor turn so from now on. Whether it is one that can."""
    fit = type(reactor) is EPollReactor and all(
        hasattr(reactor, name) for name in _USED
    )
    if not fit:
        return False
    reactor.doIteration = _turn(reactor)
    return True


def _turn(reactor: Any) -> Callable[[float | None], None]:
    poll = reactor._poller.poll
    selectables = reactor._selectables
    usual = EPOLLIN | EPOLLOUT

    def turn(timeout: float | None) -> None:
        try:
            events = poll(-1 if timeout is None else timeout, len(selectables))
        except OSError as error:
            if error.errno == errno.EINTR:
                return
            raise
        for fd, event in events:
            selectable = selectables.get(fd)
            if selectable is None:
                continue  # an earlier one of this turn has ended it
            if event & ~usual:
                reactor._doReadOrWrite(selectable, fd, event)
                continue
            reading, why = False, None
            try:
                if event & EPOLLIN:
                    reading = True
                    why = selectable.doRead()
                if not why and event & EPOLLOUT:
                    reading = False
                    why = selectable.doWrite()
            except BaseException:
                why = sys.exc_info()[1]
                _log.failure("a descriptor's handler failed")
            if why:
                reactor._disconnectSelectable(selectable, why, reading)

    return turn
