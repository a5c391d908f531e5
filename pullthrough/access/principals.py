"""Names and passwords, verified off the reactor and remembered for a minute."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

import bcrypt
from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from pullthrough.access.htpasswd import verify
from pullthrough.access.logins import Logins
from pullthrough.access.throttle import Throttle
from pullthrough.access.tokens import Tokens
from pullthrough.errors import Unauthenticated
from pullthrough.interfaces import IAuthenticator
from pullthrough.spec.tokens import Access
from pullthrough.threads import IThreads
from pullthrough.values import Identity

#: Seconds for which a password, right or wrong, need not be verified again.
REMEMBERED = 60.0

#: Most passwords remembered.
MOST_REMEMBERED = 10_000


@implementer(IAuthenticator)
class Authenticator:
    """Verifies the users of an htpasswd file, and hands out tokens.

    :param users: bcrypt hashes by name.
    :param threads: where bcrypt runs; few, so that guessing is slow.
    :param random: so many random bytes.
    :param logins: refresh tokens.
    :param throttle: rations failures; outlives the users.
    """

    def __init__(
        self,
        users: Mapping[str, bytes],
        tokens: Tokens,
        threads: IThreads,
        clock: IReactorTime,
        random: Callable[[int], bytes],
        logins: Logins,
        throttle: Throttle,
    ) -> None:
        self._users = dict(users)
        self._logins = logins
        self._throttle = throttle
        self._tokens = tokens
        self._threads = threads
        self._clock = clock
        self._key = random(32)
        self._remembered: OrderedDict[bytes, tuple[bool, float]] = OrderedDict()
        # An unknown user costs what a known one does, so time tells no names.
        costs = [int(hashed[4:6]) for hashed in self._users.values()]
        self._nobody = bcrypt.hashpw(b"", bcrypt.gensalt(max(costs, default=10)))
        self.lifetime = tokens.lifetime

    async def password(
        self, username: str, password: str, address: str = ""
    ) -> Identity:
        """See :meth:`IAuthenticator.password`."""
        hashed = self._users.get(username)
        mark = self._mark(username, password, hashed or b"")
        known = self._remembered.get(mark)
        if known is None or known[1] <= self._clock.seconds():
            self._throttle.admit(username, address)
            self._threads.admit()
            right = await self._threads.run(verify, password, hashed or self._nobody)
            right = right and hashed is not None
            if not right:
                self._throttle.failed(username, address)
            known = self._remember(mark, right)
        if not known[0]:
            raise Unauthenticated("the user name or the password is wrong")
        return Identity(username, until=known[1])

    def _mark(self, username: str, password: str, hashed: bytes) -> bytes:
        parts = (username.encode("utf-8", "surrogatepass"), hashed)
        made = hmac.new(self._key, b"\0".join(parts), hashlib.sha256)
        made.update(b"\0" + password.encode("utf-8", "surrogatepass"))
        return made.digest()

    def _remember(self, mark: bytes, right: bool) -> tuple[bool, float]:
        """Keep in mind whether it was right. A wrong one, too: a machine that still
        has an old password is no guesser, and must not shut its user out."""
        self._remembered.pop(mark, None)
        known = right, self._clock.seconds() + REMEMBERED
        self._remembered[mark] = known
        if len(self._remembered) > MOST_REMEMBERED:
            self._remembered.popitem(last=False)
        return known

    def token(self, token: str, service: str) -> Identity:
        """See :meth:`IAuthenticator.token`."""
        return self._tokens.identity(token, service)

    def grant(self, identity: Identity, service: str, access: Sequence[Access]) -> str:
        """See :meth:`IAuthenticator.grant`."""
        return self._tokens.grant(identity.principal, service, tuple(access))

    async def begin_login(self, identity: Identity, service: str) -> str:
        """See :meth:`IAuthenticator.begin_login`."""
        return await self._logins.begin(identity.principal, service)

    async def login(self, refresh_token: str, service: str) -> Identity:
        """See :meth:`IAuthenticator.login`."""
        return Identity(await self._logins.principal(refresh_token, service))
