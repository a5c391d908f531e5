"""Metrics for Prometheus: what was answered, and how it stands with upstreams.

Labels are names out of the configuration, never what a client sends (reliability R34).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pullthrough.ops.fillmetrics import FillMetrics
from pullthrough.ops.loadmetrics import LoadMetrics
from pullthrough.ops.requestmetrics import RequestMetrics
from pullthrough.values import FillState, Load, UpstreamState

#: Of ``metrics``: the text format of Prometheus.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counts, and asks for the rest when it is read.

    :ivar requests: counts requests.
    :param upstreams: tells how it stands with each upstream.
    :param loads: tells how it stands with what there is only so much of.
    :param fills: tells how it stands with what each proxy fetches.
    :param rotten: tells how much each blob store has put aside.
    """

    def __init__(
        self,
        upstreams: Callable[[], Sequence[UpstreamState]],
        loads: Callable[[], Sequence[Load]] = tuple,
        fills: Callable[[], Sequence[FillState]] = tuple,
        rotten: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        self._registry = CollectorRegistry()
        self.requests = RequestMetrics()
        self._registry.register(self.requests)
        self._lag = Histogram(
            "pullthrough_reactor_lag_seconds",
            "How late the event loop came to what was due.",
            buckets=(0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0),
            registry=self._registry,
        )
        self._longest = Gauge(
            "pullthrough_reactor_lag_longest_seconds",
            "The longest of the last five minutes.",
            registry=self._registry,
        )
        self._registry.register(_Upstreams(upstreams))
        self._registry.register(LoadMetrics(loads))
        self._registry.register(FillMetrics(fills, rotten))

    def lagged(self, seconds: float) -> None:
        """The event loop was so late."""
        self._lag.observe(seconds)

    def watch(self, longest: Callable[[], float]) -> None:
        """Tell of the longest lateness."""
        self._longest.set_function(longest)

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
                ("blocked_seconds", "Until it is tried again."),
            )
        }
        retries, refused = (
            CounterMetricFamily(f"pullthrough_upstream_{name}", text, labels=["to"])
            for name, text in (
                ("retries", "Requests sent again after a failure."),
                ("retries_refused", "Those that the retry budget did not allow."),
            )
        )
        for state in self._states():
            for name, value in (
                ("budget_limit", state.limit),
                ("budget_remaining", state.remaining),
                ("limited_seconds", state.limited_for),
                ("blocked", int(state.breaker != "closed")),
                ("blocked_seconds", state.blocked_for),
            ):
                if value is not None:
                    families[name].add_metric([state.name], value)
            retries.add_metric([state.name], state.retries)
            refused.add_metric([state.name], state.retries_refused)
        return *families.values(), retries, refused
