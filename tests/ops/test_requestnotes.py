"""What is noted of requests: batched, and complete."""

import io
from collections.abc import Sequence

from prometheus_client import CollectorRegistry, generate_latest
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.accessline import AccessLine
from pullthrough.ops.accesslog import text_of
from pullthrough.ops.logs import LogStream
from pullthrough.ops.requestmetrics import RequestMetrics
from pullthrough.ops.requestnotes import DELAY, MOST, RequestNotes


def line(path: str = "/v2/", seconds: float = 0.02) -> AccessLine:
    """A request's."""
    return AccessLine(
        peer="192.0.2.7",
        principal="alice",
        repository="all",
        method="GET",
        path=path,
        status=200,
        sent=5,
        seconds=seconds,
        member="own",
        source="hit",
        agent="x",
    )


class NotesTests(SynchronousTestCase):
    """Gathered for a moment."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.written: list[tuple[str, int]] = []
        self.counted: list[tuple[AccessLine, int]] = []
        self.notes = RequestNotes(
            self.clock,
            self.write,
            lambda line, times: self.counted.append((line, times)),
        )

    def write(self, lines: Sequence[tuple[str, int]]) -> None:
        """Keep them."""
        self.written += lines

    def test_a_batch(self) -> None:
        """Single ones in their order, and how often each came again from where."""
        first, second = line("/1"), line("/2")
        self.notes(first)
        self.notes.again(first, "192.0.2.8")
        self.notes(second)
        self.notes.again(first, "192.0.2.8")
        self.notes.again(first, "192.0.2.9")
        self.assertEqual(self.written, [])
        self.clock.advance(DELAY)
        self.assertEqual(
            self.written,
            [
                (text_of(first, "192.0.2.7"), 1),
                (text_of(second, "192.0.2.7"), 1),
                (text_of(first, "192.0.2.8"), 2),
                (text_of(first, "192.0.2.9"), 1),
            ],
        )
        self.assertEqual(
            self.counted, [(first, 1), (second, 1), (first, 2), (first, 1)]
        )
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_at_once(self) -> None:
        """When it is asked for, or when there are many."""
        self.notes(line())
        self.notes.flush()
        self.assertEqual(len(self.written), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.notes.flush()
        for _ in range(MOST):
            self.notes(line())
        self.assertEqual(len(self.written), MOST + 1)


class StreamTests(SynchronousTestCase):
    """The log's stream."""

    def test_lines(self) -> None:
        """Each has the time, and twistd's form."""
        stream = io.StringIO()
        LogStream(stream).write("access#info", [("a", 2), ("b", 1)], 86400.0 * 365)
        lines = stream.getvalue().splitlines()
        self.assertEqual(len(lines), 3)
        for text, found in zip("aab", lines, strict=True):
            self.assertRegex(
                found,
                r"^19(70|71)-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} \[access#info\] "
                + text
                + "$",
            )


class MetricsTests(SynchronousTestCase):
    """The counters, as Prometheus reads them."""

    def test_counters(self) -> None:
        """Requests, bytes, answers, and how long they took."""
        metrics = RequestMetrics()
        metrics.observe(line(), 3)
        metrics.observe(line(seconds=99.0))
        registry = CollectorRegistry()
        registry.register(metrics)
        text = generate_latest(registry).decode().splitlines()
        name = "pullthrough_request_seconds"
        for expected in (
            'pullthrough_requests_total{method="GET",repository="all",status="200"}'
            " 4.0",
            'pullthrough_answers_total{member="own",source="hit"} 4.0',
            'pullthrough_sent_bytes_total{repository="all"} 20.0',
            f'{name}_bucket{{le="0.01",repository="all"}} 0.0',
            f'{name}_bucket{{le="0.025",repository="all"}} 3.0',
            f'{name}_bucket{{le="10.0",repository="all"}} 3.0',
            f'{name}_bucket{{le="+Inf",repository="all"}} 4.0',
            f'{name}_count{{repository="all"}} 4.0',
        ):
            self.assertIn(expected, text)
