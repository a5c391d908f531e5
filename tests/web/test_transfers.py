"""How many blobs may be on their way at once, and that nothing is read before."""

import base64
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from pullthrough.allowance import PATIENCE
from pullthrough.interfaces import IContent
from pullthrough.spec.forwarded import Seen, TrustedProxies
from pullthrough.spec.ways import Way
from pullthrough.web.exchange import Headers, IExchange
from pullthrough.web.listener import Listener
from pullthrough.web.transfers import PER_CLIENT, PER_USER
from tests.support.exchange import FakeExchange
from tests.support.site import BLOB, DIGEST, UPLOADS, SiteCase
from tests.support.wire import Wire

PROXY = "10.0.0.1"

#: More than what is sent in one piece.
LARGE = b"0123456789" * 10_000


@implementer(IExchange)
class Held(FakeExchange):
    """One whose answer or body takes until the test says."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.turn: Deferred[None] = Deferred()
        self.moving = False

    async def stream(
        self, status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """Only then."""
        self.moving = True
        await self.turn
        await super().stream(status, headers, content, start, end)

    async def deliver(self, consumer: Any) -> int:
        """Only then."""
        self.moving = True
        await self.turn
        return await super().deliver(consumer)


class TransferTests(SiteCase):
    """Two for a client, three for a user."""

    anonymous = True

    def setUp(self) -> None:
        super().setUp()
        self.blob = self.push_blob(LARGE)
        self.transfers = self.site._transfers
        self.assertEqual((PER_CLIENT, PER_USER), (64, 1024))
        self.transfers.limit(2, 3, TrustedProxies([PROXY]))
        self.doing: list[Deferred[None]] = []
        self.held: list[Held] = []
        self.addCleanup(self.finish)

    def finish(self) -> None:
        """Whatever still moves comes to its end, and nothing is left."""
        for exchange in self.held:
            if not exchange.turn.called:
                exchange.turn.callback(None)
        for done in self.doing:
            self.successResultOf(done)
        self.assertEqual((self.transfers.count, self.transfers.waiting), (0, 0))

    def begin(
        self,
        user: str = "alice",
        peer: str = "192.0.2.1",
        method: str = "GET",
        target: str = "",
        body: bytes = b"",
        **more: Any,
    ) -> Held:
        """A request, and as much of its answer as comes at once."""
        exchange = Held(method, target or self.blob, user=user, body=body, **more)
        seen = Seen(peer, False, "registry.test")
        trusted = TrustedProxies([PROXY])
        exchange.seen = trusted.seen(seen, exchange.head.get)
        self.held.append(exchange)
        self.doing.append(Deferred.fromCoroutine(self.site(exchange)))
        return exchange

    def test_a_client(self) -> None:
        """A third waits, and goes on when one has ended; in half a minute it is told to
        come back. Nobody else is held up."""
        first, second, third = (self.begin() for _ in range(3))
        self.assertEqual([one.moving for one in (first, second, third)], [1, 1, 0])
        self.assertTrue(self.begin("bob").moving)
        self.assertTrue(self.begin("").moving)
        self.assertEqual((self.transfers.count, self.transfers.waiting), (4, 1))
        first.turn.callback(None)
        self.assertEqual((first.status, third.moving), (200, True))
        late = self.begin()
        self.house.clock.advance(PATIENCE)
        self.assertEqual((late.status, late.error), (429, "TOOMANYREQUESTS"))
        self.assertEqual(late.headers["Retry-After"], "5")
        self.assertEqual(self.transfers.refused, 1)

    def test_a_user(self) -> None:
        """A cluster shares one from many addresses: that has a limit of its own."""
        for number in range(3):
            self.assertTrue(self.begin(peer=f"192.0.2.{number}").moving)
        fourth = self.begin(peer="192.0.2.9")
        self.assertFalse(fourth.moving)
        self.assertTrue(self.begin("bob", "192.0.2.9").moving)
        self.house.clock.advance(PATIENCE)
        self.assertEqual(fourth.status, 429)
        for number in range(4):
            self.assertTrue(self.begin("", f"192.0.2.{number}").moving)
        self.assertEqual(self.transfers.count, 8)

    def test_in_and_out(self) -> None:
        """Bodies of uploads count like blobs; what has no body, or is small, does
        not."""
        location = self.ask("POST", UPLOADS).headers["Location"]
        self.begin(method="PATCH", target=location, body=b"01234")
        self.begin(method="POST", target=f"{UPLOADS}?digest={DIGEST}", body=b"x")
        third = self.begin(
            method="PUT", target=f"{location}?digest={DIGEST}", body=b"x"
        )
        self.assertFalse(third.moving)
        for method, target in (
            ("HEAD", self.blob),
            ("GET", location),
            ("POST", UPLOADS),
            ("GET", "/v2/team/app/tags/list"),
            ("GET", "/v2/"),
        ):
            status = self.begin(method=method, target=target).status
            self.assertIn(status, (200, 202, 204, 400), target)

    def test_every_end(self) -> None:
        """Each gives its turn back: misses, bad uploads, clients that leave."""
        for _ in range(4):
            gone = self.begin(target=BLOB)
            self.assertEqual(gone.status, 404)
            bad = self.begin(method="PATCH", target=f"{UPLOADS}{'0' * 32}", body=b"x")
            self.assertEqual(bad.status, 404)
            left = self.begin()
            left.turn.errback(RuntimeError())
            self.failureResultOf(self.doing.pop(), RuntimeError)
        self.assertEqual((self.transfers.count, self.transfers.waiting), (0, 0))
        self.assertEqual(self.transfers._clients.count, 0)
        self.assertEqual(self.transfers._users.count, 0)

    def test_behind_a_proxy(self) -> None:
        """The client that it tells of counts; where it tells of none, the proxy itself
        is none."""
        for _ in range(2):
            one = {"X-Forwarded-For": "192.0.2.1"}
            self.assertTrue(self.begin("", PROXY, headers=one).moving)
        self.assertFalse(self.begin("", "192.0.2.1").moving)
        other = {"X-Forwarded-For": "192.0.2.2"}
        self.assertTrue(self.begin("", PROXY, headers=other).moving)
        for _ in range(4):
            self.assertTrue(self.begin("", PROXY).moving)

    def test_one_count_for_all_sites(self) -> None:
        """Whichever way they come."""
        self.begin()
        self.begin()
        self.site = self.site.by(Way(prefix="own/"))
        self.assertFalse(
            self.begin(target=self.blob.replace("/v2/", "/v2/own/")).moving
        )


class AdmissionTests(SiteCase):
    """What is refused is refused before a body is asked for."""

    anonymous = True

    def answer(self, target: str, *headers: str) -> bytes:
        """What is said to a client that waits for 100 before it sends a body."""
        wire = self.connect()
        wire.receive(self.request(target, *headers))
        said = wire.take()
        wire.leave()
        return said

    def connect(self) -> Wire:
        """A connection."""
        protocol = Listener(self.site, self.house.clock).buildProtocol(None)  # type: ignore[arg-type]
        return Wire(protocol)  # type: ignore[arg-type]

    def request(self, target: str, *headers: str) -> bytes:
        """A request whose body is still to come."""
        lines = [f"PATCH {target} HTTP/1.1", "Host: a", *headers]
        lines += ["Content-Length: 1000", "Expect: 100-continue", "", ""]
        return "\r\n".join(lines).encode()

    def test_the_order(self) -> None:
        """Head, rate of logins, login, right, turn, session; then comes 100."""
        alice = "Authorization: Basic YWxpY2U6cHctYWxpY2U="
        wrong = "Authorization: Basic YWxpY2U6d3Jvbmc="
        location = self.ask("POST", UPLOADS).headers["Location"]
        self.assertEqual(self.answer(location, alice), b"HTTP/1.1 100 Continue\r\n\r\n")
        for status, target, headers in (
            (400, location.replace("team", "Team"), [alice]),
            (431, location, [alice, *(f"X{number}: y" for number in range(100))]),
            (400, location, [alice, "Transfer-Encoding: chunked"]),
            (401, location, []),
            (401, location, [wrong]),
            (404, f"{UPLOADS}{'0' * 32}", [alice]),
        ):
            said = self.answer(target, *headers)
            self.assertTrue(said.startswith(f"HTTP/1.1 {status} ".encode()), said)
        for number in range(10):
            pair = base64.b64encode(f"alice:{number}".encode()).decode()
            said = self.answer(location, f"Authorization: Basic {pair}")
        self.assertTrue(said.startswith(b"HTTP/1.1 429 "), said)
        clients = self.site._transfers._clients
        while not clients.full(("alice", "192.0.2.7")):
            taken = Deferred.fromCoroutine(clients.take(("alice", "192.0.2.7")))
            self.successResultOf(taken)
        other = self.ask("POST", UPLOADS).headers["Location"]
        wire = self.connect()
        wire.receive(self.request(other, alice))
        self.assertEqual(wire.take(), b"")
        self.house.clock.advance(PATIENCE)
        said = wire.take()
        self.assertTrue(said.startswith(b"HTTP/1.1 429 "), said)
        self.assertIn(b"\r\nConnection: close\r\n", said)
        wire.leave()
