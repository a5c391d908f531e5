"""Metrics of requests: plain counters, in Prometheus's terms when they are read."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from prometheus_client.core import (
    CounterMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from pullthrough.accessline import AccessLine

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})

#: Upper bounds of the buckets for durations, in seconds: those of Prometheus's clients.
_BOUNDS = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5),
    *(0.75, 1.0, 2.5, 5.0, 7.5, 10.0),
)


class RequestMetrics(Collector):
    """Counts requests by repository."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, str]] = Counter()
        self._answers: Counter[tuple[str, str]] = Counter()
        self._sent: Counter[str] = Counter()
        self._seconds: dict[str, float] = {}
        self._buckets: dict[str, list[int]] = {}

    def observe(self, line: AccessLine, times: int = 1) -> None:
        """Count a request, so many times."""
        name = line.repository
        method = line.method if line.method in _METHODS else "other"
        self._requests[name, method, str(line.status)] += times
        self._sent[name] += line.sent * times
        if line.member:
            self._answers[line.member, line.source] += times
        buckets = self._buckets.get(name)
        if buckets is None:
            buckets = self._buckets[name] = [0] * (len(_BOUNDS) + 1)
            self._seconds[name] = 0.0
        buckets[bisect_left(_BOUNDS, line.seconds)] += times
        self._seconds[name] += line.seconds * times

    def collect(self) -> Iterable[Metric]:
        """See :class:`Collector`."""
        for name, text, labels, counted in (
            (
                "pullthrough_requests",
                "Requests answered.",
                ("repository", "method", "status"),
                self._requests.items(),
            ),
            (
                "pullthrough_answers",
                "Reads by the member that answered, and hit, miss or stale.",
                ("member", "source"),
                self._answers.items(),
            ),
            (
                "pullthrough_sent_bytes",
                "Bytes of bodies answered.",
                ("repository",),
                [((key,), value) for key, value in self._sent.items()],
            ),
        ):
            family = CounterMetricFamily(name, text, labels=labels)
            for values, count in counted:
                family.add_metric(values, count)
            yield family
        yield self._histogram()

    def _histogram(self) -> Metric:
        family = HistogramMetricFamily(
            "pullthrough_request_seconds",
            "From the head of a request to the end of its answer.",
            labels=("repository",),
        )
        for name, counts in self._buckets.items():
            total, buckets = 0, []
            for bound, count in zip((*_BOUNDS, "+Inf"), counts, strict=True):
                total += count
                buckets.append((str(bound), float(total)))
            family.add_metric((name,), buckets, sum_value=self._seconds[name])
        return family
