"""How we log in at an upstream: not at all, by Basic, or with tokens of a realm.

A credential goes to the registry's own origin and to a realm that it may trust, and
nowhere else (threat T3).
"""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlencode

from pullthrough.spec.challenge import Challenge
from pullthrough.spec.origins import Origin, is_visible, trusts_realm
from pullthrough.waiters import Flights

#: Seconds that a token is taken to live when the realm does not say (distribution,
#: "Token Authentication": "defaults to 60 seconds"), and by which it is renewed early.
LIFETIME = 60.0
EARLY = 10.0

#: Longest life of a token that is believed, in seconds.
LONGEST = 86400.0

#: Largest answer of a realm, in bytes.
LARGEST_ANSWER = 64 * 1024


def basic(username: str, password: str) -> str:
    """A Basic ``Authorization`` (RFC 7617)."""
    pair = f"{username}:{password}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and until when it is used (seconds, of the clock that was given)."""

    text: str = field(repr=False)
    until: float


@dataclass(frozen=True, slots=True)
class Login:
    """What was configured."""

    username: str = ""
    password: str = field(default="", repr=False)
    bearer_token: str = field(default="", repr=False)


class RealmError(ValueError):
    """A realm that cannot be asked, or whose answer cannot be used."""


def realm_url(challenge: Challenge, scope: str, username: str) -> str:
    """The URL that gives a token for ``scope``.

    :param username: who asks; empty: the realm is not told.
    :raises RealmError: when the challenge names no usable realm.
    """
    realm = challenge.parameters.get("realm", "")
    try:
        Origin.of(realm)
    except ValueError:
        raise RealmError("the token realm is no URL") from None
    if not is_visible(realm):
        raise RealmError("the token realm is no URL")
    asked = {"scope": scope}
    service = challenge.parameters.get("service")
    if service:
        asked["service"] = service
    if username:
        asked["account"] = username
    realm, _, _ = realm.partition("#")  # which never reaches a server
    joint = "&" if "?" in realm else "?"
    return f"{realm}{joint}{urlencode(asked)}"


def may_log_in(remote: Origin, url: str) -> bool:
    """Whether the realm at ``url`` may have our credentials."""
    return trusts_realm(remote, Origin.of(url))


def read_token(body: bytes, now: float) -> Token:
    """The token in a realm's answer.

    :raises RealmError: when there is none.
    """
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise RealmError("the token realm does not answer in JSON") from None
    if not isinstance(answer, dict):
        raise RealmError("the token realm's answer has no token")
    text = answer.get("token") or answer.get("access_token")
    if not isinstance(text, str) or not is_visible(text) or not text:
        raise RealmError("the token realm's answer has no token")
    lives = answer.get("expires_in")
    if not isinstance(lives, int | float) or isinstance(lives, bool) or not lives > 0:
        lives = LIFETIME
    lives = min(lives, LONGEST)  # JSON's numbers may have hundreds of digits
    return Token(text, now + max(lives - EARLY, lives / 2))


class Logins:
    """The ``Authorization`` for each scope of one upstream, renewed in time.

    :param ask: asks a realm: URL and ``Authorization`` (may be empty) to its body.
    :param now: seconds.
    """

    def __init__(
        self,
        remote: Origin,
        login: Login,
        ask: Callable[[str, str], Awaitable[bytes]],
        now: Callable[[], float],
    ) -> None:
        self._remote = remote
        self._login = login
        self._ask = ask
        self._now = now
        self._tokens: dict[str, Token] = {}
        self._basic = False
        self._flights: Flights[str, str] = Flights()

    def known(self, scope: str) -> str:
        """What to send before being asked; empty: nothing."""
        if self._login.bearer_token:
            return f"Bearer {self._login.bearer_token}"
        if self._basic:
            return basic(self._login.username, self._login.password)
        token = self._tokens.get(scope)
        if token is not None and token.until > self._now():
            return f"Bearer {token.text}"
        return ""

    async def answer(
        self, challenges: tuple[Challenge, ...], scope: str, sent: str
    ) -> str:
        """What to send after a 401; empty: nothing helps.

        :param sent: the ``Authorization`` that was not enough.
        :raises RealmError: when the realm's answer cannot be used.
        """
        if self._login.bearer_token:
            return ""
        known = self.known(scope)
        if known and known != sent:
            return known  # somebody else has logged in meanwhile
        for challenge in challenges:
            if challenge.scheme == "bearer":
                asked = partial(self._fresh_token, challenge, scope)
                return await self._flights.join(scope, asked)
        for challenge in challenges:
            if challenge.scheme == "basic" and self._login.username and not known:
                self._basic = True
                return self.known(scope)
        return ""

    async def _fresh_token(self, challenge: Challenge, scope: str) -> str:
        url = realm_url(challenge, scope, "")
        authorization = ""
        if self._login.username and may_log_in(self._remote, url):
            url = realm_url(challenge, scope, self._login.username)
            authorization = basic(self._login.username, self._login.password)
        body = await self._ask(url, authorization)
        token = read_token(body, self._now())
        if len(self._tokens) >= 10_000:
            self._tokens.clear()
        self._tokens[scope] = token
        return f"Bearer {token.text}"
