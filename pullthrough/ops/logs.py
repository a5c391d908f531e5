"""Where the log goes, so that many lines can go there in one write."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import TextIO

from twisted.logger import ILogObserver, textFileLogObserver

#: A text, and how often it is to be logged.
Repeated = tuple[str, int]


class LogStream:
    """A text stream for the log, with twistd's format of a line.

    :ivar observer: writes events to it, as twistd's own does.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._second = -1
        self._stamp = ""
        self.observer: ILogObserver = textFileLogObserver(stream)

    def write(self, system: str, lines: Sequence[Repeated], now: float) -> None:
        """Write lines of one subsystem.

        :param lines: without line ends, and how often each.
        :param now: seconds since the epoch.
        """
        second = int(now)
        if second != self._second:
            local = datetime.fromtimestamp(second, UTC).astimezone()
            self._second, self._stamp = second, local.strftime("%Y-%m-%dT%H:%M:%S%z")
        before = f"{self._stamp} [{system}] "
        self._stream.write(
            "".join([f"{before}{text}\n" * times for text, times in lines])
        )
        self._stream.flush()


@cache
def standard() -> LogStream:
    """The process's standard output, as it is when first asked for."""
    return LogStream(sys.stdout)


def observer() -> ILogObserver:
    """For twistd's option ``--logger``: the log on standard output."""
    return standard().observer
