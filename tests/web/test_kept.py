"""Answers that stand: given again at once, and never a moment too long."""

import base64
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from pullthrough.access.policy import SimplePolicy
from pullthrough.accessline import AccessLine
from pullthrough.changes import Changes
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.web import connection, listener
from pullthrough.web import kept as kept_module
from pullthrough.web.exchange import IExchange
from pullthrough.web.guard import Guard
from pullthrough.web.kept import Kept, KeptAnswers, Standing
from pullthrough.web.listener import Listener
from pullthrough.web.main import Main
from pullthrough.web.pages import Pages
from pullthrough.web.site import Site
from tests.support.authenticators import make_authenticator
from tests.support.images import make_image
from tests.support.site import LAYER, USERS, SiteCase
from tests.support.wire import Wire

MANIFEST = "/v2/team/app/manifests/v1"
IMAGE = ImageName("team/app")
LINE = AccessLine("", "", "own", "GET", MANIFEST, 200, 1, 0.0, "own", "hit", "")


def basic(user: str, password: str = "") -> str:
    """An Authorization header."""
    pair = f"{user}:{password or f'pw-{user}'}"
    return f"Authorization: Basic {base64.b64encode(pair.encode()).decode()}"


def request(target: str, *headers: str, method: str = "GET") -> bytes:
    """A whole head."""
    lines = (f"{method} {target} HTTP/1.1", "Host: a", *headers)
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Case(SiteCase):
    """A site behind a listener; who is asked is counted."""

    trusted = TrustedProxies()

    def setUp(self) -> None:
        super().setUp()
        self.asked = 0
        self.push_image()
        self.blob = self.push_blob()
        self.listener = Listener(
            self.application, self.house.clock, trusted=self.trusted
        )
        self.wire = Wire(self.listener.buildProtocol(None))  # type: ignore[arg-type]

    async def application(self, exchange: IExchange) -> None:
        """The site."""
        self.asked += 1
        await self.site(exchange)

    def get(self, raw: bytes, wire: Wire | None = None) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer."""
        wire = wire or self.wire
        wire.receive(raw)
        head, _, body = wire.take().partition(b"\r\n\r\n")
        return int(head.split()[1]), head, body


class StandingTests(Case):
    """A head that comes again."""

    def twice(self, raw: bytes) -> tuple[int, bytes, bytes]:
        """The second answer is the first one, and nobody was asked for it."""
        first = self.get(raw)
        asked = self.asked
        self.assertEqual(self.get(raw), first)
        self.assertEqual(self.asked, asked)
        return first

    def test_manifests_and_small_blobs(self) -> None:
        """By tag and digest, GET and HEAD; each is in the log with all its fields."""
        digest = Digest.of(make_image(LAYER).manifest)
        by_digest = f"/v2/team/app/manifests/{digest}"
        for target in (MANIFEST, by_digest, self.blob):
            for method in ("GET", "HEAD"):
                del self.lines[:]
                raw = request(target, basic("alice"), "User-Agent: x", method=method)
                status, head, body = self.twice(raw)
                self.assertEqual(status, 200)
                self.assertEqual(bool(body), method == "GET")
                self.assertIn(b"Docker-Content-Digest: sha256:", head)
                first, second = self.lines
                self.assertEqual(second, first)
                self.assertEqual((first.member, first.source), ("own", "hit"))

    def test_the_date_goes_on(self) -> None:
        """Each answer has the time at which it was given."""
        raw = request(MANIFEST, basic("alice"))
        first = self.twice(raw)
        self.house.clock.advance(1)
        second = self.get(raw)
        self.assertEqual(self.asked, 1)
        self.assertNotEqual(second[1], first[1])
        self.assertIn(b"\r\nDate: ", second[1])
        self.assertEqual(second[1].count(b"Date"), 1)
        self.assertEqual(second[2], first[2])

    def test_a_tag_that_moves(self) -> None:
        """The next answer has the new manifest; so after a delete."""
        raw = request(MANIFEST, basic("alice"))
        first = self.twice(raw)
        other = make_image(b"other")
        for content in other.blobs.values():
            self.push_blob(content)
        done = self.ask(
            "PUT",
            MANIFEST,
            body=other.manifest,
            headers={"Content-Type": other.media_type},
        )
        self.assertEqual(done.status, 201)
        self.assertEqual(self.get(raw)[2], other.manifest)
        self.assertNotEqual(first[2], other.manifest)
        self.assertEqual(self.ask("DELETE", MANIFEST).status, 202)
        self.assertEqual(self.get(raw)[0], 404)

    def test_a_blob_that_goes(self) -> None:
        """Deleted is deleted at once."""
        raw = request(self.blob, basic("alice"))
        self.twice(raw)
        self.assertEqual(self.ask("DELETE", self.blob).status, 202)
        self.assertEqual(self.get(raw)[0], 404)

    def test_another_image_changes_nothing(self) -> None:
        """What stands is not lost by each push."""
        raw = request(MANIFEST, basic("alice"))
        self.twice(raw)
        self.push_blob(image="other/app")
        asked = self.asked
        self.assertEqual(self.get(raw)[0], 200)
        self.assertEqual(self.asked, asked)

    def test_who_asks(self) -> None:
        """Another password, or none, is another head; wrong ones get nothing."""
        self.twice(request(MANIFEST, basic("alice")))
        for header in (basic("alice", "wrong"), basic("eve"), "X: y"):
            for _ in range(2):
                self.assertEqual(self.get(request(MANIFEST, header))[0], 401)

    def test_a_password_is_proven_anew(self) -> None:
        """After a minute nothing stands by what was proven before."""
        raw = request(MANIFEST, basic("alice"))
        self.twice(raw)
        self.house.clock.advance(61)
        asked = self.asked
        wire = Wire(self.listener.buildProtocol(None))  # type: ignore[arg-type]
        self.get(raw, wire)
        self.assertEqual(self.asked, asked + 1)

    def test_a_token_expires(self) -> None:
        """It opens what it covers, until it does not."""
        target = "/v2/token?service=own&scope=repository:team/app:pull"
        token = self.ask("GET", target).json()["token"]
        raw = request(MANIFEST, f"Authorization: Bearer {token}")
        self.assertEqual(self.twice(raw)[0], 200)
        self.house.clock.advance(301)
        wire = Wire(self.listener.buildProtocol(None))  # type: ignore[arg-type]
        self.assertEqual(self.get(raw, wire)[0], 401)

    def test_another_configuration(self) -> None:
        """A reload forgets all; who is gone gets nothing."""
        raw = request(MANIFEST, basic("alice"))
        self.twice(raw)
        self.site = self.make_site(self.hosted)
        authenticator = make_authenticator({"bob": USERS["bob"]}, self.house.clock)
        self.site.guard = Guard("own", authenticator, SimplePolicy(False), False)
        self.listener.adopt(self.application, self.trusted)
        self.assertEqual(self.get(raw)[0], 401)

    def test_a_reload_while_it_is_answered(self) -> None:
        """What another configuration has answered does not stand under this one."""
        waiting: Deferred[None] = Deferred()

        async def slow(exchange: IExchange) -> None:
            await waiting
            await self.site(exchange)

        self.listener.adopt(slow, self.trusted)
        raw = request(MANIFEST, basic("alice"))
        self.wire.receive(raw)
        self.listener.adopt(self.application, self.trusted)
        waiting.callback(None)
        self.assertIn(b" 200 OK", self.wire.take())
        self.get(raw)
        self.assertEqual(self.asked, 1)

    def test_what_asks_for_more_is_asked_each_time(self) -> None:
        """Ranges, conditions, explanations, and heads with a body to come."""
        for header in (
            "Range: bytes=0-0",
            'If-None-Match: "x"',
            "X-Pullthrough-Explain: 1",
            "Content-Length: 1",
        ):
            raw = request(self.blob, basic("alice"), header)
            body = b"x" if "Length" in header else b""
            for _ in range(2):
                asked = self.asked
                self.get(raw + body)
                self.assertEqual(self.asked, asked + 1, header)

    def test_split_and_joined(self) -> None:
        """A head in pieces, and two at once, are answered alike."""
        raw = request(MANIFEST, basic("alice"))
        _, head, body = self.twice(raw)
        whole = head + b"\r\n\r\n" + body
        self.wire.receive(raw[:20])
        self.wire.receive(raw[20:])
        self.assertEqual(self.wire.take(), whole)
        self.wire.receive(raw + raw)
        self.assertEqual(self.wire.take(), whole + whole)

    def test_the_last_request(self) -> None:
        """A connection ends after its most requests all the same."""
        self.patch(connection, "MOST_REQUESTS", 3)
        raw = request(MANIFEST, basic("alice"))
        heads = [self.get(raw)[1] for _ in range(3)]
        self.assertEqual(
            [b"Connection: close" in head for head in heads], [False, False, True]
        )
        self.assertTrue(self.wire.closed)

    def test_draining(self) -> None:
        """Who is leaving says so."""
        raw = request(MANIFEST, basic("alice"))
        self.twice(raw)
        self.wire.receive(raw[:9])  # or it would leave at once
        self.listener.leave()
        self.wire.receive(raw[9:])
        self.assertIn(b"Connection: close", self.wire.take())

    def test_a_client_that_takes_no_answers(self) -> None:
        """It is asked for no more requests until it has read."""
        raw = request(MANIFEST, basic("alice"))
        self.twice(raw)
        self.wire.full = True
        self.wire.receive(raw)
        answer = self.wire.take()
        self.assertFalse(self.wire.reading)
        self.wire.receive(raw)  # was on its way
        self.assertEqual(self.wire.take(), b"")
        self.wire.full = False
        self.wire.drained()
        self.assertTrue(self.wire.reading)
        self.assertEqual(self.wire.take(), answer)

    def test_many_heads(self) -> None:
        """Only so many are kept in mind, and none that is long."""
        self.patch(listener, "MOST_STANDING", 2)
        self.listener = Listener(self.application, self.house.clock)
        self.wire = Wire(self.listener.buildProtocol(None))  # type: ignore[arg-type]
        for number in range(4):
            self.get(request(MANIFEST, basic("alice"), f"X: {number}"))
        self.assertEqual(self.asked, 4)
        asked = self.asked
        self.get(request(MANIFEST, basic("alice"), "X: 3"))
        self.assertEqual(self.asked, asked)
        self.get(request(MANIFEST, basic("alice"), "X: 0"))
        self.assertEqual(self.asked, asked + 1)
        for _ in range(2):
            asked = self.asked
            self.get(request(MANIFEST, basic("alice"), f"X: {'x' * 3000}"))
            self.assertEqual(self.asked, asked + 1)


class AtOnceTests(SiteCase):
    """Another head, the same content: whoever is known need not wait."""

    class Policy:
        """Bob may read nothing."""

        asked = 0

        def permits(self, principal: str, *_: Any) -> bool:
            """Whether it is alice."""
            self.asked += 1
            return principal == "alice"

    def setUp(self) -> None:
        super().setUp()
        self.push_image()
        self.blob = self.push_blob()
        self.site = self.make_site(self.hosted)
        self.serve(self.site)
        self.asked = 0
        long_way = Site.__call__

        def counted(site: Site, exchange: IExchange) -> Any:
            self.asked += 1
            return long_way(site, exchange)

        self.patch(Site, "__call__", counted)

    def serve(self, application: Any) -> None:
        """On a connector."""
        made = Listener(application, self.house.clock)
        self.wire = Wire(made.buildProtocol(None))  # type: ignore[arg-type]

    def get(self, target: str, *headers: str, long_way: bool = False) -> int:
        """The status, and whether the site was asked."""
        asked = self.asked
        self.wire.receive(request(target, *headers))
        self.assertEqual(self.asked - asked, long_way, (target, headers))
        return int(self.wire.take().split()[1])

    def test_another_head(self) -> None:
        """The same user, another head; each is noted as what it is."""
        alice = basic("alice")
        self.assertEqual(self.get(MANIFEST, alice, long_way=True), 200)
        self.assertEqual(self.get(MANIFEST, alice, "User-Agent: other/1"), 200)
        self.assertEqual(self.get(self.blob, alice, long_way=True), 200)
        self.assertEqual(self.get(self.blob, alice, "User-Agent: other/2"), 200)
        agents = [line.agent for line in self.lines[-4:]]
        self.assertEqual(agents, ["", "other/1", "", "other/2"])
        self.assertEqual({line.principal for line in self.lines[-4:]}, {"alice"})
        self.assertEqual({line.peer for line in self.lines[-4:]}, {"192.0.2.7"})

    def test_who_has_come_before(self) -> None:
        """The right is not looked for again while the same who asks for the same;
        each request is noted, with the agent that it named."""
        policy = self.policy = self.Policy()  # type: ignore[assignment]
        self.serve(self.make_site(self.hosted))
        alice = basic("alice")
        self.assertEqual(self.get(MANIFEST, alice, long_way=True), 200)
        self.get(MANIFEST, alice, "User-Agent: a", "X: 1")
        asked = policy.asked
        for number, agent in enumerate("abab"):
            self.get(MANIFEST, alice, f"User-Agent: {agent}", f"X: {number}")
        self.assertEqual(policy.asked, asked + 1)
        self.assertEqual([line.agent for line in self.lines[-4:]], list("abab"))

    def test_who_is_not_known(self) -> None:
        """Credentials that have not been looked at, and wrong ones, are looked at."""
        self.get(MANIFEST, basic("alice"), long_way=True)
        self.assertEqual(self.get(MANIFEST, basic("bob"), long_way=True), 200)
        self.assertEqual(self.get(MANIFEST, basic("bob"), "X: y"), 200)
        for _ in range(2):
            wrong = basic("alice", "wrong")
            self.assertEqual(self.get(MANIFEST, wrong, long_way=True), 401)
        self.assertEqual(self.get(MANIFEST, long_way=True), 401)

    def test_who_may_not(self) -> None:
        """A kept answer is nobody's right."""
        self.policy = self.Policy()  # type: ignore[assignment]
        self.serve(self.make_site(self.hosted))
        self.assertEqual(self.get(MANIFEST, basic("alice"), long_way=True), 200)
        refused = self.get(MANIFEST, basic("bob"), long_way=True)
        self.assertIn(refused, (403, 404))
        self.assertEqual(self.get(MANIFEST, basic("bob"), long_way=True), refused)
        self.assertEqual(self.get(MANIFEST, basic("alice"), "X: y"), 200)

    def test_a_token_for_something_else(self) -> None:
        """It opens what it was made for, and no more."""
        tokens = []
        for image in ("team/app", "other/app"):
            target = f"/v2/token?service=own&scope=repository:{image}:pull"
            token = self.ask("GET", target).json()["token"]
            tokens.append(f"Authorization: Bearer {token}")
        self.assertEqual(self.get(MANIFEST, tokens[0], long_way=True), 200)
        self.assertEqual(self.get(MANIFEST, tokens[0], "X: y"), 200)
        self.assertEqual(self.get(MANIFEST, tokens[1], long_way=True), 401)
        self.assertEqual(self.get(MANIFEST, tokens[1], long_way=True), 401)

    def test_what_is_known_of_whom_ends(self) -> None:
        """A password's proof after a minute."""
        self.get(MANIFEST, basic("alice"), long_way=True)
        self.house.clock.advance(61)
        self.serve(self.site)
        self.assertEqual(self.get(MANIFEST, basic("alice"), "X: y", long_way=True), 200)

    def test_on_the_main_connector(self) -> None:
        """By path it is the same."""
        main = Main({"own": self.site}, {}, self.site, Pages({}, None))  # type: ignore
        self.serve(main)
        target = "/v2/own/team/app/manifests/v1"
        self.assertEqual(self.get(target, basic("alice"), long_way=True), 200)
        self.assertEqual(self.get(target, basic("alice"), "X: y"), 200)


class TrustedTests(Case):
    """Behind a reverse proxy."""

    trusted = TrustedProxies(["192.0.2.7"])

    def test_each_is_read(self) -> None:
        """What it tells may differ from what the head says."""
        raw = request(MANIFEST, basic("alice"))
        for _ in range(2):
            asked = self.asked
            self.assertEqual(self.get(raw)[0], 200)
            self.assertEqual(self.asked, asked + 1)


class TableTests(SiteCase):
    """The table of kept answers."""

    def setUp(self) -> None:
        super().setUp()
        self.changes = Changes()
        self.answers = KeptAnswers(self.changes, limit=10_000)

    def make(self, body: bytes = b"x", until: float = 9.0) -> Kept:
        """An answer."""
        provenance = Provenance("own", Source.HIT, until=until)
        return Kept(
            [("A", "b")], body, provenance, self.changes.watch([(1, IMAGE)]), IMAGE
        )

    def test_until(self) -> None:
        """It stands until its time, and until a fact changes."""
        kept = self.make()
        self.answers.keep("k", kept)
        self.assertIs(self.answers.find("k", 8.9), kept)
        self.changes.changed(2, IMAGE)
        self.assertIs(self.answers.find("k", 8.9), kept)
        self.assertIsNone(self.answers.find("k", 9.0))
        self.answers.keep("k", self.make())
        self.changes.changed(1, IMAGE)
        self.assertIsNone(self.answers.find("k", 0.0))
        self.assertEqual(self.answers.size, 0)

    def test_a_change_while_it_is_made(self) -> None:
        """What was read before a change does not stand after it."""
        watch = self.changes.watch([(1, IMAGE)])
        self.changes.changed(1, IMAGE)
        kept = Kept([], b"old", Provenance("own", Source.HIT, until=9.0), watch, IMAGE)
        self.answers.keep("k", kept)
        self.assertIsNone(self.answers.find("k", 0.0))

    def test_room(self) -> None:
        """Those least asked for go; what is too large is not kept."""
        first, second, third = (self.make(b"x" * 3000) for _ in range(3))
        self.answers.keep(1, first)
        self.answers.keep(2, second)
        self.answers.find(1, 0.0)
        self.answers.keep(3, third)
        self.assertIsNone(self.answers.find(2, 0.0))
        self.assertTrue(second.forgotten)
        self.assertIs(self.answers.find(1, 0.0), first)
        self.answers.keep(4, self.make(b"x" * 20_000))
        self.assertIsNone(self.answers.find(4, 0.0))
        self.assertLessEqual(self.answers.size, 10_000)
        self.answers.clear()
        self.assertEqual((self.answers.size, first.forgotten), (0, True))

    def test_ways(self) -> None:
        """How it is given takes room as well; only so many ways are known."""
        kept, other = self.make(), self.make()
        self.answers.keep("k", kept)
        self.answers.keep("other", other)
        bare, standing = kept.size, Standing(kept, 9.0, LINE, print)
        self.answers.find("k", 0.0)
        for number in range(3):
            self.answers.give(kept, number % 2, standing, 10)
        self.assertEqual(set(kept.given), {0, 1})
        self.assertGreater(kept.size, bare + 20)
        self.assertEqual(self.answers.size, kept.size + other.size)
        self.patch(kept_module, "MOST_WAYS", 2)
        self.answers.give(kept, 2, standing, 10)
        self.assertEqual(kept.given, {2: standing})
        self.assertEqual(self.answers.size, kept.size + other.size)
        self.answers.give(kept, 3, standing, 9000 - kept.size)
        self.assertTrue(other.forgotten)
        self.answers.clear()
        self.answers.give(kept, 4, standing, 10)
        self.assertEqual(self.answers.size, 0)

    def test_whole(self) -> None:
        """The date is put in its place; the body stays what it is."""
        kept = self.make(b"0123456789")
        for date in (b"Date: 1\r\n", b"Date: 22\r\n", b"Date: 1\r\n"):
            whole = kept.whole(date)
            self.assertEqual(whole.count(date), 1)
            self.assertTrue(whole.endswith(b"\r\n\r\n0123456789"))
            self.assertEqual(kept.body(), b"0123456789")
            self.assertEqual(whole.count(b"Date: "), 1)

    def test_without_a_table(self) -> None:
        """A site may do without."""
        lines: list[AccessLine] = []
        clock: Any = Clock()
        guard = Guard(
            "own", make_authenticator(USERS, clock), SimplePolicy(True), False
        )
        self.site = Site(self.hosted, guard, lines.append, clock, clock.seconds)
        self.push_image()
        done = self.ask("GET", MANIFEST)
        self.assertEqual((done.status, done.standing), (200, None))
