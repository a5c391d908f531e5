"""Ranges that clients ask for, and those that chunks of uploads say they are."""

import re

from pullthrough.spec.ranges import (
    Slice,
    Unsatisfiable,
    Whole,
    held,
    parse_chunk_range,
    parse_range,
)
from tests.fuzz.feed import Feed, Target, latin

# RFC 9110 section 14.1.2, for one range; the unit's name is case-insensitive (14.1).
_INTERVAL = re.compile(r"bytes=([0-9]+)-([0-9]*)")
_SUFFIX = re.compile(r"bytes=-([0-9]+)")

# Blanks around "=" are no HTTP, but understood.
_BLANKS = re.compile(r"[ \t]*=[ \t]*")

# distribution-spec, "Pushing a blob in chunks", and RFC 9110 section 14.4.
_CHUNK = re.compile(r"(?:bytes[ =])?([0-9]+)-([0-9]+)(?:/(\*|[0-9]+))?")

#: Digits of the longest number that is read; more may be ignored.
_DIGITS = 18


def _expected(header: str, size: int) -> Whole | Slice | Unsatisfiable | None:
    """What a range means by the RFC; None: a server may do as it likes."""
    plain = _BLANKS.sub("=", header.strip(" \t"), count=1).lower()
    if re.search(rf"[0-9]{{{_DIGITS + 1}}}", plain):
        return None
    if suffix := _SUFFIX.fullmatch(plain):
        length = min(int(suffix[1]), size)
        return Slice(size - length, size) if length else Unsatisfiable()
    if interval := _INTERVAL.fullmatch(plain):
        first, last = int(interval[1]), interval[2]
        if last and int(last) < first:
            return Whole()
        if first >= size:
            return Unsatisfiable()
        return Slice(first, min(int(last) + 1, size) if last else size)
    return Whole()


def ranges(data: bytes) -> None:
    """The same as a second reader, and always within the size."""
    feed = Feed(data)
    size = feed.pick((0, 1, 2, 10, 255, 65536, 2**40, 10**18))
    header = latin(feed.rest())
    found = parse_range(header, size)
    if isinstance(found, Slice):
        assert 0 <= found.start < found.end <= size
    if isinstance(found, Unsatisfiable):
        assert isinstance(parse_range("bytes=0-", size), Slice | Unsatisfiable)
    expected = _expected(header, size)
    if expected is None:
        assert isinstance(found, Whole | Unsatisfiable)
    else:
        assert found == expected, (header, size, found, expected)


def chunks(data: bytes) -> None:
    """Only what the RFC calls valid is taken, or one that has no bytes; it says where
    the chunk begins and ends."""
    feed = Feed(data)
    offset = feed.below(65536)
    header = latin(feed.rest())
    found = parse_chunk_range(header)
    match = _CHUNK.fullmatch(header.strip(" \t"))
    if found is not None:
        assert match is not None, header
        first, last, total = match.groups()
        assert (found.start, found.end) == (int(first), int(last) + 1)
        assert 0 <= found.start <= found.end
        # RFC 9110 section 14.4: invalid is "a complete-length value less than or equal
        # to its last-pos value".
        assert total in (None, "*") or found.end <= int(total), header
    elif match is not None and max(map(len, match.groups(""))) <= _DIGITS:
        first, last, total = match.groups()
        whole = total in (None, "*") or int(last) < int(total)
        assert int(last) < int(first) - 1 or not whole, header
    told = parse_chunk_range(held(offset))
    assert told == Slice(0, max(offset, 1))


TARGETS = (
    Target(
        ranges,
        tuple(
            bytes([size]) + header
            for size in (0, 3, 7)
            for header in (
                b"bytes=0-0",
                b"bytes=2-5",
                b"bytes=5-",
                b"bytes=-3",
                b"bytes=-0",
                b"Bytes = 1-2",
                b"bytes=9-2",
                b"bytes=0-1,3-4",
                b"bytes=-",
                b"bytes=0-99999999999999999999",
                b"bytes=\xa00-1",
                b"\x85bytes=0-1",
            )
        ),
        (b"bytes=", b"-", b",", b"999999999999999999"),
    ),
    Target(
        chunks,
        tuple(
            b"\x00\x05" + header
            for header in (
                b"0-9",
                b"bytes 5-9/*",
                b"bytes=5-9",
                b"5-9/10",
                b"5-9/9",
                b"5-4",
                b"5-3",
                b"0--1",
                b"-5",
                b" 0-9\t",
            )
        ),
        (b"bytes ", b"-", b"/*", b"/"),
    ),
)
