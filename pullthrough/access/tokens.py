"""Bearer tokens: random, opaque, kept only as hashes."""

import base64
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from pullthrough.errors import Unauthenticated
from pullthrough.spec.tokens import Access
from pullthrough.values import Identity

#: Seconds for which a token is good.
LIFETIME = 300

#: Most tokens kept; beyond that the oldest is forgotten.
MOST = 100_000


@dataclass(frozen=True, slots=True)
class _Grant:
    identity: Identity
    service: str
    expires: float


class Tokens:
    """Hands out tokens and knows them again, until they expire.

    :param random: so many random bytes.
    """

    lifetime = LIFETIME

    def __init__(self, clock: IReactorTime, random: Callable[[int], bytes]) -> None:
        self._clock = clock
        self._random = random
        self._grants: OrderedDict[bytes, _Grant] = OrderedDict()

    def grant(self, principal: str, service: str, access: tuple[Access, ...]) -> str:
        """A fresh token of 256 random bits."""
        token = base64.urlsafe_b64encode(self._random(32)).rstrip(b"=").decode("ascii")
        now = self._clock.seconds()
        expires = now + LIFETIME
        identity = Identity(principal, access, expires)
        self._grants[_hash(token)] = _Grant(identity, service, expires)
        # All live equally long, so the oldest stand in front.
        while len(self._grants) > MOST or self._oldest().expires <= now:
            self._grants.popitem(last=False)
        return token

    def _oldest(self) -> _Grant:
        return next(iter(self._grants.values()))

    def revoke(self, principal: str) -> None:
        """None of the principal's tokens is good any more."""
        for key, grant in tuple(self._grants.items()):
            if grant.identity.principal == principal:
                del self._grants[key]

    def identity(self, token: str, service: str) -> Identity:
        """Whose token it is, and for what.

        :raises Unauthenticated: unknown, expired, or for another service.
        """
        grant = self._grants.get(_hash(token))
        if (
            grant is None
            or grant.expires <= self._clock.seconds()
            or grant.service != service
        ):
            raise Unauthenticated("the token is unknown or has expired")
        return grant.identity


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
