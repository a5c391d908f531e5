"""What the connection hands to the application: one request and its answer.

The connection (``web/connection.py``) provides it; the site (``web/site.py``)
uses it. Neither knows more of the other.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from twisted.internet.interfaces import IConsumer
from zope.interface import Attribute, Interface

from pullthrough.interfaces import IContent
from pullthrough.spec.forwarded import Seen
from pullthrough.web.head import Head

#: Response headers in the order in which they are sent; names as they go out.
Headers = Sequence[tuple[str, str]]

if TYPE_CHECKING:
    from pullthrough.web.kept import Standing


class IExchange(Interface):
    """One request, and the one answer that it gets.

    Exactly one of *answer* and *stream* is called. If the application returns or
    raises without either, the connection answers 500 itself and closes.
    """

    head: Head = Attribute("method, path, query and headers, already strict")
    seen: Seen = Attribute("who asks, and which scheme and host it sees")
    certificate: str = Attribute(
        "the name (CN) in the client's certificate, verified; empty without one"
    )

    def answer(status: int, headers: Headers, body: bytes = b"") -> None:
        """Send a whole answer. ``Content-Length`` is added, HEAD sends no body
        (give the ``Content-Length`` in ``headers`` when it is not len(body)).

        A request body that was not read is dropped: up to 64 KiB are read away to
        keep the connection, else it is closed after the answer.
        """

    def stands(standing: "Standing") -> None:
        """The same head gets this answer as long as it is good, whoever sends it from
        wherever."""

    async def stream(
        status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """Send bytes ``start`` to ``end`` (exclusive) of ``content``, paced by the
        client. ``Content-Length`` is added. The caller closes the content.

        Nothing is sent before the first byte is available, so an error then
        propagates and can still be answered otherwise. A later error, or a client
        that leaves or reads too slowly, cuts the connection; it then raises
        :exc:`Disconnected`.
        """

    async def read(limit: int) -> bytes:
        """The whole request body.

        :raises TooLarge: when it has more than ``limit`` bytes.
        :raises Disconnected: when the client leaves before its end.
        """

    async def deliver(consumer: IConsumer) -> int:
        """Stream the request body into ``consumer``, which paces it by pause and
        resume (a push producer is registered and unregistered). What it is given may
        be memoryviews, where that spares a copy.

        Like *read*, its first use sends ``100 Continue`` where it was asked for.

        :returns: the number of bytes.
        :raises Disconnected: when the client leaves before its end, sends too
            slowly, or breaks the framing. What came so far was written.
        """


class Disconnected(Exception):
    """The client left, or was cut off; there is nobody to answer."""


#: The application: called once per request, at the end of its head.
Application = Callable[[IExchange], Awaitable[None]]
