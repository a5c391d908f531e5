"""Ranges: of content that is read, and of chunks that are uploaded. Pure."""

import re
from dataclasses import dataclass

# RFC 9110 section 14.1.2: int-range = first-pos "-" [ last-pos ];
# suffix-range = "-" suffix-length.
_SINGLE = re.compile(r"bytes[ \t]*=[ \t]*([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)

# distribution-spec, "Pushing a blob in chunks": "Content-Range: <range>" with
# "<start>-<end>"; clients also send the RFC's "bytes 0-9/*".
_CHUNK = re.compile(
    r"(?:bytes[ =])?([0-9]{1,18})-([0-9]{1,18})(?:/(?:\*|([0-9]{1,18})))?"
)

# RFC 9110 section 5.6.3: OWS = *( SP / HTAB ), and no other blank.
_BLANKS = " \t"


@dataclass(frozen=True, slots=True)
class Whole:
    """All of it: there was no range, or one that is to be ignored."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes ``start`` to ``end`` (exclusive)."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """No byte of it is there: 416."""


def parse_range(header: str, size: int) -> Whole | Slice | Unsatisfiable:
    """What a ``Range`` header asks of content of ``size`` bytes.

    RFC 9110 section 14.2: a server "MAY ignore" it; several ranges and what is
    malformed are ignored.
    """
    match = _SINGLE.fullmatch(header.strip(_BLANKS))
    if match is None:
        return Whole()
    first, last = match.groups()
    if not first and not last:
        return Whole()
    if not first:
        suffix = int(last)
        if not suffix or not size:
            return Unsatisfiable()
        return Slice(max(0, size - suffix), size)
    start = int(first)
    end = int(last) + 1 if last else size
    if end <= start and last:
        return Whole()  # "invalid if the last-pos value is present and less"
    if start >= size:
        return Unsatisfiable()
    return Slice(start, min(end, size))


def parse_chunk_range(header: str) -> Slice | None:
    """Where an upload chunk says it lies; None when that cannot be read."""
    match = _CHUNK.fullmatch(header.strip(_BLANKS))
    if match is None:
        return None
    start, last = int(match[1]), int(match[2])
    # RFC 9110 section 14.4: invalid is "a complete-length value less than or equal to
    # its last-pos value".
    if last < start - 1 or (match[3] and int(match[3]) <= last):
        return None
    return Slice(start, last + 1)


def held(offset: int) -> str:
    """The ``Range`` header of an upload session that has ``offset`` bytes.

    With none it is ``0-0``, as Docker's clients expect.
    """
    return f"0-{max(0, offset - 1)}"
