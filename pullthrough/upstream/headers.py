"""What the headers of a response say, whatever bytes they are made of."""

import re

from twisted.web.iweb import IResponse

# RFC 9110 section 8.6: Content-Length = 1*DIGIT; no blob needs more than an int64.
_LENGTH = re.compile(r"[0-9]{1,19}")


def values_of(response: IResponse, name: str) -> list[str]:
    """All values of a header.

    RFC 9110 section 5.5: what is not ASCII is opaque, and it need not be UTF-8.
    """
    raw: list[bytes] = response.headers.getRawHeaders(name.encode("ascii"), [])
    return [value.decode("latin-1") for value in raw]


def header_of(response: IResponse, name: str) -> str:
    """The first value of a header; empty without."""
    return (values_of(response, name) or [""])[0]


def told_length(response: IResponse) -> int | None:
    """The ``Content-Length`` in bytes, of an answer to HEAD too; None without."""
    text = header_of(response, "Content-Length")
    return int(text) if _LENGTH.fullmatch(text) else None
