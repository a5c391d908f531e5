"""The admin connector: status, metrics, health."""

import json
from typing import Any

from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.accessline import AccessLine
from pullthrough.interfaces import IListener
from pullthrough.ops.admin import AdminListener, admin_site
from pullthrough.ops.metrics import Metrics
from pullthrough.values import UpstreamState

HUB = UpstreamState("hub.test:443 as <up>", 100, 7, 30.4, "blocked", 41.2)
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


class AdminTests(SynchronousTestCase):
    """What it answers, over a connection."""

    def setUp(self) -> None:
        self.metrics = Metrics(lambda: [HUB, QUIET])
        site = admin_site(self.metrics.text, lambda: [HUB, QUIET])
        self.listener = AdminListener(site)
        self.assertTrue(verifyObject(IListener, self.listener))

    def ask(self, path: str, method: str = "GET") -> tuple[bytes, bytes]:
        """Head and body of an answer."""
        protocol: Any = self.listener.buildProtocol(None)  # type: ignore[arg-type]
        transport = StringTransport()
        protocol.makeConnection(transport)
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        protocol.dataReceived(request.encode())
        head, _, body = transport.value().partition(b"\r\n\r\n")
        return head, body

    def test_status(self) -> None:
        """As a page, in which nothing is markup but ours, and as JSON."""
        head, page = self.ask("/")
        self.assertIn(b" 200 ", head)
        self.assertIn(b"Content-Security-Policy: default-src 'none'", head)
        self.assertIn(b"hub.test:443 as &lt;up&gt;", page)
        self.assertIn(b"blocked, next attempt in 41 s", page)
        self.assertIn(b"7 of 100", page)
        document = json.loads(self.ask("/status")[1])
        hub, quiet = document["upstreams"]
        self.assertEqual((hub["remaining"], hub["limited_for"]), (7, 30.4))
        self.assertIsNone(quiet["limit"])

    def test_a_limit(self) -> None:
        """Without a block the pause is told."""
        states = [UpstreamState("hub.test:443", limited_for=59.6)]
        self.listener = AdminListener(admin_site(self.metrics.text, lambda: states))
        self.assertIn(b"limits us for another 60 s", self.ask("/")[1])

    def test_health(self) -> None:
        """The reactor answers."""
        self.assertEqual(self.ask("/health/live")[1], b"live\n")

    def test_nothing_else(self) -> None:
        """Other paths and methods are not there."""
        self.assertIn(b" 404 ", self.ask("/other")[0])
        self.assertIn(b" 405 ", self.ask("/status", "POST")[0])

    def test_metrics(self) -> None:
        """Requests, stale answers and budgets, by names of the configuration only."""
        self.metrics.observe(line())
        self.metrics.observe(line(method="BREW", member="", source=""))
        head, body = self.ask("/metrics")
        self.assertIn(b"text/plain; version=0.0.4", head)
        text = body.decode()
        for expected in (
            'pullthrough_answers_total{member="hub",source="stale"} 1.0',
            'requests_total{method="other",repository="all",status="200"} 1.0',
            'pullthrough_sent_bytes_total{repository="all"} 20.0',
            'pullthrough_upstream_budget_remaining{to="hub.test:443 as <up>"} 7.0',
            'pullthrough_upstream_limited_seconds{to="quiet.test:443"} 0.0',
            'pullthrough_upstream_blocked{to="hub.test:443 as <up>"} 1.0',
        ):
            self.assertIn(expected, text)
        self.assertNotIn("secret", text)
        self.assertNotIn('budget_limit{to="quiet', text)

    def test_its_end(self) -> None:
        """Nothing is waited for."""
        self.successResultOf(_deferred(self.listener.drain()))
        self.listener.abort_all()
        self.listener.doStart()
        self.listener.doStop()


def _deferred(coroutine: Any) -> Any:
    from twisted.internet.defer import Deferred

    return Deferred.fromCoroutine(coroutine)
