"""One call of the registry API: the exchange, and what is told of it afterwards."""

from collections.abc import Callable
from urllib.parse import quote

from pullthrough.audit import Audit, AuditEvent, unheard
from pullthrough.interfaces import IContent
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.ways import ROOT, Way
from pullthrough.values import Identity
from pullthrough.web.exchange import Headers, IExchange
from pullthrough.web.kept import EXPLAIN, Kept

#: On every v2 answer; older clients look for it.
API_VERSION = ("Docker-Distribution-Api-Version", "registry/2.0")


#: Keeps an answer: its headers, its body, and where it came from.
Keep = Callable[[Headers, bytes, Provenance], Kept]


class Call:
    """An exchange with what was found out about it.

    :param way: how it came here, and how its client comes back.
    :param repository: the name of what serves it, for the audit.
    :ivar path: what is asked for, as on a connector of the repository's own.
    :ivar allowed: the methods that this endpoint takes.
    :ivar refresh_token: by which the client has logged in; empty: by none.
    :ivar namespace: the registry of which it is answered, as the client calls it;
        empty: of everything here.
    :ivar provenance: which member answered, once that is known.
    :ivar keep: keeps the answer 200, where that may be asked for again.
    :ivar kept: the answer, if it is kept.
    :ivar status: what was answered; 0 before.
    """

    def __init__(
        self,
        exchange: IExchange,
        way: Way = ROOT,
        audit: Audit = unheard,
        repository: str = "",
    ) -> None:
        self._audit = audit
        self._repository = repository
        self.exchange = exchange
        self.way = way
        self.head = exchange.head
        self.method = exchange.head.method
        self.path = way.inner(exchange.head.path)
        self.parameters: dict[str, list[str]] = {}
        self.identity = Identity()
        self.refresh_token = ""
        self.namespace = ""
        self.provenance: Provenance | None = None
        self.allowed: frozenset[str] = frozenset()
        self.keep: Keep | None = None
        self.kept: Kept | None = None
        self.status = 0
        self.sent = 0

    def parameter(self, name: str) -> str:
        """The first value of a query parameter; empty when it is not there."""
        return self.parameters.get(name, [""])[0]

    def outer(self, path: str) -> str:
        """A path of ours, perhaps with parameters, for a client who comes back the same
        way: below the same path, and of the same registry."""
        path = self.way.outer(path)
        if self.namespace:
            mark = "&" if "?" in path else "?"
            path += f"{mark}ns={quote(self.namespace, safe='')}"
        return path

    def url(self, path: str) -> str:
        """The same as a URL: absolute behind a trusted reverse proxy that tells how it
        is reached, else relative."""
        seen = self.exchange.seen
        return f"{seen.base if seen.forwarded else ''}{self.outer(path)}"

    def changed(
        self,
        action: str,
        image: object = "",
        reference: object = "",
        digest: object = "",
    ) -> None:
        """Keep that this call has changed something, before it is answered."""
        self._keep(action, "done", self.identity.principal, image, reference, digest)

    def not_logged_in(self, username: str, why: str) -> None:
        """Keep that somebody has tried in vain to log in."""
        self._keep("login", why, username, "", "", "")

    def _keep(
        self,
        action: str,
        outcome: str,
        principal: str,
        image: object,
        reference: object,
        digest: object,
    ) -> None:
        self._audit(
            AuditEvent(
                action=action,
                outcome=outcome,
                principal=principal,
                address=self.exchange.seen.peer,
                repository=self._repository,
                image=str(image),
                reference=str(reference),
                digest=str(digest),
            )
        )

    def answer(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """See :meth:`IExchange.answer`."""
        headers = [*self._told(), *headers]
        if self.method == "HEAD":
            body = b""
        if status == 200 and self.keep and self.provenance and self.provenance.until:
            self.kept = self.keep(headers, body, self.provenance)
        self.status = status
        self.sent = len(body)
        self.exchange.answer(status, headers, body)

    def answer_kept(self, kept: Kept) -> None:
        """Answer as it was answered before."""
        self.kept, self.provenance = kept, kept.provenance
        self.status, self.sent = 200, kept.length
        self.exchange.answer(200, kept.headers, kept.body())

    async def stream(
        self, status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """See :meth:`IExchange.stream`."""
        headers = [*self._told(), *headers]
        await self.exchange.stream(status, headers, content, start, end)
        self.status = status
        self.sent = end - start

    def _told(self) -> Headers:
        """What every answer says; who answered is told to users only."""
        told = [API_VERSION]
        if self.namespace:
            told.append(("OCI-Namespace", self.namespace))
        came_from = self.provenance
        wanted = self.identity.principal and self.head.get(EXPLAIN) == "1"
        if came_from is not None and wanted:
            told.append(("X-Pullthrough-Member", came_from.member))
            told.append(("X-Pullthrough-Source", came_from.source.value))
        return told
