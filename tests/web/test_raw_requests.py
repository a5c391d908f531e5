"""The raw corpus against a real listener on a real socket, and against h11."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from queue import Empty
from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from pullthrough.spec.forwarded import TrustedProxies
from tests.support.raw import (
    BYTES,
    PATIENCE,
    Answer,
    Client,
    Door,
    Recorder,
    Request,
    pieces,
)
from tests.web.raw_row import SMUGGLED, After, Row, Saw, get
from tests.web.raw_rows import NEW, ROWS
from tests.web.second_reader import STRICTER, disagreement, read

#: Asked once the bytes of a row are through, where the connection is to be kept.
PROBE = get("/probe", "Connection: close")

#: How the bytes of a row reach the connection.
Delivery = Callable[[Row], Iterable[int]]


def whole(row: Row) -> Iterable[int]:
    """All at once."""
    return ()


def by_bytes(row: Row) -> Iterable[int]:
    """Each alone."""
    return BYTES


def by_places(row: Row) -> Iterable[int]:
    """Cut wherever a parser turns."""
    return pieces(row.sent)


class RawCase(TestCase):
    """One listener; a client in a thread has one connection for each row."""

    async def setUp(self) -> None:
        self.recorder = Recorder()
        self.door = Door(self.recorder)
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port: Any = await endpoint.listen(self.door)
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port

    def ask(
        self, row: Row, sizes: Iterable[int] = ()
    ) -> tuple[list[Answer], list[Request]]:
        """Send a row; what came back, and what the application saw. In the thread."""
        self.door.sizes = sizes
        self.door.reads.clear()
        client = Client(self.port)
        methods = [saw.method for saw in row.saw]
        client.send(row.sent)
        if row.after is After.OPEN:
            client.answers(methods, len(row.answers))
            client.send(PROBE)
        elif row.after is After.WAITS:
            client.answers(methods, len(row.answers))
            client.hang_up()
        answers = client.answers(methods, 1 << 30)
        if row.after is After.CLOSED:
            client.send(SMUGGLED)  # it is over: this is nobody's any more
        client.close()
        try:
            self.door.gone.get(timeout=PATIENCE)
        except Empty:
            raise AssertionError("the connection does not end") from None
        return answers, self.recorder.take()

    def check(self, row: Row, sizes: Iterable[int] = ()) -> str:
        """What is not as the row says; empty when all is."""
        answers, requests = self.ask(row, sizes)
        expected, saw = row.answers, row.saw
        if row.after is After.OPEN:
            expected, saw = (*expected, 200), (*saw, Saw("GET", "/probe"))
        statuses = tuple(answer.status for answer in answers)
        if statuses != expected:
            return f"answers {statuses}, not {expected}"
        found = [_saw(one) for one in requests]
        if len(found) != len(saw) or not all(map(_alike, found, saw)):
            return f"the application saw {found}, not {saw}"
        paths = [one.path.encode() for one in saw if one.whole and one.method != "HEAD"]
        bodies = [answer.body for answer in answers if answer.status == 200]
        if [body for body in bodies if body] != paths:
            return f"in this order: {bodies}"
        return ""

    async def run_all(self, rows: Sequence[Row], delivery: Delivery) -> None:
        """All rows, delivered in this way."""

        def run() -> list[str]:
            wrong = []
            for row in rows:
                fault = self.check(row, delivery(row))
                if fault:
                    wrong.append(f"{row.name}: {fault}; sent {row.sent[:200]!r}")
            return wrong

        wrong: list[str] = await deferToThread(run)
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))


def _saw(request: Request) -> Saw:
    head = request.head
    return Saw(head.method, head.path, request.body, request.whole)


def _alike(found: Saw, saw: Saw) -> bool:
    if saw.whole:
        return found == saw
    return found == saw._replace(body=found.body) and saw.body.startswith(found.body)


def behind(row: Row) -> Row:
    """The same with one more request behind it in the same packet.

    Behind what we refuse it is nobody's; behind what we take it is the next.
    """
    sent = row.sent + get("/behind")
    if row.after is After.OPEN:
        saw = (*row.saw, Saw("GET", "/behind"))
        return replace(row, sent=sent, answers=(*row.answers, 200), saw=saw)
    return replace(row, sent=sent)


class CorpusTests(RawCase):
    """Each row in each way."""

    def test_there_are_enough(self) -> None:
        """And each stands once."""
        self.assertGreaterEqual(len(NEW), 300)
        self.assertEqual(len({row.sent for row in NEW}), len(NEW))
        self.assertEqual(len({row.name for row in NEW}), len(NEW))

    async def test_at_once(self) -> None:
        """In one packet."""
        await self.run_all(ROWS, whole)

    async def test_byte_by_byte(self) -> None:
        """The listener reads one byte at a time."""
        await self.run_all(ROWS, by_bytes)
        self.assertEqual(set(self.door.reads), {1})

    async def test_cut_where_parsers_turn(self) -> None:
        """Before and behind each line end, space, colon, semicolon and comma."""
        await self.run_all(ROWS, by_places)

    async def test_a_request_behind(self) -> None:
        """Behind a refusal nothing is read; else it is the next one, and no other."""
        rows = [behind(row) for row in ROWS if row.after is not After.WAITS]
        await self.run_all(rows, whole)

    async def test_underscores_behind_a_proxy(self) -> None:
        """C12: a proxy that is trusted, and yet X_Forwarded_For is no word of its."""
        self.door.adopt(self.recorder.application, TrustedProxies(["127.0.0.0/8"]))
        for name, peer in (
            ("X-Forwarded-For", "192.0.2.9"),
            ("X_Forwarded_For", "127.0.0.1"),
        ):
            row = Row("", get("/a", f"{name}: 192.0.2.9"), (200,), after=After.OPEN)
            _, (request, _) = await deferToThread(self.ask, row)
            self.assertEqual(request.peer, peer)


class DifferentialTests(RawCase):
    """The same bytes, read by us and by h11."""

    async def test_nothing_is_read_otherwise(self) -> None:
        """What we take, h11 takes alike; where it takes more, the table says why."""
        heard = await deferToThread(lambda: [self.ask(row) for row in ROWS])
        wrong: list[str] = []
        reasons: set[str] = set()
        for row, (answers, requests) in zip(ROWS, heard, strict=True):
            ours = [one for one in requests if one.head.path != "/probe"]
            theirs = read(row.sent).requests
            fault = disagreement(ours, theirs)
            more = sum(one.whole for one in theirs) - sum(one.whole for one in ours)
            if more > 0:
                reasons.add(reason := _reason(answers))
                fault = fault or (
                    "" if reason in STRICTER else f"no reason: {reason!r}"
                )
            if fault:
                wrong.append(f"{row.name}: {fault}; sent {row.sent[:200]!r}")
        self.assertEqual(wrong, [], "\n" + "\n".join(wrong))
        self.assertEqual(reasons, set(STRICTER), "a reason that nothing needs")


def _reason(answers: list[Answer]) -> str:
    """Our words, with which we have refused."""
    refused = [one for one in answers if one.status >= 400]
    return refused[-1].body.decode() if refused else ""
