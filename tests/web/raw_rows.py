"""The whole raw corpus: the rows, and the older heads, sent whole."""

from urllib.parse import unquote

from tests.web.corpus import CORPUS, OK
from tests.web.raw_bodies import CODINGS, LENGTHS
from tests.web.raw_chunks import CHUNKS
from tests.web.raw_heads import FIELDS, HOSTS, LINES, SIZES, TARGETS
from tests.web.raw_requests import EXPECTATIONS, OTHER_PROTOCOLS, PIPELINES
from tests.web.raw_row import After, Row, Saw

#: Those that were written for the socket.
NEW: tuple[Row, ...] = (
    *(*TARGETS, *HOSTS, *FIELDS, *SIZES, *LINES, *OTHER_PROTOCOLS),
    *(*EXPECTATIONS, *PIPELINES, *LENGTHS, *CODINGS, *CHUNKS),
)


def _row(text: str, status: int) -> Row:
    """A head of the older corpus, without a body."""
    sent = text.encode("latin-1") + b"\r\n\r\n"
    name = f"head {text[:60]!r} of {len(text)}"
    if status != OK:
        return Row(name, sent, (status,))
    first, *fields = text.split("\r\n")
    method, target, version = first.split(" ")
    named = dict(field.lower().split(":", 1) for field in fields)
    path = unquote(target.partition("?")[0])
    length = named.get("content-length", "0").strip()
    if int(length) or "transfer-encoding" in named:
        begun = (Saw(method, path, b"", False),)
        return Row(name, sent, (100,) * ("expect" in named), begun, After.WAITS)
    closes = version == "HTTP/1.0" or named.get("connection", "").strip() == "close"
    after = After.CLOSED if closes else After.OPEN
    return Row(name, sent, (200,), (Saw(method, path),), after)


def _is_one(text: str) -> bool:
    """Whether it is one head also where it ends on a wire."""
    return bool(text) and "\r\n\r\n" not in text


ROWS: tuple[Row, ...] = (
    *NEW,
    *(_row(text, status) for text, status in CORPUS if _is_one(text)),
)
