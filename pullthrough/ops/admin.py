"""What the main connector shows to people and monitoring: status, metrics, health."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict

from twisted.web.template import Element, Tag, TagLoader, flattenString, tags

from pullthrough.ops.metrics import CONTENT_TYPE
from pullthrough.spec.forwarded import Seen
from pullthrough.values import Document, Inquiry, UpstreamState

#: Tells how it stands with each upstream.
States = Callable[[], Sequence[UpstreamState]]


def documents(
    metrics: Callable[[], bytes],
    states: States,
    clients: Callable[[str], str],
    ready: Callable[[], Awaitable[tuple[int, bytes]]],
) -> Mapping[str, Document | Inquiry]:
    """The pages by their paths. Nothing but health is for everybody.

    :param metrics: everything in the text format of Prometheus.
    :param clients: what clients need that reach us by that name.
    :param ready: finds out whether clients should be sent to us.
    """
    return {
        "/": Document("text/html; charset=utf-8", lambda seen: _page(states())),
        "/status": Document("application/json", lambda seen: _document(states())),
        "/metrics": Document(CONTENT_TYPE, lambda seen: metrics()),
        "/clients": Document(
            "text/plain; charset=utf-8", lambda seen: clients(_host(seen)).encode()
        ),
        "/health/live": Document("text/plain", lambda seen: b"live\n", free=True),
        "/health/ready": Inquiry("application/json", ready, free=True),
    }


def _host(seen: Seen) -> str:
    """The name by which a client has reached us, or an address without brackets."""
    return re.sub(r":[0-9]+$", "", seen.connector).strip("[]")


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
