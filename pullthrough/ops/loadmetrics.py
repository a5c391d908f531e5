"""Metrics of what there is only so much of: connections, transfers, threads."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pullthrough.values import Load


class LoadMetrics(Collector):
    """Asks at each scrape.

    :param loads: tells how it stands with each.
    """

    def __init__(self, loads: Callable[[], Sequence[Load]]) -> None:
        self._loads = loads

    def collect(self) -> Iterable[Metric]:
        """See :class:`Collector`."""
        used = GaugeMetricFamily(
            "pullthrough_used", "How much of it is in use.", labels=["what"]
        )
        waiting = GaugeMetricFamily(
            "pullthrough_waiting", "How many wait for it.", labels=["what"]
        )
        refused = CounterMetricFamily(
            "pullthrough_refused", "How many were sent away.", labels=["what"]
        )
        oldest = GaugeMetricFamily(
            "pullthrough_waiting_oldest_seconds",
            "How long the one has waited that has waited longest.",
            labels=["what"],
        )
        for load in self._loads():
            used.add_metric([load.name], load.count)
            waiting.add_metric([load.name], load.waiting)
            refused.add_metric([load.name], load.refused)
            oldest.add_metric([load.name], load.oldest)
        return used, waiting, refused, oldest
