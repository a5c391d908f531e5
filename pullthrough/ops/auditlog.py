"""The audit log: a file with one JSON object in a line for each change."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from twisted.logger import Logger

from pullthrough.audit import AuditEvent
from pullthrough.errors import StorageOutage

#: Longest text of a client's that is kept, in characters.
LONGEST = 512


class AuditLog:
    """Appends to a file that only its owner reads. It may be moved away at any time.

    :param now: seconds since the epoch.
    :raises OSError: when it cannot be written.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, path: Path, now: Callable[[], float]) -> None:
        self._path = path
        self._now = now
        os.close(self._open())

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._path, flags, 0o600)

    def __call__(self, event: AuditEvent) -> None:
        """Keep one event; nothing in it can begin another line (JSON escapes it).

        :raises StorageOutage: when it cannot be kept.
        """
        fields = {name: text[:LONGEST] for name, text in asdict(event).items() if text}
        at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, **fields}, separators=(",", ":")) + "\n"
        try:
            fd = self._open()
            try:
                os.write(fd, line.encode("ascii"))
            finally:
                os.close(fd)
        except OSError as error:
            self._log.error("{path}: {why}", path=str(self._path), why=error.strerror)
            raise StorageOutage("the audit log cannot be written") from error
