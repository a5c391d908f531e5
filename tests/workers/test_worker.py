"""A worker, its owner, and clients of the worker, on real sockets."""

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.web import connection, transaction
from pullthrough.workers import client as client_module
from pullthrough.workers.relayed import Relayed
from tests.workers.shop import IMAGE, LINE, ShopCase, get, until

STANDS = get("/stands")


class StandingTests(ShopCase):
    """Answers that a worker gives by itself."""

    async def again(self) -> int:
        """How many answers the owner has been told of."""
        self.beside.worker.note.flush()
        await until(lambda: bool(self.beside.answered))
        return sum(times for *_, times in self.beside.answered)

    async def test_the_third_time(self) -> None:
        """The owner answers the first one, hands over with the second, and hears no
        more of it but a count."""
        caller = self.connect()
        first = await self.ask(caller, STANDS)
        self.assertEqual(first.body, b"body 1")
        await self.ask(caller, STANDS)
        self.assertEqual(self.shop.asked, ["/stands"])
        self.patch(Relayed, "dataReceived", None)
        for _ in range(3):
            again = await self.ask(caller, STANDS)
            self.assertEqual(again.body, first.body)
            self.assertEqual(again.headers.keys(), first.headers.keys())
            self.assertEqual(again.headers["x-kind"], "standing")
        other = self.connect()
        self.assertEqual((await self.ask(other, STANDS)).body, first.body)
        self.assertEqual(await self.again(), 4)
        self.assertEqual(self.beside.answered[0][:2], (LINE, "127.0.0.1"))

    async def test_head(self) -> None:
        """HEAD as well: the length, and no body."""
        caller = self.connect()
        raw = get("/stands", method="HEAD")
        heads = [await self.ask(caller, raw, "HEAD") for _ in range(4)]
        self.assertEqual({one.headers["content-length"] for one in heads}, {"6"})
        self.assertEqual(self.shop.asked, ["/stands"])
        self.assertEqual(await self.again(), 2)

    async def test_changes(self) -> None:
        """Whatever it was made of: at once the owner is asked again; and so after a
        reload."""
        caller = self.connect()
        changes = self.beside.changes
        for number, change in enumerate(
            (lambda: None, lambda: changes.changed(1, IMAGE), changes.configured), 1
        ):
            change()
            for _ in range(4):
                answer = await self.ask(caller, STANDS)
                self.assertEqual(answer.body, f"body {number}".encode())
        self.assertEqual(len(self.shop.asked), 3)

    async def test_a_time_that_is_over(self) -> None:
        """No password is believed longer than it was proven for."""
        caller = self.connect()
        for _ in range(3):
            await self.ask(caller, STANDS)
        late = self.beside.worker.now() + 61
        self.patch(self.beside.worker._doors[1], "now", lambda: late)
        self.listener.adopt(self.shop, self.listener.trusted)
        self.assertEqual((await self.ask(caller, STANDS)).body, b"body 2")

    async def test_the_last_request(self) -> None:
        """A connection ends after its most answers, and says so."""
        self.patch(client_module, "MOST_REQUESTS", 3)
        caller = self.connect()
        for _ in range(4):
            answer = await self.ask(caller, STANDS)
            self.assertNotIn("connection", answer.headers)
        answer = await self.ask(caller, STANDS)
        self.assertEqual(answer.headers["connection"], "close")
        self.assertEqual(answer.body, b"body 1")
        self.assertEqual((await self.ask(caller)).status, 0)

    async def test_joined_and_cut(self) -> None:
        """Two heads at once, or one in pieces, are the owner's business; the answers
        come in their order."""
        caller = self.connect()
        for _ in range(3):
            await self.ask(caller, STANDS)
        caller.send(STANDS + get("/other"))
        self.assertEqual((await self.ask(caller)).body, b"body 2")
        self.assertEqual((await self.ask(caller)).body, b"/other")
        caller.send(STANDS[:20])
        await until(lambda: self.listener._connections != set())
        self.assertEqual((await self.ask(caller, STANDS[20:])).body, b"body 3")
        self.assertEqual(self.shop.asked, ["/stands", "/stands", "/other", "/stands"])

    async def test_behind_one_under_way(self) -> None:
        """It waits for its turn."""
        caller = self.connect()
        for _ in range(3):
            await self.ask(caller, STANDS)
        caller.send(get("/waits"))
        await until(lambda: self.shop.asked[-1] == "/waits")
        caller.send(STANDS)
        self.shop.go.callback(None)
        self.assertEqual((await self.ask(caller)).body, b"waited")
        self.assertEqual((await self.ask(caller)).body, b"body 1")


class ClientTests(ShopCase):
    """Clients that come and go."""

    async def test_whom_the_owner_sees(self) -> None:
        """The client's own address, not the worker's."""
        await self.ask(self.connect(), get("/a"))
        self.assertEqual(self.shop.peers, ["127.0.0.1"])

    async def test_too_many(self) -> None:
        """They are turned away, and the owner hears how many."""
        self.beside.serve(most=2)
        await self.beside.hand.settled()
        first, second = self.connect(), self.connect()
        for caller in (first, second):
            self.assertEqual((await self.ask(caller, get("/a"))).status, 200)
        self.assertEqual((await self.ask(self.connect())).status, 503)
        self.assertEqual(sum(self.beside.shared.counts), 2)
        first.close()
        await until(lambda: sum(self.beside.shared.counts) == 1)
        self.assertEqual((await self.ask(self.connect(), get("/a"))).status, 200)
        await until(lambda: self.beside.refused == 1)

    async def test_an_idle_relay_ends(self) -> None:
        """The client does not notice."""
        caller = self.connect()
        await self.ask(caller, get("/a"))
        self.listener.abort_all()
        await until(lambda: not self.beside.hand._relays)
        self.assertEqual((await self.ask(caller, get("/b"))).body, b"/b")

    async def test_the_owner_cuts_a_client_off(self) -> None:
        """In the middle of a request it is gone."""
        caller = self.connect()
        caller.send(get("/waits"))
        await until(lambda: bool(self.shop.asked))
        self.listener.abort_all()
        self.assertEqual((await self.ask(caller)).status, 0)
        await until(lambda: self.shop.lost == 0 and not self.listener._connections)

    async def test_the_client_leaves(self) -> None:
        """The owner hears of it."""
        caller = self.connect()
        caller.send(get("/echo", "Content-Length: 9", method="POST"))
        await until(lambda: bool(self.shop.asked))
        caller.close()
        await until(lambda: self.shop.lost == 1)
        self.assertFalse(self.beside.hand._relays)

    async def test_silence(self) -> None:
        """Who says nothing, and who is idle for too long, is cut off."""
        silent, idle = self.connect(), self.connect()
        for _ in range(3):
            await self.ask(idle, STANDS)
        door = self.beside.worker._doors[1]
        door.tick(self.beside.worker.now() + client_module.HEAD_TIME)
        self.assertEqual((await self.ask(silent)).status, 0)
        self.assertEqual((await self.ask(idle, STANDS)).status, 200)
        door.tick(self.beside.worker.now() + client_module.IDLE_TIME)
        self.assertEqual((await self.ask(idle)).status, 0)

    async def test_leaving(self) -> None:
        """Who waits for nothing is let go at once, who has asked gets its answer, which
        says that it is the last one; then the worker is gone, and its notes are
        here."""
        idle, busy = self.connect(), self.connect()
        for _ in range(3):
            await self.ask(idle, STANDS)
        busy.send(get("/waits"))
        await until(lambda: self.shop.asked[-1] == "/waits")
        self.beside.hand.leave()
        await self.beside.hand.settled()
        self.assertEqual((await self.ask(idle)).status, 0)
        self.assertFalse(self.beside.gone)
        self.shop.go.callback(None)
        answer = await self.ask(busy)
        self.assertEqual(
            (answer.body, answer.headers["connection"]), (b"waited", "close")
        )
        await self.beside.hand.end()
        self.assertTrue(self.beside.gone)
        self.assertEqual(sum(times for *_, times in self.beside.answered), 1)

    async def test_a_connector_that_goes(self) -> None:
        """It takes nobody any more; who is on it ends as above."""
        caller = self.connect()
        caller.send(get("/waits"))
        await until(lambda: bool(self.shop.asked))
        self.beside.connectors.clear()
        self.beside.serve()
        await self.beside.hand.settled()
        self.assertIsNone(self.beside.listening_worker())
        self.shop.go.callback(None)
        self.assertEqual((await self.ask(caller)).body, b"waited")
        self.assertEqual((await self.ask(caller)).status, 0)


class BodyTests(ShopCase):
    """What clients send."""

    async def test_bodies(self) -> None:
        """With a length and chunked, with and without 100-continue, one after the
        other on one connection."""
        caller = self.connect()
        body = self.content
        chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        for headers, sent in (
            ((f"Content-Length: {len(body)}",), body),
            (("Transfer-Encoding: chunked",), chunk),
        ):
            for expect in ((), ("Expect: 100-continue",)):
                del caller.interim[:]
                raw = get("/echo", *headers, *expect, method="PUT")
                answer = await self.ask(caller, raw + sent)
                self.assertEqual(answer.body, str(len(body)).encode())
                self.assertEqual(caller.interim, [100] if expect else [])

    async def test_nobody_takes_it(self) -> None:
        """Then the client is held up, however much it has."""
        caller = self.connect()
        total = 256 * 1024 * 1024
        caller.send(get("/held", f"Content-Length: {total}", method="PUT"))
        caller.wire.setblocking(False)
        piece, sent = bytes(1024 * 1024), 0
        still = 0
        while still < 20:  # turns in which nothing more is taken
            try:
                sent += caller.wire.send(piece)
                still = 0
            except BlockingIOError:
                still += 1
            await until(lambda: True)
            await deferToThread(lambda: None)
        self.assertLess(sent, total // 4)
        self.listener.abort_all()


class HandOverTests(ShopCase):
    """Clients to whom nothing stands."""

    async def test_they_go_to_the_owner(self) -> None:
        """With the connection as it is; the worker has it no more."""
        caller = self.connect()
        for number in range(client_module.MOST_RELAYED + 3):
            answer = await self.ask(caller, get(f"/{number}"))
            self.assertEqual(answer.body, f"/{number}".encode())
        self.assertFalse(self.beside.hand._relays)
        self.assertEqual(self.beside.shared.counts[1], 0)
        self.assertEqual(len(self.listener._connections), 1)
        self.assertFalse(self.beside.worker._theirs)
        self.assertEqual(set(self.shop.peers), {"127.0.0.1"})
        caller.close()
        await until(lambda: not self.listener._connections)

    async def test_who_gets_some_here_stays(self) -> None:
        """What stands in between counts."""
        caller = self.connect()
        for number in range(2 * client_module.MOST_RELAYED):
            await self.ask(caller, get(f"/{number}"))
            await self.ask(caller, STANDS)
        self.assertEqual(self.beside.shared.counts[1], 1)


class LimitTests(SynchronousTestCase):
    """What a worker has no memory for to import."""

    def test_the_same_as_the_owners(self) -> None:
        """Deadlines and numbers."""
        self.assertEqual(client_module.HEAD_TIME, connection.HEAD_TIME)
        self.assertEqual(client_module.IDLE_TIME, connection.IDLE_TIME)
        self.assertEqual(client_module.MOST_REQUESTS, connection.MOST_REQUESTS)
        slowest = transaction.READ_WINDOW + transaction.PIECE / transaction.RATE
        self.assertEqual(client_module.READ_TIME, slowest)
