"""One call of the registry API: the exchange, and what is told of it afterwards."""

from pullthrough.interfaces import IContent
from pullthrough.spec.provenance import Provenance
from pullthrough.values import Identity
from pullthrough.web.exchange import Headers, IExchange

#: On every v2 answer; older clients look for it.
API_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")


class Call:
    """An exchange with what was found out about it.

    :ivar allowed: the methods that this endpoint takes.
    :ivar provenance: which member answered, once that is known.
    :ivar status: what was answered; 0 before.
    """

    def __init__(self, exchange: IExchange) -> None:
        self.exchange = exchange
        self.head = exchange.head
        self.method = exchange.head.method
        self.parameters: dict[str, list[str]] = {}
        self.identity = Identity()
        self.provenance: Provenance | None = None
        self.allowed: frozenset[str] = frozenset()
        self.status = 0
        self.sent = 0

    def parameter(self, name: str) -> str:
        """The first value of a query parameter; empty when it is not there."""
        return self.parameters.get(name, [""])[0]

    def url(self, path: str) -> str:
        """Where a path of ours is for the client: absolute behind a trusted reverse
        proxy that tells how it is reached, else relative."""
        seen = self.exchange.seen
        return f"{seen.base}{path}" if seen.forwarded else path

    def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """See :meth:`IExchange.answer`."""
        self.status = status
        self.sent = 0 if self.method == "HEAD" else len(body)
        self.exchange.answer(status, [API_VERSION, *headers], body)

    async def stream(
        self, status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """See :meth:`IExchange.stream`."""
        await self.exchange.stream(status, [API_VERSION, *headers], content, start, end)
        self.status = status
        self.sent = end - start
