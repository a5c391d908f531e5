"""How connections leave: direct, through an HTTP proxy, or through SOCKS5."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.ssl import AcceptableCiphers, TLSVersion, optionsForClientTLS
from twisted.web.client import URI, Agent, HTTPConnectionPool, ProxyAgent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory, IBodyProducer, IResponse
from zope.interface import implementer

from pullthrough.errors import EgressOutage, UpstreamTimeout
from pullthrough.spec.hosts import matches
from pullthrough.spec.tls import CIPHERS
from pullthrough.upstream.connect import Connect, proxy_authorization
from pullthrough.upstream.destinations import Destinations, PublicEndpoint
from pullthrough.upstream.handshake import HandshakeEndpoint
from pullthrough.upstream.headcap import HeadCapEndpoint
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.roomy import RoomyEndpoint
from pullthrough.upstream.socks5 import Socks5
from pullthrough.upstream.timely import NONE, TimelyEndpoint
from pullthrough.upstream.trust import ClientCertificate, Trust
from pullthrough.upstream.tunnel import Greeting, TunnelEndpoint

#: Idle connections kept to each host, and for how many seconds.
KEPT = 8
KEPT_TIME = 60

#: Seconds that the other side may take to close them; over TLS it has a word in it.
CLOSING = 1.0


_TLS = {
    "raiseMinimumTo": TLSVersion.TLSv1_2,
    "acceptableCiphers": AcceptableCiphers.fromOpenSSLCipherString(CIPHERS),
}


@dataclass(frozen=True, slots=True)
class Way:
    """A configured way out.

    :ivar proxy: ``direct``, ``http://HOST:PORT`` or ``socks5://HOST:PORT``.
    :ivar non_proxy_hosts: reached directly all the same.
    """

    proxy: str = "direct"
    username: str = ""
    password: str = field(default="", repr=False)
    non_proxy_hosts: Sequence[str] = ()

    def leads(self, host: str) -> bool:
        """Whether the proxy is the way to that host."""
        return self.proxy != "direct" and not matches(host, self.non_proxy_hosts)

    @property
    def scheme(self) -> str:
        """``http`` or ``socks5``."""
        return urlsplit(self.proxy).scheme

    @property
    def name(self) -> str:
        """``HOST:PORT`` of the proxy."""
        return urlsplit(self.proxy).netloc


@implementer(IAgentEndpointFactory)
class EgressEndpoints:
    """Finds the endpoint that reaches a URL's host."""

    def __init__(
        self,
        reactor: Any,
        way: Way,
        trust: Trust,
        patience: Patience,
        destinations: Destinations | None,
        certificate: ClientCertificate | None = None,
    ) -> None:
        self._reactor = reactor
        self._certificate = certificate
        self._destinations = destinations
        self._way = way
        self._trust = trust
        self._patience = patience

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        """See :meth:`IAgentEndpointFactory.endpointForURI`."""
        host = uri.host.decode("ascii")
        target = f"{host}:{uri.port}"
        endpoint: IStreamClientEndpoint
        if self._way.leads(host):
            endpoint = self._tunnel(host, uri.port)
            through = f", through egress proxy {self._way.name}"
        else:
            endpoint = self._direct(host, uri.port)
            through = ""
        endpoint = RoomyEndpoint(endpoint, self._reactor)
        if uri.scheme == b"https":
            shown = self._certificate
            options = optionsForClientTLS(
                host.strip("[]"),
                trustRoot=self._trust,
                clientCertificate=shown.to(host, uri.port) if shown else None,
                # Twisted adds the certificate to what it is given.
                extraCertificateOptions=dict(_TLS),
            )
            endpoint = HandshakeEndpoint(
                options, endpoint, self._reactor, self._patience.tls, target + through
            )
        return self._head_cap(endpoint, target)

    def proxy(self) -> IStreamClientEndpoint:
        """The proxy itself, for requests in absolute form."""
        return self._head_cap(self._proxy(), f"behind {self._way.name}")

    def _head_cap(
        self, endpoint: IStreamClientEndpoint, target: str
    ) -> IStreamClientEndpoint:
        return HeadCapEndpoint(endpoint, target, self._reactor, self._patience.head)

    def _direct(self, host: str, port: int) -> IStreamClientEndpoint:
        endpoint: IStreamClientEndpoint
        if self._destinations is None or self._destinations.trusts(host):
            endpoint = self._hostname(host, port)
        else:
            endpoint = PublicEndpoint(
                self._reactor, host.strip("[]"), port, self._destinations
            )
        seconds = self._patience.connect
        words = (
            f"upstream {host}:{port} cannot be reached: no connection within"
            f" {seconds:g} s"
        )
        return TimelyEndpoint(
            endpoint, self._reactor, seconds, lambda: UpstreamTimeout(words)
        )

    def _proxy(self) -> IStreamClientEndpoint:
        parts = urlsplit(self._way.proxy)
        seconds = self._patience.connect
        words = (
            f"egress proxy {self._way.name} cannot be reached: no connection within"
            f" {seconds:g} s"
        )
        return TimelyEndpoint(
            self._hostname(parts.hostname or "", parts.port or 0),
            self._reactor,
            seconds,
            lambda: EgressOutage(words),
        )

    def _hostname(self, host: str, port: int) -> IStreamClientEndpoint:
        return HostnameEndpoint(
            self._reactor,
            host.strip("[]"),
            port,
            timeout=NONE,
        )

    def _tunnel(self, host: str, port: int) -> IStreamClientEndpoint:
        way = self._way
        target = f"{host}:{port}"

        def greet() -> Greeting:
            if way.scheme == "socks5":
                return Socks5(host, port, way.username, way.password)
            return Connect(target, way.username, way.password)

        return TunnelEndpoint(
            self._reactor,
            self._proxy(),
            way.name,
            target,
            greet,
            self._patience.greeting,
        )


@implementer(IAgent)
class EgressAgent:
    """An agent whose connections leave the configured way.

    :param destinations: which hosts may have private addresses; None: all.
    :param certificate: what we show to the upstream; None: nothing.
    :param persistent: whether connections are kept for the next request.
    :ivar way: for telling people which proxy failed.
    """

    def __init__(
        self,
        reactor: Any,
        way: Way,
        trust: Trust,
        patience: Patience,
        *,
        destinations: Destinations | None = None,
        certificate: ClientCertificate | None = None,
        persistent: bool = True,
    ) -> None:
        self.way = way
        self._reactor = reactor
        self._pool = HTTPConnectionPool(reactor, persistent)
        self._pool.maxPersistentPerHost = KEPT
        self._pool.cachedConnectionTimeout = KEPT_TIME
        endpoints = EgressEndpoints(
            reactor, way, trust, patience, destinations, certificate
        )
        self._agent = Agent.usingEndpointFactory(reactor, endpoints, pool=self._pool)
        self._absolute: ProxyAgent | None = None
        if way.proxy != "direct" and way.scheme == "http":
            self._absolute = ProxyAgent(endpoints.proxy(), reactor, pool=self._pool)

    def request(
        self,
        method: bytes,
        uri: bytes,
        headers: Headers | None = None,
        bodyProducer: IBodyProducer | None = None,
    ) -> "Deferred[IResponse]":
        """See :meth:`IAgent.request`.

        What is not TLS goes to an HTTP proxy in absolute form (RFC 9112 section
        3.2.2); everything else through a tunnel, or directly.
        """
        parts = urlsplit(uri.decode("ascii"))
        if (
            self._absolute is not None
            and parts.scheme == "http"
            and self.way.leads(parts.hostname or "")
        ):
            headers = headers.copy() if headers else Headers()
            if self.way.username:
                value = proxy_authorization(self.way.username, self.way.password)
                headers.setRawHeaders("Proxy-Authorization", [value])
            agent: IAgent = self._absolute
        else:
            agent = self._agent
        return agent.request(method, uri, headers, bodyProducer)

    def close(self) -> "Deferred[None]":
        """Close the idle connections; a silent host is not waited for long."""
        closed: Deferred[None] = Deferred()
        patience = self._reactor.callLater(CLOSING, closed.callback, None)

        def all_closed(ignored: None) -> None:
            if patience.active():
                patience.cancel()
                closed.callback(None)

        self._pool.closeCachedConnections().addCallback(all_closed)
        return closed
