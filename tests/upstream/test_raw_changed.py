"""Right responses of an upstream, changed by lot.

``RAW_RUNS`` are tried (10,000; here a fifth of that), of the lot ``RAW_SEED``.
"""

import os
from random import Random

from tests.faults.conftest import no_bugs_logged
from tests.support.changed import change
from tests.upstream.raw_host import Upstream, disagreement, read
from tests.upstream.raw_row import (
    CHUNKED,
    CONTENT,
    LENGTH,
    TYPE,
    UNASKED,
    Outcome,
    Row,
    answer,
    chunk,
    coded,
)

RUNS = int(os.environ.get("RAW_RUNS", "10000")) // 5
SEED = os.environ.get("RAW_SEED", "1")

_END = b"0\r\n\r\n"

RIGHT: tuple[bytes, ...] = (
    answer(LENGTH),
    answer(LENGTH, "Connection: close"),
    answer(LENGTH, "Docker-Distribution-Api-Version: registry/2.0", "X-Empty:"),
    answer(LENGTH, status="HTTP/1.0 200 OK"),
    answer(LENGTH, LENGTH),
    answer(LENGTH) + UNASKED,
    answer("Content-Length: 5", body=b"hello"),
    answer("Content-Length: 0", body=b""),
    answer(),
    b"HTTP/1.1 100 Continue\r\n\r\n" + answer(LENGTH),
    b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + coded(chunk() + _END),
    coded(chunk() + _END),
    coded(chunk(b"hello") + chunk(b", you") + _END),
    coded(chunk(b"hello", b";x=y") + b"0\r\nX: y\r\n\r\n"),
    coded(chunk(b"hello") + _END + UNASKED),
)

#: Header lines among what is put into a response.
BITS = (
    *(LENGTH.encode() + b"\r\n", CHUNKED.encode() + b"\r\n", TYPE.encode() + b"\r\n"),
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 \r\n\r\n", b"Content-Length: 5\r\n"),
    *(
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\n\r\n",
        b"\n\n",
        b"\r\n ",
        b" ",
        b"\t",
        b"\x00",
        b":",
    ),
    *(b"0", b"5", b"-", b"+", b"_", b",", b";", b"\x0b", b"\xff", b"0\r\n\r\n", b"f"),
)


def fault(row: Row) -> tuple[Outcome, str]:
    """What becomes of a response, and what is wrong with that."""
    upstream = Upstream(row)
    found, body = upstream.blob()
    theirs, why = read(row)
    wrong = ""
    # Of a 401, say, it is the answer to a second request that is taken.
    if found is Outcome.TAKEN and upstream.asked == 1:
        wrong = disagreement(body, theirs, why)
    upstream.network.pass_time(1)
    if upstream.blob() != (Outcome.TAKEN, CONTENT):
        wrong = wrong or f"the next one: {upstream.problem}"
    upstream.network.pass_time(100)
    if upstream.network.lines or upstream.network.getDelayedCalls():
        wrong = wrong or "something goes on"
    return found, wrong


def test_changed() -> None:
    """Never a bug, nothing left for the next request; what we take, h11 takes alike."""
    ends = dict.fromkeys(Outcome, 0)
    for number in range(RUNS):
        random = Random(f"{SEED}.{number}")
        sent = change(random.choice(RIGHT), random, BITS)
        row = Row("", sent, Outcome.TAKEN, closes=random.random() < 0.8)
        with no_bugs_logged():
            found, wrong = fault(row)
        assert not wrong, f"RAW_SEED={SEED}, number {number}: {wrong}: {row}"
        ends[found] += 1
    # Neither all taken nor all refused, else it would prove nothing.
    assert min(ends.values()) > RUNS // 50, ends
