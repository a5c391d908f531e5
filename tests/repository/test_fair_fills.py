"""Many cold layers of one client, and one of another's: through sites and fills to the
upstream's turns."""

from collections import deque
from dataclasses import replace

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.access.htpasswd import entry, parse_htpasswd
from pullthrough.access.policy import SimplePolicy
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.slots import BODIES
from pullthrough.web.guard import Guard
from pullthrough.web.site import Site
from tests.support.agent import Answer, scripted
from tests.support.authenticators import make_authenticator
from tests.support.exchange import FakeExchange
from tests.support.house import House

USERS = parse_htpasswd(
    "".join(entry(name, f"pw-{name}", 4) for name in ("alice", "bob"))
)


class FairFillTests(SynchronousTestCase):
    """A proxy of an upstream that sends one layer after the other."""

    def setUp(self) -> None:
        self.house = House()
        self.under_way: deque[Answer] = deque()
        self.contents: dict[str, bytes] = {}
        requests, self.agent = scripted(self.answer, self.house.clock)
        upstream = RegistryUpstream("hub", requests, self.house.clock)
        proxy = self.house.proxy(upstream)
        authenticator = make_authenticator(USERS, self.house.clock)
        guard = Guard("hub", authenticator, SimplePolicy(True), False)
        clock = self.house.clock
        self.site = Site(proxy, guard, lambda line: None, clock, clock.seconds)
        self.site._transfers.limit(500, 500, TrustedProxies())
        self.wanted: dict[str, FakeExchange] = {}

    def answer(self, method: str, url: str) -> Answer:
        """All of the layer but its end."""
        digest = url.rpartition("/")[2]
        answer = Answer(200, self.contents[digest], ends=False)
        self.under_way.append(answer)
        return answer

    def want(self, name: str, user: str, peer: str = "192.0.2.1") -> None:
        """Ask for a layer of that name."""
        digest = str(Digest.of(name.encode()))
        self.contents[digest] = name.encode()
        exchange = FakeExchange("GET", f"/v2/team/app/blobs/{digest}", user=user)
        exchange.seen = replace(exchange.seen, peer=peer)
        self.wanted[name] = exchange
        Deferred.fromCoroutine(self.site(exchange)).addErrback(lambda failure: failure)

    def asked(self) -> list[str]:
        """The layers that the upstream was asked for, in that order."""
        return [
            self.contents[url.rpartition("/")[2]].decode() for url in self.agent.urls
        ]

    def finish(self, count: int) -> None:
        """So many layers come to their end, one after the other."""
        for _ in range(count):
            self.under_way.popleft().end()

    def test_in_turn(self) -> None:
        """Everybody waits behind one of each other; all of them are served."""
        for number in range(200):
            self.want(f"alice {number}", "alice")
        self.assertEqual(len(self.asked()), BODIES)
        self.want("bob", "bob")
        self.want("here", "", "192.0.2.8")
        self.want("there", "", "192.0.2.9")
        self.finish(5)
        next_five = ["alice 16", "bob", "here", "there", "alice 17"]
        self.assertEqual(self.asked()[BODIES:], next_five)
        self.finish(198)
        self.assertEqual(len(self.asked()), 203)
        for name, exchange in self.wanted.items():
            self.assertEqual((exchange.status, exchange.sent), (200, name.encode()))
