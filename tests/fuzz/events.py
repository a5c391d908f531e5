"""What is kept and logged of clients: one event, one line."""

import json
import tempfile
from dataclasses import fields
from pathlib import Path

from pullthrough.audit import AuditEvent
from pullthrough.ops.accesslog import LONGEST as LONGEST_FIELD
from pullthrough.ops.accesslog import clean
from pullthrough.ops.auditlog import LONGEST, AuditLog
from tests.fuzz.feed import Feed, Target, text

_FOLDER = tempfile.TemporaryDirectory(prefix="fuzz-")
_FILE = Path(_FOLDER.name) / "audit.log"


def audits(data: bytes) -> None:
    """Whatever a client sent, an event is one line of JSON, and says what was sent."""
    feed = Feed(data)
    given = {field.name: text(feed.take()) for field in fields(AuditEvent)}
    _FILE.unlink(missing_ok=True)
    AuditLog(_FILE, lambda: 0.0)(AuditEvent(**given))
    written = _FILE.read_bytes()
    assert written.isascii()
    assert written.count(b"\n") == 1
    assert written.endswith(b"\n")
    assert not [byte for byte in written[:-1] if byte < 32 or byte == 127]
    told = json.loads(written)
    assert told.pop("at").startswith("1970-")
    assert told == {name: it[:LONGEST] for name, it in given.items() if it}


def cleans(data: bytes) -> None:
    """Whatever a client sent, in a line of the log it is one field, from which what was
    sent can be told."""
    given = text(data)
    field = clean(given)
    assert field.isascii()
    assert field.isprintable()
    assert '"' not in field
    assert clean(field) == field or "\\x" in field
    if max(map(ord, given), default=0) < 256:
        assert _undone(field) == given[:LONGEST_FIELD]


def _undone(field: str) -> str:
    """A field without its escapes, ``\\xHH``."""
    first, *pieces = field.split("\\x")
    return first + "".join(chr(int(it[:2], 16)) + it[2:] for it in pieces)


def _fields(*values: bytes) -> bytes:
    return b"".join(bytes([len(value)]) + value for value in values)


TARGETS = (
    Target(
        audits,
        (
            _fields(b"push", b"done", b"me", b"192.0.2.1", b"own", b"a/b", b"latest"),
            _fields(b"login", b"\r\n{}", b"\xff\xfe", b"\x1b[31m", b'"', b"\\"),
            _fields(b"", b"", "ä\u2028😀".encode(), b"\x7f"),
        ),
        (b"\r\n", b"\x1b[", b'"', b"\\u", b"\x00", b"\xe2\x80\xa8"),
    ),
    Target(
        cleans,
        (
            b"/v2/library/alpine/manifests/latest",
            b'/v2/" 200 \r\n',
            b"\xc3\xa4\\x41",
            b"\xe2\x82\xac\xff",
            b"x" * 600,
        ),
        (b"\r\n", b'"', b"\\x", b"\x1b[", b"\xc2\x85"),
    ),
)
