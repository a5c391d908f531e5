"""Raw responses of an upstream, through our real client: content is taken only when
its end was marked, and its size is right."""

from collections.abc import Callable

import pytest

from tests.upstream.raw_contents import CHUNKS, LENGTHS
from tests.upstream.raw_host import DIGEST, LATEST, LOOSER, Upstream, disagreement, read
from tests.upstream.raw_responses import (
    CODINGS,
    FIELDS,
    INTERIM,
    OTHER,
    SIZES,
    STATUS,
)
from tests.upstream.raw_row import (
    CONTENT,
    LENGTH,
    SIZE,
    UNASKED,
    Outcome,
    Row,
    answer,
)

ROWS: tuple[Row, ...] = (
    *(*STATUS, *FIELDS, *SIZES, *INTERIM, *CODINGS, *OTHER, *LENGTHS, *CHUNKS),
)

#: Where h11 reads a whole body that we do not take: our words, and why.
STRICTER = {
    "answers with a malformed status line": "RFC 9112 section 4: other versions, and"
    " control characters in the reason",
    "answers with a line end that is not CR LF": "RFC 9112 section 2.2 allows to take"
    " a bare LF; a reader between us and the upstream may not",
    "answers with a malformed header line": "obs-fold, RFC 9112 section 5.2, which a"
    " gateway may refuse, and control characters, RFC 9110 section 5.5",
    "answers with a head of more than 65536 bytes": "h11's limit is set higher",
    "answers with a length and a transfer coding at once": "RFC 9112 section 6.3",
    "answers with a transfer coding that is not taken": "RFC 9112 section 6.1: there is"
    " none in HTTP/1.0",
    "a line too long": "Twisted takes no line of more than 16 KiB",
    "answered 204 to a blob": "RFC 9110 section 15.3.5: there is no body",
    "answered 206 to a blob": "RFC 9110 section 15.3.7: not what was asked for",
    "answered 304": "RFC 9110 section 15.4.5: we have sent no condition",
    "sent content encoded as gzip": "the digest is that of content as it is",
    "sent content encoded as x, gzip": "the digest is that of content as it is",
    "sent a body cut short": "RFC 9112 section 8: an end that is not marked may be one"
    " that was cut",
    "broke off a body": "RFC 9112 section 7.1.1: Twisted takes no odd bytes in an"
    " extension, and no white space behind a size",
}


def outcome(row: Row) -> Outcome:
    """Of a manifest by digest: there is no difference between refused and broken."""
    found = row.digest or row.blob
    return Outcome.REFUSED if found is Outcome.BROKEN else found


def as_blob(upstream: Upstream, row: Row) -> tuple[Outcome, Outcome, bytes, bytes]:
    """What came, and what should."""
    found, body = upstream.blob()
    return found, row.blob, body, row.body


def by_digest(upstream: Upstream, row: Row) -> tuple[Outcome, Outcome, bytes, bytes]:
    """Likewise."""
    found, body = upstream.manifest(DIGEST)
    return found, outcome(row), body, CONTENT


def by_tag(upstream: Upstream, row: Row) -> tuple[Outcome, Outcome, bytes, bytes]:
    """Likewise."""
    found, body = upstream.manifest(LATEST)
    return found, row.tag or outcome(row), body, row.body


@pytest.mark.parametrize("piece", [0, 1, 7])
@pytest.mark.parametrize("ask", [as_blob, by_digest, by_tag])
def test_raw_responses(
    ask: Callable[[Upstream, Row], tuple[Outcome, Outcome, bytes, bytes]], piece: int
) -> None:
    """Each row ends as it should, however its bytes come; nothing of it is left to be
    taken for the answer to the next request, and nothing goes on."""
    wrong = []
    for row in ROWS:
        size = piece * (1000 if len(row.sent) > 8000 else 1)
        upstream = Upstream(row, size)
        found, expected, body, content = ask(upstream, row)
        if found is not expected:
            wrong.append(f"{row.name}: {found}, not {expected}: {upstream.problem}")
        elif found is Outcome.TAKEN and body != content:
            wrong.append(f"{row.name}: {len(body)} bytes, not {len(content)}")
        elif not content.startswith(body):
            wrong.append(f"{row.name}: wrong bytes before the end")
        upstream.network.pass_time(1)
        again, body = upstream.blob()
        if (again, body) != (Outcome.TAKEN, CONTENT):
            wrong.append(f"{row.name}: then {again}, {body!r}: {upstream.problem}")
        upstream.network.pass_time(100)
        if upstream.network.lines or upstream.network.getDelayedCalls():
            wrong.append(f"{row.name}: something goes on")
    assert wrong == [], "\n" + "\n".join(wrong)


def said(problem: str) -> str:
    """An outage's words, without the upstream's name."""
    if problem.endswith("ConnectionDone: Connection was closed cleanly.>]"):
        return "a line too long"
    for name in ("upstream registry.test:80 ", "upstream registry.test "):
        problem = problem.removeprefix(name)
    return problem


def test_there_are_enough() -> None:
    """And each stands once."""
    assert len(ROWS) >= 150
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert len({(row.sent, row.closes) for row in ROWS}) == len(ROWS)


def test_headers_without_end() -> None:
    """No more of them is kept than the largest head; then the connection is cut."""
    row = Row("", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1_000_000, Outcome.REFUSED)
    upstream = Upstream(row, 1000)
    found, _ = upstream.blob()
    assert found is Outcome.REFUSED
    assert "a head of more than 65536 bytes" in upstream.problem
    assert upstream.sent < 70_000
    assert not upstream.network.lines


@pytest.mark.parametrize("unasked", [UNASKED, b"\x00", b"\r\n", b"HTTP/1.1 "])
def test_unasked_bytes(unasked: bytes) -> None:
    """Where nothing was asked, they end the connection and answer no later request."""
    upstream = Upstream(Row("", answer(LENGTH), Outcome.TAKEN))
    assert upstream.blob() == (Outcome.TAKEN, CONTENT)
    (line,) = upstream.network.lines
    line.run([unasked])
    upstream.network.pass_time(1)
    assert not upstream.network.lines
    assert upstream.blob() == (Outcome.TAKEN, CONTENT)
    assert upstream.connections == 2


@pytest.mark.parametrize("piece", [0, 1])
def test_a_body_behind_head(piece: int) -> None:
    """The answer to HEAD has none: whatever comes is no answer to the next request."""
    upstream = Upstream(Row("", answer(LENGTH, body=UNASKED), Outcome.TAKEN), piece)
    assert upstream.head() == SIZE
    upstream.network.pass_time(1)
    assert upstream.blob() == (Outcome.TAKEN, CONTENT)


def test_nothing_is_read_otherwise() -> None:
    """What we take, h11 takes alike; where it takes more, the table says why."""
    wrong = []
    stricter, looser = set(), set()
    for row in ROWS:
        upstream = Upstream(row)
        found, body = upstream.blob()
        theirs, why = read(row)
        if found is Outcome.TAKEN:
            looser |= {words for words in LOOSER if why.startswith(words)}
            if difference := disagreement(body, theirs, why):
                wrong.append(f"{row.name}: {difference}")
        elif not why:
            stricter.add(words := said(upstream.problem))
            if words not in STRICTER:
                wrong.append(f"{row.name}: h11 takes it, and we say {words}")
    assert wrong == [], "\n" + "\n".join(wrong)
    assert stricter == set(STRICTER), "a reason that nothing needs"
    assert looser == set(LOOSER), "a reason that nothing needs"
