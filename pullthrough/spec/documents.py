"""JSON from strangers, read only where that stays cheap. Pure."""

import json
from collections.abc import Callable
from typing import Any

#: How often a byte may stand in a document: a hostile 4 MiB of ``[[[[…`` costs 100 MiB
#: and blocks for half a second (measured).
CAPS = ((b"{", 20_000), (b"[", 20_000), (b",", 100_000))

#: Digits of a number that are read. No longer one means anything to us, and the time
#: that Python takes for one grows with the square of its length.
_DIGITS = 24


class TooRich(ValueError):
    """A document with more in it than is read; the text says of what."""


def read(
    body: bytes, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None
) -> Any:
    """What a JSON text says.

    :param pairs: makes an object of its members; None: the last of equal keys counts.
    :raises ValueError: when it is none, in UTF-8; is too deep; or, as
        :class:`TooRich`, has too much in it.
    """
    for byte, cap in CAPS:
        if body.count(byte) > cap:
            raise TooRich(f"at most {cap} times {byte.decode()!r} are read")
    try:
        # Decoded here: of bytes json would guess UTF-16 too, and pass over a byte order
        # mark, where others refuse.
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=pairs,
            parse_int=_int,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise ValueError("it is too deep") from error


def _int(text: str) -> int:
    return int(text[:_DIGITS])


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not of JSON")  # NaN and Infinity
