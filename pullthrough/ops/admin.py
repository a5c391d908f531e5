"""The admin connector: health, metrics and status, on Twisted's own web server."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict

from twisted.internet.interfaces import IAddress, IProtocol
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site
from twisted.web.template import Element, Tag, TagLoader, flattenString, tags
from zope.interface import implementer

from pullthrough.interfaces import IListener
from pullthrough.ops.metrics import CONTENT_TYPE
from pullthrough.values import UpstreamState

#: Tells how it stands with each upstream.
States = Callable[[], Sequence[UpstreamState]]

#: No script, no frame, nothing from elsewhere (threats T13, T14).
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


@implementer(IListener)
class AdminListener:
    """Lets Twisted's web server be ended as our own connections are.

    Its answers are short: they are not waited for.
    """

    noisy = False

    def __init__(self, site: Site) -> None:
        self._site = site

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """See :meth:`IProtocolFactory.buildProtocol`."""
        protocol: IProtocol = self._site.buildProtocol(addr)
        return protocol

    def doStart(self) -> None:
        """See :meth:`IProtocolFactory.doStart`."""

    def doStop(self) -> None:
        """See :meth:`IProtocolFactory.doStop`."""

    async def drain(self) -> None:
        """See :meth:`IListener.drain`."""

    def abort_all(self) -> None:
        """See :meth:`IListener.abort_all`."""


def admin_site(metrics: Callable[[], bytes], states: States) -> Site:
    """What answers on the admin connector.

    :param metrics: everything in the text format of Prometheus.
    """
    root = _Page("text/html; charset=utf-8", lambda: _page(states()))
    root.putChild(b"", root)
    root.putChild(b"metrics", _Page(CONTENT_TYPE, metrics))
    root.putChild(b"status", _Page("application/json", lambda: _document(states())))
    health = _Page("text/plain", lambda: b"live\n")
    health.putChild(b"live", health)
    root.putChild(b"health", health)
    site = Site(root, parsePOSTFormSubmission=False)
    site.noisy = False
    site.displayTracebacks = False
    # Its requests are no clients': they stay out of the logs.
    site.log = lambda request: None  # type: ignore[method-assign]
    return site


class _Page(Resource):
    """Text that is made anew for each request; GET and HEAD only."""

    def __init__(self, content_type: str, content: Callable[[], bytes]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._content_type = content_type
        self._content = content

    def render_GET(self, request: Request) -> bytes:
        """See :class:`Resource`."""
        request.setHeader("Content-Type", self._content_type)
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        return self._content()


def _document(states: Sequence[UpstreamState]) -> bytes:
    return json.dumps({"upstreams": [asdict(state) for state in states]}).encode()


def _page(states: Sequence[UpstreamState]) -> bytes:
    head = ("upstream", "state", "budget")
    table = tags.table(
        tags.tr(*(tags.th(text) for text in head)),
        *(tags.tr(*(tags.td(text) for text in _row(state))) for state in states),
    )
    page = tags.html(
        tags.head(tags.title("pullthrough")),
        tags.body(tags.h1("pullthrough"), tags.h2("Upstreams"), table),
        lang="en",
    )
    return _flat(page)


def _row(state: UpstreamState) -> tuple[str, str, str]:
    standing = "up"
    if state.limited_for:
        standing = f"limits us for another {state.limited_for:.0f} s"
    if state.breaker != "closed":
        standing = f"{state.breaker}, next attempt in {state.blocked_for:.0f} s"
    budget = ""
    if state.remaining is not None:
        budget = f"{state.remaining} of {state.limit}"
    return state.name, standing, budget


def _flat(page: Tag) -> bytes:
    """The bytes of a page that waits for nothing."""
    done: list[bytes] = []
    flattenString(None, Element(TagLoader(page))).addCallback(done.append)
    return b"<!DOCTYPE html>\n" + done[0]
