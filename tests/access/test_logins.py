"""Refresh tokens."""

from collections.abc import Coroutine
from itertools import count
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.access.logins import NOTED, UNUSED, Logins
from pullthrough.errors import Unauthenticated
from pullthrough.metadata.memory import MemoryMetadataStore

T = TypeVar("T")


class LoginTests(SynchronousTestCase):
    """What a refresh token is good for."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000_000)
        self.store = MemoryMetadataStore()
        self.users = {"alice": b"$2b$04$one", "bob": b"$2b$04$two"}
        numbers = count(1)
        self.logins = Logins(
            self.store,
            self.users,
            lambda size: next(numbers).to_bytes(size),
            self.clock.seconds,
        )

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def refused(self, token: str, service: str = "own") -> None:
        """It proves nothing."""
        asking = Deferred.fromCoroutine(self.logins.principal(token, service))
        self.failureResultOf(asking, Unauthenticated)

    def test_known_again(self) -> None:
        """By the one service that it was made for; each is another one; only its hash
        is kept."""
        token = self.now(self.logins.begin("alice", "own"))
        other = self.now(self.logins.begin("alice", "own"))
        self.assertNotEqual(token, other)
        self.assertEqual(self.now(self.logins.principal(token, "own")), "alice")
        self.refused(token, "all")
        self.refused("x" + token)
        self.refused("\udcff")
        for record in self.store._logins.values():
            self.assertNotIn(token, repr(record))

    def test_a_changed_password(self) -> None:
        """It ends every login of that user, at once, and of nobody else (I13)."""
        alice = self.now(self.logins.begin("alice", "own"))
        bob = self.now(self.logins.begin("bob", "own"))
        self.users["alice"] = b"$2b$04$changed"
        self.refused(alice)
        del self.users["bob"]
        self.refused(bob)
        asking = Deferred.fromCoroutine(self.logins.begin("bob", "own"))
        self.failureResultOf(asking, Unauthenticated)

    def test_unused(self) -> None:
        """What nobody uses ends after 90 days; each use begins them anew."""
        used = self.now(self.logins.begin("alice", "own"))
        unused = self.now(self.logins.begin("alice", "own"))
        for _ in range(3):
            self.clock.advance(UNUSED / 2)
            self.assertEqual(self.now(self.logins.principal(used, "own")), "alice")
        self.refused(unused)
        self.clock.advance(NOTED / 2)
        before = next(iter(self.store._logins.values()))
        self.now(self.logins.principal(used, "own"))
        self.assertEqual(next(iter(self.store._logins.values())), before)
