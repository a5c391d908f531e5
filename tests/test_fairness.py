"""Who pays, and whose turn it is."""

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.fairness import Line, payer, work_for


class PayerTests(SynchronousTestCase):
    """For whom a coroutine works."""

    def test_coroutines(self) -> None:
        """It is handed on to what a coroutine awaits and to what it starts, also later;
        never to whoever wakes it, nor back to who started it."""
        turn: Deferred[None] = Deferred()
        seen: dict[str, str] = {}

        async def look(name: str) -> None:
            await turn
            seen[name] = payer()

        async def alice() -> None:
            work_for("alice", "192.0.2.1")
            Deferred.fromCoroutine(look("started"))
            await look("awaited")

        async def bob() -> None:
            work_for("bob", "192.0.2.2")
            turn.callback(None)
            seen["waker"] = payer()

        Deferred.fromCoroutine(alice())
        Deferred.fromCoroutine(bob())
        self.assertEqual(
            seen,
            {"started": "user alice", "awaited": "user alice", "waker": "user bob"},
        )
        self.assertEqual(payer(), "")

    def test_anonymous(self) -> None:
        """They are told apart by their addresses, and are nobody's namesakes."""

        async def of(principal: str, address: str) -> str:
            work_for(principal, address)
            return payer()

        payers = {
            self.successResultOf(Deferred.fromCoroutine(of(*who)))
            for who in (("", "10.0.0.1"), ("", "10.0.0.2"), ("10.0.0.1", "10.0.0.1"))
        }
        self.assertEqual(len(payers), 3)


def joined(line: Line[str], principal: str, one: str) -> None:
    """Wait, for that user."""

    async def join() -> None:
        work_for(principal, "")
        line.join(one)

    Deferred.fromCoroutine(join())


class LineTests(SynchronousTestCase):
    """Whose turn it is."""

    def test_who_leaves(self) -> None:
        """The others have their turns all the same; who has gone may leave again."""
        line: Line[str] = Line()
        for principal, one in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("c", "c1")):
            joined(line, principal, one)
        for one in ("b1", "a1", "b1"):
            line.leave(one)
        self.assertEqual(len(line), 2)
        self.assertEqual([line.pop() for _ in range(2)], ["a2", "c1"])
        self.assertFalse(line)

    def test_room(self) -> None:
        """It is made by who has most, and by no one who has no more than who comes."""
        line: Line[str] = Line()
        for principal, one in (("a", "a1"), ("a", "a2"), ("a", "a3"), ("b", "b1")):
            joined(line, principal, one)

        async def room(principal: str) -> str | None:
            work_for(principal, "")
            return line.room()

        def made(principal: str) -> str | None:
            return self.successResultOf(Deferred.fromCoroutine(room(principal)))

        self.assertIsNone(made("a"))
        self.assertEqual(made("c"), "a3")
        self.assertIsNone(made("b"))
        self.assertEqual(made("c"), "a2")
        self.assertIsNone(made("c"))
        self.assertEqual([line.pop() for _ in range(2)], ["a1", "b1"])
        self.assertEqual(len(line), 0)

    @given(st.lists(st.sampled_from("abcd"), max_size=60))
    def test_nobody_waits_long(self, payers: list[str]) -> None:
        """Between two turns of anybody who waits, nobody else has two; each payer's own
        go in order."""
        line: Line[str] = Line()
        for number, who in enumerate(payers):
            joined(line, who, f"{who}{number}")
        left = {who: payers.count(who) for who in set(payers)}
        order = [line.pop() for _ in payers]
        for who in left:
            own = [int(one[1:]) for one in order if one[0] == who]
            assert own == sorted(own)
            since: list[str] = []
            waiting = left[who]
            for one in order:
                if one[0] == who:
                    since, waiting = [], waiting - 1
                elif waiting:
                    assert one[0] not in since, (who, order)
                    since.append(one[0])
