"""The pages of the main connector: status, metrics, health."""

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from pullthrough.accessline import AccessLine
from pullthrough.ops.admin import documents
from pullthrough.ops.metrics import Metrics
from pullthrough.spec.forwarded import Seen
from pullthrough.values import Document, FillState, Load, UpstreamState

HUB = UpstreamState("hub.test:443 as <up>", 100, 7, 30.4, "blocked", 41.2, 5, 6)
QUIET = UpstreamState("quiet.test:443")


def line(**more: Any) -> AccessLine:
    """One request."""
    usual: dict[str, Any] = {
        "peer": "192.0.2.1",
        "principal": "secret-user",
        "repository": "all",
        "method": "GET",
        "path": "/v2/secret-image/manifests/1",
        "status": 200,
        "sent": 10,
        "seconds": 0.5,
        "member": "hub",
        "source": "stale",
        "agent": "x",
    }
    return AccessLine(**{**usual, **more})


async def _ready() -> tuple[int, bytes]:
    return 200, b"{}"


class AdminTests(SynchronousTestCase):
    """What stands in them."""

    def setUp(self) -> None:
        loads = [Load("transfers", 3, 2, 1, 12.5)]
        self.metrics = Metrics(
            lambda: [HUB, QUIET],
            lambda: loads,
            lambda: [FillState("hub", 2, 9, 4)],
            lambda: {"slow": 8},
        )
        self.states = [HUB, QUIET]
        self.documents = documents(
            self.metrics.text, lambda: self.states, str.upper, _ready
        )

    def page(self, path: str) -> bytes:
        """A page."""
        page = self.documents[path]
        assert isinstance(page, Document)
        return page.content(Seen("127.0.0.1", False, "localhost"))

    def test_status(self) -> None:
        """As a page, in which nothing is markup but ours, and as JSON."""
        page = self.page("/")
        self.assertIn(b"hub.test:443 as &lt;up&gt;", page)
        self.assertIn(b"blocked, next attempt in 41 s", page)
        self.assertIn(b"7 of 100", page)
        document = json.loads(self.page("/status"))
        hub, quiet = document["upstreams"]
        self.assertEqual((hub["remaining"], hub["limited_for"]), (7, 30.4))
        self.assertIsNone(quiet["limit"])

    def test_clients(self) -> None:
        """They are told of the name by which this one has reached us."""
        page = self.documents["/clients"]
        self.assertFalse(page.free)
        for asked, expected in (
            ("registry.test:8081", b"REGISTRY.TEST"),
            ("registry.test", b"REGISTRY.TEST"),
            ("[2001:db8::a]:8081", b"2001:DB8::A"),
            ("[::1]", b"::1"),
        ):
            assert isinstance(page, Document)
            content = page.content(Seen("192.0.2.1", False, asked))
            self.assertEqual(content, expected)

    def test_a_limit(self) -> None:
        """Without a block the pause is told."""
        self.states = [UpstreamState("hub.test:443", limited_for=59.6)]
        self.assertIn(b"limits us for another 60 s", self.page("/"))

    def test_health(self) -> None:
        """Health is for everybody, and nothing else."""
        self.assertEqual(self.page("/health/live"), b"live\n")
        free = {path for path, page in self.documents.items() if page.free}
        self.assertEqual(free, {"/health/live", "/health/ready"})
        self.assertIs(self.documents["/health/ready"].content, _ready)

    def test_metrics(self) -> None:
        """Requests, stale answers and budgets, by names of the configuration only."""
        self.metrics.requests.observe(line())
        self.metrics.watch(lambda: 0.25)
        self.metrics.requests.observe(line(method="BREW", member="", source=""))
        self.assertIn(
            "text/plain; version=0.0.4", self.documents["/metrics"].content_type
        )
        text = self.page("/metrics").decode()
        for expected in (
            'pullthrough_answers_total{member="hub",source="stale"} 1.0',
            'requests_total{method="other",repository="all",status="200"} 1.0',
            'pullthrough_sent_bytes_total{repository="all"} 20.0',
            'pullthrough_upstream_budget_remaining{to="hub.test:443 as <up>"} 7.0',
            'pullthrough_upstream_limited_seconds{to="quiet.test:443"} 0.0',
            'pullthrough_upstream_blocked{to="hub.test:443 as <up>"} 1.0',
            'pullthrough_used{what="transfers"} 3.0',
            "pullthrough_reactor_lag_longest_seconds 0.25",
            'pullthrough_waiting{what="transfers"} 2.0',
            'pullthrough_refused_total{what="transfers"} 1.0',
            'pullthrough_waiting_oldest_seconds{what="transfers"} 12.5',
            'pullthrough_upstream_blocked_seconds{to="hub.test:443 as <up>"} 41.2',
            'pullthrough_upstream_retries_total{to="hub.test:443 as <up>"} 5.0',
            'upstream_retries_refused_total{to="hub.test:443 as <up>"} 6.0',
            'pullthrough_fills{repository="hub"} 2.0',
            'pullthrough_followers{repository="hub"} 9.0',
            'pullthrough_held_back_total{repository="hub"} 4.0',
            'pullthrough_rotten_total{store="slow"} 8.0',
        ):
            self.assertIn(expected, text)
        self.assertNotIn("secret", text)
        self.assertNotIn('budget_limit{to="quiet', text)
