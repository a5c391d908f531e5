"""A request without a wire: what a site is asked, and what it answered."""

import base64
import json
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from pullthrough.errors import TooLarge
from pullthrough.interfaces import IContent
from pullthrough.spec.forwarded import Seen
from pullthrough.web.exchange import Disconnected, Headers, IExchange
from pullthrough.web.head import Head
from pullthrough.web.kept import Standing


@implementer(IExchange)
class FakeExchange:
    """One request.

    :param cut: the client leaves after so many bytes of the body.
    """

    def __init__(
        self,
        method: str,
        target: str,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        user: str = "",
        cut: int | None = None,
        secure: bool = False,
        forwarded: bool = False,
        certificate: str = "",
    ) -> None:
        given = {name.lower(): value for name, value in (headers or {}).items()}
        if user:
            pair = base64.b64encode(f"{user}:pw-{user}".encode()).decode()
            given["authorization"] = f"Basic {pair}"
        parts = urlsplit(target)
        fields = {name: (value,) for name, value in given.items()}
        self.head = Head(method, parts.path, parts.query, fields, len(body))
        self.seen = Seen("192.0.2.7", secure, "registry.test:5000", forwarded)
        self.certificate = certificate
        self.status = 0
        self.headers: dict[str, str] = {}
        self.sent = b""
        self._body = body
        self._cut = cut
        self.standing: Standing | None = None

    def stands(self, standing: Standing) -> None:
        """See :meth:`IExchange.stands`."""
        self.standing = standing

    @property
    def error(self) -> str:
        """The code of the error that was answered."""
        return str(self.json()["errors"][0]["code"])

    def json(self) -> Any:
        """What was answered, read as JSON."""
        return json.loads(self.sent)

    def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Keep it."""
        assert not self.status, "answered twice"
        self.status, self.headers = status, dict(headers)
        self.all_headers = list(headers)
        self.sent = b"" if self.head.method == "HEAD" else body

    async def stream(
        self, status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """Keep it all."""
        offset, pieces = start, []
        while offset < end:
            limit = await content.available(offset)
            piece = await content.read(offset, min(limit, end) - offset)
            pieces.append(piece)
            offset += len(piece)
        self.answer(status, headers, b"".join(pieces))

    async def read(self, limit: int) -> bytes:
        """The body, within the limit."""
        if len(self._body) > limit:
            raise TooLarge("too large")
        return self._body

    async def deliver(self, consumer: IConsumer) -> int:
        """The body, or what of it came."""
        if self._cut is not None:
            consumer.write(self._body[: self._cut])
            raise Disconnected
        consumer.write(self._body)
        return len(self._body)


def run(application: Any, exchange: FakeExchange) -> FakeExchange:
    """Let a site answer a request, at once."""
    failures: list[Any] = []
    done: Deferred[None] = Deferred.fromCoroutine(application(exchange))
    done.addErrback(failures.append)
    for failure in failures:
        failure.raiseException()
    assert done.called
    return exchange
