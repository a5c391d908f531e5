"""Retries, as the metrics count them."""

from typing import Any

from pullthrough.errors import Outage
from pullthrough.upstream.budget import MOST
from tests.support.client import APP, V1, ClientCase


class CountedRetriesTests(ClientCase):
    """An upstream that fails."""

    def counted(self, upstream: Any) -> tuple[int, int]:
        """Those that were sent, and those that were not allowed."""
        limits = upstream._requests.limits
        return limits.retries, limits.retries_refused

    async def test_counts(self) -> None:
        """What went out again; and, once the budget is spent, what did not. The first
        attempt, and the last failure, are neither."""
        self.registry.wrong = "503"
        upstream = self.client(retries=2)
        await self.fails(upstream.manifest(APP, V1), Outage)
        self.assertEqual(self.counted(upstream), (2, 0))
        budget = upstream._requests._budget
        budget._now = lambda: budget._at  # it earns nothing by the time
        for _ in range(int(MOST)):
            await self.fails(upstream.manifest(APP, V1), Outage)
        retries, refused = self.counted(upstream)
        asked = int(MOST) + 1
        self.assertEqual(len(self.registry.requests), asked + retries)
        self.assertGreater(refused, 0)
        self.assertLess(retries, 2 * asked)

    async def test_nothing_fails(self) -> None:
        """Nor is anything counted."""
        upstream = self.client(retries=2)
        await upstream.manifest(APP, V1)
        self.assertEqual(self.counted(upstream), (0, 0))
