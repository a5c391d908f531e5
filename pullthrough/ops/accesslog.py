"""The access log: one line for each request, with named fields."""

from twisted.logger import Logger

from pullthrough.accessline import AccessLine

#: Longest text of a client's that is logged, in characters.
LONGEST = 512

_FORMAT = (
    '{peer} {principal} {repository} "{method} {path}" {status} {sent} {seconds:.3f}'
    ' {member} {source} "{agent}"'
)


class AccessLogger:
    """Logs each :class:`AccessLine`; what a client sent cannot break out of it."""

    def __init__(self, log: Logger) -> None:
        self._log = log

    def __call__(self, line: AccessLine) -> None:
        """Log one request."""
        self._log.info(
            _FORMAT,
            peer=clean(line.peer) or "-",
            principal=clean(line.principal) or "-",
            repository=line.repository,
            method=line.method,
            path=clean(line.path),
            status=line.status or "-",
            sent=line.sent,
            seconds=line.seconds,
            member=line.member or "-",
            source=line.source or "-",
            agent=clean(line.agent),
        )


def clean(text: str) -> str:
    """Text without control characters, quotes or backslashes, and not too long."""
    cut = text[:LONGEST]
    if cut.isascii() and cut.isprintable() and '"' not in cut and "\\" not in cut:
        return cut
    return "".join(
        char
        if char.isascii() and char.isprintable() and char not in '"\\'
        else f"\\x{ord(char):02x}"
        for char in cut
    )
