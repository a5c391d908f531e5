"""A token realm: it gives tokens, and remembers for what."""

import base64
import json
from collections.abc import Callable, Sequence
from urllib.parse import parse_qs

from twisted.web.http import Request

from pullthrough.upstream.credentials import Login
from tests.support.personalities.hosts import reply


def pair_of(request: Request) -> tuple[str, str]:
    """The name and password of a Basic ``Authorization``; empty without."""
    header = request.getHeader("authorization") or ""
    if not header.startswith("Basic "):
        return "", ""
    name, _, password = base64.b64decode(header[6:]).decode().partition(":")
    return name, password


class Realm:
    """Tokens for whoever logs in, and anonymous ones.

    :param service: what must be asked for.
    :param login: the one account.
    :param may: whether an account may pull an image; for those that may not the token
        is as good, and has an empty access (distribution, "Token Authentication").
    :param fields: which of ``token``, ``access_token``, ``expires_in`` and
        ``issued_at`` the answer has.
    :ivar asked: the queries so far.
    """

    def __init__(
        self,
        service: str,
        login: Login,
        may: Callable[[str, str], bool],
        fields: Sequence[str] = ("token", "access_token", "expires_in", "issued_at"),
    ) -> None:
        self.service = service
        self.asked: list[dict[str, list[str]]] = []
        self._login = login
        self._may = may
        self._fields = fields
        self._tokens: dict[str, set[str]] = {}

    def grants(self, authorization: str, image: str) -> bool:
        """Whether a token opens an image."""
        granted = self._tokens.get(authorization.removeprefix("Bearer "), set())
        return f"repository:{image}:pull" in granted

    def knows(self, authorization: str) -> bool:
        """Whether it is a token of ours at all."""
        return authorization.removeprefix("Bearer ") in self._tokens

    def answer(self, request: Request) -> bytes:
        """Answer a request for a token."""
        if request.method != b"GET":
            # Clients that begin with OAuth2's POST take GET then.
            return reply(request, 404, b"404 page not found\n", "text/plain")
        query = parse_qs(request.uri.partition(b"?")[2].decode())
        self.asked.append(query)
        name, password = pair_of(request)
        if name and (name, password) != (self._login.username, self._login.password):
            body = b'{"details":"incorrect username or password"}'
            return reply(request, 401, body, "application/json")
        if query.get("service") != [self.service]:
            body = b'{"details":"unknown service"}'
            return reply(request, 400, body, "application/json")
        return self.give(request, query.get("scope", []), name)

    def give(self, request: Request, scopes: Sequence[str], name: str) -> bytes:
        """A token for those of the scopes that the account may have."""
        text = f"{self.service}.{len(self._tokens)}.token"
        self._tokens[text] = {
            scope for scope in scopes if self._may(scope.split(":")[1], name)
        }
        answer = {
            "token": text,
            "access_token": text,
            "expires_in": 300,
            "issued_at": "2026-01-01T00:00:00Z",
        }
        body = json.dumps({field: answer[field] for field in self._fields})
        return reply(request, 200, body.encode(), "application/json")
