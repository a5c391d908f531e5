"""Metrics for Prometheus: what was answered, and how it stands with upstreams.

Labels are names out of the configuration, never what a client sends (reliability R34).
"""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pullthrough.accessline import AccessLine
from pullthrough.values import UpstreamState

#: Of ``metrics``: the text format of Prometheus.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"})


class Metrics:
    """Counts requests, and asks for the rest when it is read.

    :param upstreams: tells how it stands with each upstream.
    """

    def __init__(self, upstreams: Callable[[], Sequence[UpstreamState]]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "pullthrough_requests",
            "Requests answered.",
            ("repository", "method", "status"),
            registry=self._registry,
        )
        self._answers = Counter(
            "pullthrough_answers",
            "Reads by the member that answered, and hit, miss or stale.",
            ("member", "source"),
            registry=self._registry,
        )
        self._sent = Counter(
            "pullthrough_sent_bytes",
            "Bytes of bodies answered.",
            ("repository",),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "pullthrough_request_seconds",
            "From the head of a request to the end of its answer.",
            ("repository",),
            registry=self._registry,
        )
        self._lag = Histogram(
            "pullthrough_reactor_lag_seconds",
            "How late the event loop came to what was due.",
            buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
            registry=self._registry,
        )
        self._registry.register(_Upstreams(upstreams))

    def observe(self, line: AccessLine) -> None:
        """Count one request."""
        method = line.method if line.method in _METHODS else "other"
        self._requests.labels(line.repository, method, str(line.status)).inc()
        self._sent.labels(line.repository).inc(line.sent)
        self._seconds.labels(line.repository).observe(line.seconds)
        if line.member:
            self._answers.labels(line.member, line.source).inc()

    def lagged(self, seconds: float) -> None:
        """The event loop was so late."""
        self._lag.observe(seconds)

    def text(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        return generate_latest(self._registry)


class _Upstreams(Collector):
    """Reads the states of the upstreams at each scrape."""

    def __init__(self, states: Callable[[], Sequence[UpstreamState]]) -> None:
        self._states = states

    def collect(self) -> Iterable[Metric]:
        """See :class:`Collector`."""
        families = {
            name: GaugeMetricFamily(f"pullthrough_upstream_{name}", text, labels=["to"])
            for name, text in (
                ("budget_limit", "Requests that the upstream grants in its window."),
                ("budget_remaining", "Requests that it still grants."),
                ("limited_seconds", "Until it may be asked again after a 429."),
                ("blocked", "1 while it is left alone because it keeps failing."),
            )
        }
        for state in self._states():
            for name, value in (
                ("budget_limit", state.limit),
                ("budget_remaining", state.remaining),
                ("limited_seconds", state.limited_for),
                ("blocked", int(state.breaker != "closed")),
            ):
                if value is not None:
                    families[name].add_metric([state.name], value)
        return families.values()
