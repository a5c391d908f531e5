"""Who may no longer ask is refused from the reload on, whatever is kept (I13)."""

from typing import Any

from twisted.internet.defer import Deferred

from pullthrough.access.roles import RolePolicy
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.spec.rights import Right, Role
from pullthrough.web.listener import Listener
from tests.support.exactly import HOST, login, status_of
from tests.support.main import MainCase
from tests.support.wire import Wire

MANIFEST = "/v2/own/team/app/manifests/v1"


class RevokedTests(MainCase):
    """One connection that stays open, on which the same is asked again and again."""

    def setUp(self) -> None:
        super().setUp()
        self.made = self.push("/v2/own/team/app")
        self.listener = Listener(self.main, self.house.clock)
        protocol: Any = self.listener.buildProtocol(None)  # type: ignore[arg-type]
        self.wire = Wire(protocol)
        self.addCleanup(self.wire.leave)

    def asked(self, headers: dict[str, str], method: str = "GET") -> int:
        """The status of a request for the manifest; 0: there is no answer yet."""
        lines = [f"{method} {MANIFEST} HTTP/1.1", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.wire.receive("\r\n".join([*lines, "", ""]).encode())
        return self.answered()

    def answered(self) -> int:
        """The status of what has come; 0: nothing has."""
        found = self.wire.take()
        return status_of(found) if found else 0

    def only(self, *users: str) -> None:
        """Reload: from now on these have all rights, and nobody else has any."""
        self.policy = RolePolicy(
            True, [Role("r", frozenset(users), frozenset(Right))] if users else []
        )
        self.main = self.make()
        self.listener.adopt(self.main, TrustedProxies())

    def bearer_of_alice(self) -> dict[str, str]:
        """A token."""
        token = self.token("repository:own/team/app:pull")
        return {"Authorization": f"Bearer {token}"}

    def test_what_was_answered_before(self) -> None:
        """The very same request, by password and by token, is refused after a reload;
        and what others ask is answered."""
        for how in ("password", "token", "anonymous"):
            self.only("alice", "bob", "anonymous")
            headers = {}
            if how == "password":
                headers = login("alice")
            elif how == "token":
                headers = self.bearer_of_alice()
            for _ in range(3):
                self.assertEqual(self.asked(headers), 200)
                self.assertEqual(self.asked(headers, "HEAD"), 200)
            self.only("bob")
            for method in ("GET", "HEAD"):
                self.assertIn(self.asked(headers, method), (401, 403))
            self.assertEqual(self.asked(login("bob")), 200)

    def test_what_is_under_way(self) -> None:
        """An answer that was begun before the reload ends as it began, and is the
        last."""
        gate: Deferred[None] = Deferred()
        real = self.own.manifest

        async def slow(*arguments: Any) -> Any:
            await gate
            return await real(*arguments)

        self.own.manifest = slow  # type: ignore[method-assign]
        self.assertEqual(self.asked(login("alice")), 0)
        self.only("bob")
        gate.callback(None)
        self.assertEqual(self.answered(), 200)
        self.own.manifest = real  # type: ignore[method-assign]
        self.assertEqual(self.asked(login("alice")), 403)

    def test_a_token_that_ends(self) -> None:
        """Its time is over in the middle of a connection, too."""
        headers = self.bearer_of_alice()
        self.assertEqual(self.asked(headers), 200)
        # A connection on which nothing is asked for a minute is closed.
        for _ in range(5):
            self.house.clock.advance(50)
            self.assertEqual(self.asked(headers), 200)
        self.house.clock.advance(50)
        self.assertEqual(self.asked(headers), 401)
