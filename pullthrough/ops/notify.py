"""Telling systemd how we are: one datagram for each word (sd_notify(3))."""

import socket
from collections.abc import Mapping
from contextlib import suppress


class Supervisor:
    """Whoever started us, if it wants to know.

    :param environ: with ``NOTIFY_SOCKET`` and ``WATCHDOG_USEC``.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        usec = environ.get("WATCHDOG_USEC", "")
        #: seconds between two signs of life; 0: none are wanted.
        self.interval = int(usec) / 2_000_000 if usec.isdigit() else 0.0

    def tell(self, *words: str) -> None:
        """Say ``READY=1``, ``STOPPING=1``, ``WATCHDOG=1`` or ``STATUS=…``."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        # Whoever does not listen any more must not keep us from serving or stopping.
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender,
            suppress(OSError),
        ):
            sender.sendto("\n".join(words).encode(), address)
