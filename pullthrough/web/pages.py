"""Pages for people and monitoring on the main connector."""

import re
from collections.abc import Mapping

from pullthrough.errors import RegistryError, Unauthenticated
from pullthrough.interfaces import IAuthenticator
from pullthrough.spec.addresses import is_loopback
from pullthrough.values import Document, Inquiry
from pullthrough.web.exchange import IExchange
from pullthrough.web.failures import tell
from pullthrough.web.guard import BASIC_CHALLENGE, basic

#: No script, no frame, nothing from elsewhere (threats T13, T14).
_HEADERS = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "no-store"),
)

#: With one of these somebody else asks through a proxy, trusted or not.
_FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")

_PORT = re.compile(r":[0-9]*\Z")


class Pages:
    """Answers GET and HEAD of pages that are made anew for each request.

    Every user may see them, and without a password whoever sits at this machine: a
    request from a loopback address, to a loopback address or ``localhost``, and not
    through a proxy. What a browser there is made to ask by a stranger's page names
    another host. They stay out of the access log: those who ask are no clients.

    :param pages: by their paths.
    """

    def __init__(
        self,
        pages: Mapping[str, Document | Inquiry],
        authenticator: IAuthenticator,
    ) -> None:
        self._pages = pages
        self._authenticator = authenticator

    def __contains__(self, path: str) -> bool:
        return path in self._pages

    async def __call__(self, exchange: IExchange) -> None:
        """Answer one request; see :data:`Application`."""
        page = self._pages[exchange.head.path]
        if exchange.head.method not in ("GET", "HEAD"):
            exchange.answer(405, [("Allow", "GET, HEAD")])
            return
        try:
            if not (page.free or _local(exchange)):
                await basic(
                    exchange.head.get("authorization"),
                    self._authenticator,
                    exchange.seen.peer,
                )
        except RegistryError as error:
            told = tell(error)
            headers = [*told.headers]
            if isinstance(error, Unauthenticated):
                headers.append(BASIC_CHALLENGE)
            exchange.answer(told.status, headers, told.body)
            return
        if isinstance(page, Inquiry):
            status, content = await page.content()
        else:
            status, content = 200, page.content(exchange.seen)
        headers = [("Content-Type", page.content_type), *_HEADERS]
        exchange.answer(status, headers, content)


def _local(exchange: IExchange) -> bool:
    """Whether somebody at this machine asks, and nobody through it."""
    host = _PORT.sub("", exchange.seen.connector)
    ours = host.lower() == "localhost" or is_loopback(host)
    through = any(exchange.head.get(name) for name in _FORWARDED)
    return ours and is_loopback(exchange.seen.peer) and not through
