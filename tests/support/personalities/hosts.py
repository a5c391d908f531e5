"""Hosts with the names of real ones, each on a loopback address of its own.

Only names that belong to a test lead anywhere: nothing is ever asked of a name server.
"""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import (
    IHostnameResolver,
    IHostResolution,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
)
from twisted.protocols.policies import WrappingFactory
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import Site
from zope.interface import implementer

from pullthrough.waiters import Waiters


@dataclass(frozen=True, slots=True)
class Seen:
    """What a host was asked."""

    method: str
    path: str
    query: str
    authorization: str


class _Connections(WrappingFactory):
    """The open connections of a site."""

    noisy = False

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.gone = Waiters()

    def unregisterProtocol(self, p: Any) -> None:
        """One has ended."""
        super().unregisterProtocol(p)
        self.gone.wake()


class Host(Resource):
    """One origin: it keeps what it was asked, and leaves the answer to a function.

    :ivar seen: every request so far.
    """

    isLeaf = True

    def __init__(self, name: str, answer: Callable[[Request], Any]) -> None:
        super().__init__()
        self.name = name
        self.url = ""
        self.address = ""
        self.seen: list[Seen] = []
        self._answer = answer
        self._connections = _Connections(Site(self))

    async def listen(self, address: str) -> Any:
        """Listen on a free port of that address; the port."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface=address)
        port = await endpoint.listen(self._connections)
        self.address = address
        self.url = f"http://{self.name}:{port.getHost().port}"
        return port

    async def close(self) -> None:
        """Wait until every client has let go of its connection."""
        await self._connections.gone.until(lambda: not self._connections.protocols)

    def render(self, request: Request) -> Any:
        """Answer."""
        request.defaultContentType = None
        path, _, query = request.uri.decode().partition("?")
        authorization = request.getHeader("authorization") or ""
        self.seen.append(Seen(request.method.decode(), path, query, authorization))
        return self._answer(request)

    @property
    def authorizations(self) -> set[str]:
        """Each ``Authorization`` that it has seen."""
        return {one.authorization for one in self.seen}


def reply(
    request: Request, status: int, body: bytes = b"", media_type: str = "", **more: str
) -> bytes:
    """Answer whole; to HEAD without the body.

    :param more: further headers, ``_`` for ``-``.
    """
    request.setResponseCode(status)
    if media_type:
        request.setHeader("Content-Type", media_type)
    for name, value in more.items():
        request.setHeader(name.replace("_", "-"), value)
    request.setHeader("Content-Length", str(len(body)))
    return b"" if request.method == b"HEAD" else body


@implementer(IReactorPluggableNameResolver)
class NamedReactor:
    """The reactor, with a table of names in place of a resolver."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self.nameResolver: IHostnameResolver = _Table(addresses)

    def __getattr__(self, name: str) -> Any:
        return getattr(reactor, name)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Never called: the table is given."""
        raise NotImplementedError


@implementer(IHostResolution)
class _Resolution:
    def __init__(self, name: str) -> None:
        self.name = name

    def cancel(self) -> None:
        """Nothing is under way."""


@implementer(IHostnameResolver)
class _Table:
    """Like a hosts file; addresses stand for themselves."""

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> IHostResolution:
        """See :meth:`IHostnameResolver.resolveHostName`."""
        resolution = _Resolution(hostName)
        resolutionReceiver.resolutionBegan(resolution)
        address = self._addresses.get(hostName.lower(), "")
        if not address and _is_address(hostName):
            address = hostName
        if address:
            resolutionReceiver.addressResolved(IPv4Address("TCP", address, portNumber))
        resolutionReceiver.resolutionComplete()
        return resolution


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
