"""How many blobs may be on their way at once, out and in: for a client and a user."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twisted.internet.interfaces import IReactorTime

from pullthrough.allowance import Allowance
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.web.call import Call
from pullthrough.web.large import Large

#: Transfers at once of one user, or anonymous, from one address; and of one user from
#: everywhere: a cluster may share one user, and come all at once.
PER_CLIENT = 64
PER_USER = 1024

_NOBODY = TrustedProxies()


class Transfers:
    """Shared by all sites, so that one client cannot take them all.

    :ivar large: turns for large documents.
    :ivar exempt: reverse proxies. Where one does not tell its client, nothing is
        counted by address.
    """

    def __init__(self, clock: IReactorTime) -> None:
        self._clients: Allowance[tuple[str, str]] = Allowance(
            PER_CLIENT, clock, "transfers of one client"
        )
        self._users: Allowance[str] = Allowance(
            PER_USER, clock, "transfers of one user"
        )
        self.exempt = _NOBODY
        self.large = Large(clock)
        self.count = 0

    def limit(self, per_client: int, per_user: int, exempt: TrustedProxies) -> None:
        """Other limits from now on; what is under way goes on."""
        self._clients.most, self._users.most = per_client, per_user
        self.exempt = exempt

    @property
    def waiting(self) -> int:
        """How many wait."""
        return self._clients.waiting + self._users.waiting

    @property
    def oldest(self) -> float:
        """For how many seconds the one has waited that has waited longest."""
        return max(self._clients.oldest, self._users.oldest)

    @property
    def refused(self) -> int:
        """How many have waited in vain."""
        return self._clients.refused + self._users.refused

    @asynccontextmanager
    async def one(self, call: Call) -> AsyncIterator[None]:
        """A blob goes out, or a body comes in, meanwhile.

        :raises Throttled: when there were too many for too long.
        """
        user, address = call.identity.principal, call.exchange.seen.peer
        client = (user, address)
        counted = address not in self.exempt
        if counted:
            await self._clients.take(client)
        try:
            if user:
                await self._users.take(user)
            self.count += 1
            try:
                yield
            finally:
                self.count -= 1
                if user:
                    self._users.give_back(user)
        finally:
            if counted:
                self._clients.give_back(client)
