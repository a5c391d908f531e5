"""What upstreams tell of limits, waits and doubts in headers."""

import math
import re

from pullthrough.spec.ratelimit import LONGEST, USUAL, parse_budget, pause_after
from pullthrough.spec.retryafter import LONGEST as LONGEST_WAIT
from pullthrough.spec.retryafter import parse_retry_after
from pullthrough.spec.warning import parse_warning
from pullthrough.web.reading import told_warning
from tests.fuzz.feed import Feed, Target, latin, text

_NOW = 1_700_000_000.0
_VALUE = re.compile(r"([0-9]{1,9})(?:;w=([0-9]{1,9}))?")


def budgets(data: bytes) -> None:
    """Numbers come out as they stand there, the window of what remains first."""
    feed = Feed(data)
    limit, remaining = latin(feed.take()), latin(feed.rest())
    budget = parse_budget(limit, remaining)
    # Blanks mean nothing but between digits.
    plain = [
        _VALUE.fullmatch(re.sub(r"\s*([;=])\s*", r"\1", value.strip()))
        for value in (limit, remaining)
    ]
    most, left = plain
    if budget is None:
        assert most is None or left is None, (limit, remaining)
        return
    assert most is not None
    assert left is not None
    assert (budget.limit, budget.remaining) == (int(most[1]), int(left[1]))
    assert budget.window == int(left[2] or most[2] or 0)


def waits(data: bytes) -> None:
    """Whatever stands there, the wait is finite and believable; seconds are taken as
    they are, and the same date later is a shorter wait."""
    header = latin(data)
    told = parse_retry_after(header, _NOW)
    pause = pause_after(told)
    assert 1.0 <= pause <= LONGEST
    if told is None:
        assert pause == USUAL
        assert not re.fullmatch("[0-9]+", header.strip())
        return
    assert math.isfinite(told)
    assert 0 <= told <= LONGEST_WAIT
    later = parse_retry_after(header, _NOW + 10)
    assert later is not None
    if re.fullmatch("[0-9]+", header.strip()):
        digits = header.strip().lstrip("0")
        known = float(digits or 0) if len(digits) < 9 else LONGEST_WAIT
        assert told == later == min(known, LONGEST_WAIT), header
    else:
        assert later <= told


def warnings(data: bytes) -> None:
    """What we tell is read again by us; what others tell is read as text only."""
    given = text(data)
    for name, value in told_warning(given):
        assert name == "Warning"
        assert value.isascii()
        assert value.isprintable()
        said = parse_warning(value)
        assert len(said) <= len(given)
        plain = given.isascii() and given.isprintable()
        if plain and not set(given) & set('"\\') and len(given) < 500:
            assert said == given
        assert told_warning(said) == ([(name, value)] if said else [])
    assert len(parse_warning(given)) <= 4096
    assert given.strip().startswith("299 ") or not parse_warning(given)


TARGETS = (
    Target(
        budgets,
        (
            b"\x0b100;w=2160076;w=21600",
            b"\x03100 76 ; w = 1",
            b"\x0310076",
            b"\x000;w=",
            b"\x0a999999999999999999999",
            b"\x09999999999999999999",
            b"\x03\xb2\xb2\xb21",
        ),
        (b";w=", b" ", b"\t", b";", b"\x85"),
    ),
    Target(
        waits,
        (
            b"120",
            b"0000000000005",
            b"99999999999999999999",
            b"Tue, 14 Nov 2023 22:14:20 GMT",
            b"Tue, 14 Nov 2023 22:14:20 -0000",
            b"Tuesday, 14-Nov-23 22:14:20 GMT",
            b"Tue Nov 14 22:14:20 2023",
            b"Tue, 14 Nov 99999 22:14:20 GMT",
            b"Tue, 14 Nov 2023 22:14:20 +9999999999",
            b"-1",
            b"\xb2",
            b"1.5",
            b"",
        ),
        (b" GMT", b" +0000", b" -9999", b" Nov ", b":", b", ", b"9999999999", b"0"),
    ),
    Target(
        warnings,
        (
            b"cannot be confirmed",
            b'299 - "a \\"b\\" c"',
            b'299 x "y" "Tue, 14 Nov 2023 22:14:20 GMT"',
            b'110 - "stale"',
            b'"\\\r\n',
            "grün".encode(),
            b"x" * 600,
        ),
        (b"299 - ", b'"', b"\\", b"\r\n"),
    ),
)
