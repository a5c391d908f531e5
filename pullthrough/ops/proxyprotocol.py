"""Connections through a proxy that tells whose they are (the PROXY protocol).

Twisted's own wrapper is not used: it takes every connection for a proxy's, fails on a
header that comes in pieces and on ``PROXY UNKNOWN``, and believes what is no address.
"""

from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IDelayedCall,
    IProtocol,
    IProtocolFactory,
    IReactorTime,
)
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure

from pullthrough.spec.addresses import is_loopback
from pullthrough.spec.forwarded import UNIX, TrustedProxies
from pullthrough.spec.proxyheader import (
    NoProxyHeader,
    ProxyHeader,
    Told,
    parse_proxy_header,
)

#: Seconds for the whole header, as long as a request's head may take.
HEADER_TIME = 10.0


class ProxyProtocol(WrappingFactory["_Proxied"]):
    """Lets the header come first on connections from some addresses.

    :param proxies: those addresses; everybody else is handed on at once.
    :param wrapped: makes what speaks behind the header, be it TLS.
    """

    noisy = False

    def __init__(
        self, proxies: TrustedProxies, wrapped: IProtocolFactory, clock: IReactorTime
    ) -> None:
        super().__init__(wrapped)  # type: ignore[no-untyped-call]
        self._proxies = proxies
        self.clock = clock

    def buildProtocol(self, addr: IAddress | None) -> Any:
        """See :meth:`IProtocolFactory.buildProtocol`."""
        if str(getattr(addr, "host", UNIX)) in self._proxies:
            return _Proxied(self)
        return self.build(addr)

    def build(self, addr: Any) -> IProtocol | None:
        """What speaks with a client at an address."""
        protocol: IProtocol | None = self.wrappedFactory.buildProtocol(addr)
        return protocol


class _Proxied(ProtocolWrapper):
    """A connection from a proxy: first the header, then whatever is behind it."""

    _log = Logger(namespace="pullthrough")

    def __init__(self, factory: "ProxyProtocol") -> None:
        # Until the header is here, nobody is behind it.
        super().__init__(factory, Protocol())
        self._builds = factory
        self._begun = b""
        self._header: ProxyHeader | None = None
        self._late: IDelayedCall | None = None

    def makeConnection(self, transport: Any) -> None:
        """A proxy has come; nobody hears of it before its header is here."""
        super().makeConnection(transport)  # type: ignore[no-untyped-call]
        self._late = self._builds.clock.callLater(
            HEADER_TIME, transport.abortConnection
        )

    def dataReceived(self, data: bytes) -> None:
        """Bytes of the header, or of what is behind it."""
        if self._header is not None:
            self.wrappedProtocol.dataReceived(data)
            return
        self._begun += data
        try:
            header = parse_proxy_header(self._begun)
        except NoProxyHeader as error:
            self._refuse(str(error))
            return
        if header is not None:
            self._told(header)

    def _told(self, header: ProxyHeader) -> None:
        self._header = header
        rest, self._begun = self._begun[header.length :], b""
        self._wait_no_more()
        behind: Any = self._builds.build(self.getPeer())
        if behind is None:
            self._transport.abortConnection()
            return
        self.wrappedProtocol = behind
        behind.makeConnection(self)
        if rest:
            behind.dataReceived(rest)

    def _refuse(self, why: str) -> None:
        # It is one of the addresses that the configuration names.
        self._log.warn(
            "{peer} is in proxy_protocol, but sends no PROXY header: {why}",
            peer=getattr(self.getPeer(), "host", UNIX),
            why=why,
        )
        self._transport.abortConnection()

    def _wait_no_more(self) -> None:
        if self._late is not None and self._late.active():
            self._late.cancel()

    @property
    def _transport(self) -> Any:
        return self.transport

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The proxy has gone."""
        self._wait_no_more()
        super().connectionLost(reason)  # type: ignore[no-untyped-call]

    # -- what is behind the header sees the ends that were told --

    def getPeer(self) -> Any:
        """The client. One at the proxy's own machine has the proxy's address: its
        loopback is not ours, from where more is allowed."""
        header = self._header
        told = header.source if header is not None else None
        if told is None or is_loopback(told.host):
            return self._transport.getPeer()
        return _address(told)

    def getHost(self) -> Any:
        """What the client has reached."""
        header = self._header
        told = header.destination if header is not None else None
        return self._transport.getHost() if told is None else _address(told)


def _address(told: Told) -> IPv4Address | IPv6Address:
    kind = IPv6Address if ":" in told.host else IPv4Address
    return kind("TCP", told.host, told.port)
