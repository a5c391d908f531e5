"""Refresh tokens: logins that outlive a token, a connection and a restart."""

import base64
import hashlib
from collections.abc import Callable, Mapping

from pullthrough.errors import Unauthenticated
from pullthrough.interfaces import ILoginStore
from pullthrough.values import LoginRecord

#: Seconds after which a login that nobody uses has ended.
UNUSED = 90 * 86400.0

#: Seconds for which a use need not be noted again.
NOTED = 3600.0


class Logins:
    """Hands out refresh tokens, and knows them again while the password is the same.

    :param users: bcrypt hashes by name, as they are now.
    :param random: so many random bytes.
    :param now: seconds since the epoch.
    """

    def __init__(
        self,
        store: ILoginStore,
        users: Mapping[str, bytes],
        random: Callable[[int], bytes],
        now: Callable[[], float],
    ) -> None:
        self._store = store
        self._users = users
        self._random = random
        self._now = now

    async def begin(self, principal: str, service: str) -> str:
        """A refresh token of 256 random bits.

        :raises Unauthenticated: when there is no such user.
        """
        raw = base64.urlsafe_b64encode(self._random(32)).rstrip(b"=")
        token = raw.decode("ascii")
        record = LoginRecord(
            _hash(token), principal, service, self._proof(principal), self._now()
        )
        await self._store.put_login(record)
        return token

    async def principal(self, token: str, service: str) -> str:
        """Whose token it is.

        :raises Unauthenticated: when it is unknown, of another service, ended, or the
            password has changed since (invariant I13).
        """
        record = await self._store.login(_hash(token))
        now = self._now()
        if (
            record is None
            or record.service != service
            or record.used_at < now - UNUSED
            or record.proof != self._proof(record.principal)
        ):
            raise Unauthenticated("the refresh token is unknown or has ended")
        if record.used_at < now - NOTED:
            noted = LoginRecord(
                record.token_hash, record.principal, service, record.proof, now
            )
            await self._store.put_login(noted)
        return record.principal

    def _proof(self, principal: str) -> str:
        entry = self._users.get(principal)
        if entry is None:
            raise Unauthenticated("there is no such user any more")
        return hashlib.sha256(b"refresh\0" + entry).hexdigest()


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
