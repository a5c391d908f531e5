"""The access log: one line for each request, in a fixed order of fields."""

from pullthrough.accessline import AccessLine

#: Longest text of a client's that is logged, in characters.
LONGEST = 512


def text_of(line: AccessLine, peer: str) -> str:
    """The line; what a client sent cannot break out of its field.

    :param peer: the client's address.
    """
    return (
        f"{clean(peer) or '-'} {clean(line.principal) or '-'} {line.repository}"
        f' "{line.method} {clean(line.path)}" {line.status or "-"} {line.sent}'
        f" {line.seconds:.3f} {line.member or '-'} {line.source or '-'}"
        f' "{clean(line.agent)}"'
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
