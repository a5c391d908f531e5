"""Large pieces through TLS, encrypted at once.

Twisted's transport encrypts 16 KiB at a time, and copies each of them three times.
Where it shows the OpenSSL connection below (``getHandle``), a large piece is encrypted
in one call here, and handed to what lies below TLS in one piece; anything unusual is
left to the transport. Where nothing is shown, everything is.
"""

from typing import Any

from pullthrough.web.pacing import Gate

#: Twisted gathers small writes, up to 64,000 bytes, until the reactor's next turn. A
#: larger one takes them all along: then nothing is left to be overtaken.
GATHERED = 64 * 1024

#: Room for what TLS adds to a piece: at most 256 bytes for each record of 16 KiB (RFC
#: 8446 section 5.2), and an alert or so.
_RECORD, _MORE, _ROOM = 16 * 1024, 256, 4096


def handle_of(transport: Any) -> Any:
    """The OpenSSL connection of a TLS transport; None when it does not show it."""
    shown = getattr(transport, "getHandle", None)
    handle = shown() if shown is not None else None
    used = ("send", "bio_read")
    return handle if all(hasattr(handle, name) for name in used) else None


class TlsGate(Gate):
    """Like :class:`Gate`.

    :param handle: what :func:`handle_of` gave for the transport.
    """

    def __init__(self, transport: Any, handle: Any) -> None:
        super().__init__(transport)
        self._handle = handle
        self._below = transport.transport
        self._clear = False

    def write(self, data: bytes | memoryview) -> None:
        """Send a piece."""
        if not self._clear or self.closed:
            super().write(data)
            self._clear = len(data) > GATHERED
            return
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._handle.send(rest) :]
        except Exception:  # OpenSSL's; the transport meets it as well, and tells
            self._clear = False
        count = len(data) - len(rest)
        self._written += count
        self._pass_on(count)
        if rest:
            super().write(rest)

    def _pass_on(self, count: int) -> None:
        """Hand what was encrypted to what lies below."""
        room = count + (count // _RECORD + 1) * _MORE + _ROOM
        got = room
        while got == room:
            try:
                encrypted = self._handle.bio_read(room)
            except Exception:  # OpenSSL's: there is nothing
                return
            got = len(encrypted)
            self._below.write(encrypted)
