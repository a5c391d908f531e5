"""Metrics of content: what is fetched, and what was not what it should be."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pullthrough.values import FillState


class FillMetrics(Collector):
    """Asks at each scrape.

    :param fills: tells how it stands with what each proxy fetches.
    :param rotten: tells how much each blob store has put aside.
    """

    def __init__(
        self,
        fills: Callable[[], Sequence[FillState]],
        rotten: Callable[[], Mapping[str, int]],
    ) -> None:
        self._fills = fills
        self._rotten = rotten

    def collect(self) -> Iterable[Metric]:
        """See :class:`Collector`."""
        fills, followers = (
            GaugeMetricFamily(f"pullthrough_{name}", text, labels=["repository"])
            for name, text in (
                ("fills", "Blobs that are being fetched."),
                ("followers", "Clients that read them meanwhile."),
            )
        )
        wrong = CounterMetricFamily(
            "pullthrough_held_back",
            "Blobs whose end nobody got: their size or digest was wrong.",
            labels=["repository"],
        )
        rotten = CounterMetricFamily(
            "pullthrough_rotten",
            "Stored content put aside: it was not what its name says.",
            labels=["store"],
        )
        for state in self._fills():
            fills.add_metric([state.name], state.fills)
            followers.add_metric([state.name], state.followers)
            wrong.add_metric([state.name], state.wrong)
        for name, count in self._rotten().items():
            rotten.add_metric([name], count)
        return fills, followers, wrong, rotten
