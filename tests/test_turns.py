"""A number of turns, and those who wait for one."""

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Overload
from pullthrough.fairness import work_for
from pullthrough.turns import Turns


class TurnsTests(SynchronousTestCase):
    """Turns."""

    def setUp(self) -> None:
        self.clock = Clock()

    def take(self, turns: Turns) -> "Deferred[None]":
        """Ask for a turn."""
        return Deferred.fromCoroutine(turns.take())

    def test_in_line(self) -> None:
        """So many at once; the others one after the other, in the order they came."""
        turns = Turns("hub", 2, self.clock, 60.0)
        for _ in range(2):
            self.successResultOf(self.take(turns))
        third, fourth = self.take(turns), self.take(turns)
        self.assertNoResult(third)
        turns.release()
        self.successResultOf(third)
        self.assertNoResult(fourth)
        turns.release()
        self.successResultOf(fourth)
        turns.release()
        turns.release()
        for _ in range(2):
            self.successResultOf(self.take(turns))
        self.assertNoResult(self.take(turns))

    def test_who_leaves_the_line(self) -> None:
        """The turn goes to the next one, and is not lost."""
        turns = Turns("hub", 1, self.clock, 60.0)
        self.successResultOf(self.take(turns))
        leaving, staying = self.take(turns), self.take(turns)
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        turns.release()
        self.successResultOf(staying)
        turns.release()
        self.successResultOf(self.take(turns))

    def test_too_many_wait(self) -> None:
        """It is refused at once, and says why."""
        turns = Turns("hub.test:443", 1, self.clock, 60.0, queue=2)
        taken = [self.take(turns) for _ in range(3)]
        failure = self.failureResultOf(self.take(turns), Overload)
        self.assertIn("hub.test:443", failure.value.detail)
        self.assertEqual((turns.used, turns.waiting, turns.refused), (1, 2, 1))
        self.successResultOf(taken[0])

    def test_it_takes_too_long(self) -> None:
        """Refused as well, and out of the line; nothing ticks afterwards."""
        turns = Turns("hub", 1, self.clock, 60.0)
        self.successResultOf(self.take(turns))
        early = self.take(turns)
        self.clock.advance(59)
        late = self.take(turns)
        self.clock.advance(1)
        self.failureResultOf(early, Overload)
        turns.release()
        self.successResultOf(late)
        self.assertEqual((turns.used, turns.waiting, turns.refused), (1, 0, 1))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_in_turn(self) -> None:
        """Who wants one thing waits behind one thing of each other, not behind all."""
        turns = Turns("hub", 1, self.clock, 60.0)
        served: list[str] = []

        async def work(name: str, principal: str, address: str = "") -> None:
            work_for(principal, address)
            await turns.take()
            served.append(name)

        def want(name: str, principal: str, address: str = "") -> None:
            Deferred.fromCoroutine(work(name, principal, address))

        for number in range(200):
            want(f"alice {number}", "alice")
        want("bob", "bob")
        want("here", "", "192.0.2.1")
        want("there", "", "192.0.2.2")
        for _ in range(6):
            turns.release()
        first, *others = served
        self.assertEqual(first, "alice 0")
        self.assertEqual(
            others, ["alice 1", "bob", "here", "there", "alice 2", "alice 3"]
        )

    def test_a_full_line(self) -> None:
        """Who has most in it makes room for others; what they want is not refused."""
        turns = Turns("hub", 1, self.clock, 60.0, queue=4)

        def want(principal: str) -> "Deferred[None]":
            async def work() -> None:
                work_for(principal, "")
                await turns.take()

            return Deferred.fromCoroutine(work())

        greedy = [want("alice") for _ in range(5)]
        self.failureResultOf(want("alice"), Overload)
        other = want("bob")
        self.failureResultOf(greedy[-1], Overload)
        self.assertEqual((turns.waiting, turns.refused), (4, 2))
        turns.release()
        turns.release()
        self.successResultOf(other)
        self.successResultOf(greedy[1])
        self.assertNoResult(greedy[2])
        for _ in range(3):
            turns.release()
        self.assertEqual((turns.used, turns.waiting), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])
