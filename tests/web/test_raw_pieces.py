"""Raw requests in memory: cut in two at every place, and changed by lot.

``RAW_RUNS`` changed requests are tried (10,000), of the lot ``RAW_SEED``.
"""

import os
from collections.abc import Sequence
from random import Random

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.web.listener import Listener
from tests.support.changed import BITS, change
from tests.support.raw import Recorder, Request, answers_in, places
from tests.support.wire import Wire
from tests.web.raw_row import SMUGGLED, After, chunked, get, head, post
from tests.web.raw_rows import ROWS
from tests.web.second_reader import STRICTER, disagreement, read

RUNS = int(os.environ.get("RAW_RUNS", "10000"))
SEED = os.environ.get("RAW_SEED", "1")

#: All statuses that a request may be answered or refused with here.
STATUSES = frozenset({100, 200, 400, 405, 414, 417, 431, 501, 505})

#: Seconds after which no connection waits any more, whatever for.
LONG = 75


class Heard:
    """What became of some bytes on a connection of their own.

    :param parts: as they arrive.
    :ivar statuses: what came back.
    :ivar requests: what the application saw.
    :ivar after: what became of the connection.
    """

    def __init__(self, parts: Sequence[bytes], wait: bool = False) -> None:
        clock, recorder = Clock(), Recorder()
        listener = Listener(recorder.application, clock)
        wire = Wire(listener.buildProtocol(None))  # type: ignore[arg-type]
        for part in parts:
            if not wire.closed:
                wire.receive(part)
        methods = [one.head.method for one in recorder.peek()]
        answers = list(answers_in(wire.take(), tuple(methods)))
        self.statuses = tuple(answer.status for answer in answers)
        self.words = answers[-1].body.decode() if answers else ""
        closed = wire.closed or wire.half_closed
        if wait:
            clock.pump([1.0] * LONG)
            assert wire.closed, "it waits for ever"
        wire.leave()
        assert clock.getDelayedCalls() == [], "a delayed call is left"
        self.requests: list[Request] = recorder.take()
        whole = sum(one.whole for one in self.requests) == len(self.requests)
        self.after = After.CLOSED if closed else After.OPEN if whole else After.WAITS

    @property
    def outcome(self) -> tuple[object, ...]:
        """All that may not depend on how the bytes are cut."""
        seen = [
            (one.head, one.whole, one.body if one.whole else b"")
            for one in self.requests
        ]
        return (self.statuses, seen, self.after)


class PieceTests(SynchronousTestCase):
    """Where the bytes are cut makes no difference."""

    def test_cut_in_two(self) -> None:
        """Each row at each place on which a parser turns: as in one piece."""
        wrong: list[str] = []
        cuts = 0
        for row in ROWS:
            if b"/later" in row.sent:  # it needs a reactor
                continue
            expected = Heard([row.sent]).outcome if row.sent else None
            for at in places(row.sent)[:200]:
                cuts += 1
                found = Heard([row.sent[:at], row.sent[at:]]).outcome
                if found != expected:
                    wrong.append(f"{row.name} at {at}: {found}, not {expected}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertGreater(cuts, 10_000)

    def test_bare_lf_is_refused_at_once(self) -> None:
        """A head that ends for others is not waited for."""
        for end in (b"\n\n", b"\n\r\n", b"\r\n\n"):
            heard = Heard([b"GET /a HTTP/1.1\r\nHost: a" + end])
            self.assertEqual(heard.outcome, ((400,), [], After.CLOSED))

    def test_a_request_behind_the_end_of_a_body(self) -> None:
        """It is answered at once, though it came with the last of the body."""
        heard = Heard([post(b"hello")[:-2], b"lo" + get("/a") + get("/b")])
        self.assertEqual(heard.statuses, (200, 200, 200))


VALID: tuple[bytes, ...] = (
    get(),
    get("/v2/team/app/manifests/v1?n=1", "Accept: a/b, c/d;q=0.5", "User-Agent: x/1"),
    get("/v2/a%3Ab", "Range: bytes=0-", "Authorization: Basic YTpi"),
    get("/a", "Connection: keep-alive", "X-Empty:", "X_Y: z"),
    get("/a", "Connection: close"),
    get("/a", version="1.0"),
    get("/a", "Content-Length: 5") + b"hello",
    get("/a") + get("/c"),
    head("HEAD", "/v2/a/blobs/sha256:" + "a" * 64),
    head("DELETE", "/v2/a/manifests/v1"),
    head("PUT", "/a", "Content-Length: 0"),
    post(b""),
    post(b"hello"),
    post(b"hello", "Content-Type: a/b"),
    post(SMUGGLED),
    post(b"hello", "Expect: 100-continue"),
    post(b"hello") + post(b"hello"),
    post(b"hello") + b"\r\n" + get("/c"),
    post(b"5\r\nhello\r\n0\r\n\r\n"),
    head("POST", "/up", "Content-Length: 5", version="1.0") + b"hello",
    chunked(b"0\r\n\r\n"),
    chunked(b"5\r\nhello\r\n0\r\n\r\n"),
    chunked(b"5\r\nhello\r\n00A\r\nhello, you\r\n0\r\n\r\n"),
    chunked(b"23\r\n" + SMUGGLED + b"\r\n0\r\n\r\n"),
    chunked(b"5\r\nhello\r\n0\r\n\r\n") + get("/c"),
    chunked(b"5\r\nhello\r\n0\r\n\r\n", "Expect: 100-continue"),
    chunked(b"5\r\nhello\r\n0\r\n\r\n", "Content_Length: 3"),
    head("PATCH", "/up", "Content-Range: 0-4", "Content-Length: 5") + b"hello",
    b"\r\n" + get("/a", "Accept: */*"),
    b"GET /a HTTP/1.1\r\nhost: [::1]:5000\r\naccept: a\r\naccept: b\r\n\r\n",
)


def changed(random: Random) -> bytes:
    """A valid request with a few changes, and another one behind it."""
    return change(random.choice(VALID), random, (*BITS, SMUGGLED)) + get("/b")


def fault(data: bytes, random: Random) -> str:
    """What is wrong with what becomes of some bytes; empty when nothing is."""
    heard = Heard([data], wait=True)
    if not STATUSES.issuperset(heard.statuses):
        return f"answers {heard.statuses}"
    refused = [status for status in heard.statuses if status >= 400]
    if refused and (
        heard.after is not After.CLOSED or heard.statuses[-1] not in refused
    ):
        return f"goes on after a refusal: {heard.statuses}"
    if len(refused) > 1:
        return f"refuses twice: {heard.statuses}"
    theirs = read(data).requests
    difference = disagreement(heard.requests, theirs)
    if difference:
        return difference
    more = sum(one.whole for one in theirs) - sum(one.whole for one in heard.requests)
    words = heard.words if refused else ""
    if more > 0 and words not in STRICTER:
        return f"h11 reads {more} more, and we say {words!r}"
    at = random.randrange(1, len(data))
    cut = Heard([data[:at], data[at:]])
    if cut.outcome != heard.outcome:
        return f"cut at {at}: {cut.outcome}, not {heard.outcome}"
    return ""


class ChangedTests(SynchronousTestCase):
    """Valid requests, changed by lot."""

    def test_the_valid_ones(self) -> None:
        """There are thirty, and they are."""
        self.assertEqual(len(set(VALID)), 30)
        for data in VALID:
            heard = Heard([data])
            self.assertEqual(set(heard.statuses) - {100, 200}, set(), data)
            self.assertEqual(disagreement(heard.requests, read(data).requests), "")

    def test_changed(self) -> None:
        """Nothing is logged as a bug; what we take, h11 takes alike, however cut."""
        taken = refused = 0
        for number in range(RUNS):
            random = Random(f"{SEED}.{number}")
            data = changed(random)
            wrong = fault(data, random)
            again = f"RAW_SEED={SEED}, number {number}"
            self.assertEqual(wrong, "", f"{again}: {data!r}")
            self.assertEqual(self.flushLoggedErrors(), [], f"{again}: {data!r}")
            heard = Heard([data])
            taken += heard.statuses.count(200) > 0
            refused += heard.statuses[-1:] > (399,)
        # Neither all taken nor all refused, else it would prove nothing.
        self.assertGreater(taken, RUNS // 5)
        self.assertGreater(refused, RUNS // 5)
