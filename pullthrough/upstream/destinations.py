"""Where a request may go: an upstream must not lead us into our own network (T4)."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import DNSLookupError
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IProtocolFactory,
    IReactorPluggableNameResolver,
    IResolutionReceiver,
    IStreamClientEndpoint,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from pullthrough.errors import UpstreamOutage
from pullthrough.spec.addresses import is_odd_number, is_public, literal
from pullthrough.spec.hosts import matches
from pullthrough.spec.origins import Origin
from pullthrough.upstream.timely import NONE

#: Ports that redirects and realms may lead to, besides those above 1023.
_PORTS = frozenset({80, 443})


class Destinations:
    """The hosts of one upstream.

    :param named: hosts that the configuration names, wherever they are.
    :param private: further hosts, globs, addresses and networks that may be private.
    """

    def __init__(self, named: Iterable[str], private: Sequence[str] = ()) -> None:
        self._named = frozenset(host.lower() for host in named)
        self._private = private

    def trusts(self, host: str) -> bool:
        """Whether a host may have a private address."""
        return host.lower() in self._named or self.lists(host)

    def lists(self, host: str) -> bool:
        """Whether a host, or an address that a name has, is among ``private_hosts``."""
        return matches(host, self._private)

    def check(self, origin: Origin) -> None:
        """Look at where a redirect or a realm leads.

        A name is checked again when it is resolved; behind an egress proxy the proxy
        resolves it, and only what is written here can be judged.

        :raises UpstreamOutage: when nothing may go there.
        """
        if origin.host in self._named:
            return
        address = literal(origin.host)
        if is_odd_number(origin.host):
            reason = "is no proper address"
        elif origin.port < 1024 and origin.port not in _PORTS:
            reason = "has a port that is no registry's"
        elif address and not is_public(address) and not self.trusts(origin.host):
            reason = "is private; list it in [http] private_hosts if it is yours"
        else:
            return
        raise UpstreamOutage(f"an upstream leads to {origin}, which {reason}")


@implementer(IStreamClientEndpoint)
class PublicEndpoint:
    """A host whose private addresses are passed over, unless they are listed."""

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        destinations: Destinations,
    ) -> None:
        self._host = host
        self._resolver = _PublicResolver(reactor.nameResolver, destinations.lists)
        self._endpoint = HostnameEndpoint(
            _Resolving(reactor, self._resolver),
            host,
            port,
            timeout=NONE,
        )

    def connect(self, protocolFactory: IProtocolFactory) -> "Deferred[Any]":
        """See :meth:`IStreamClientEndpoint.connect`."""
        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connecting.addErrback(self._explain)

    def _explain(self, failure: Failure) -> Failure:
        if failure.check(DNSLookupError) and self._resolver.passed_over:
            raise UpstreamOutage(
                f"an upstream leads to {self._host}, whose address"
                f" {self._resolver.passed_over} is private; list it in [http]"
                " private_hosts if it is yours"
            )
        return failure


@implementer(IReactorPluggableNameResolver)
class _Resolving:
    """A reactor with another resolver."""

    def __init__(self, reactor: Any, resolver: IHostnameResolver) -> None:
        self._reactor = reactor
        self.nameResolver = resolver

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Never called: the resolver is given."""
        raise NotImplementedError


@implementer(IHostnameResolver)
class _PublicResolver:
    """Resolves as the reactor does, and leaves out private addresses.

    :param listed: whether an address may be private.
    """

    def __init__(
        self, resolver: IHostnameResolver, listed: Callable[[str], bool]
    ) -> None:
        self._resolver = resolver
        self.listed = listed
        self.passed_over = ""

    def resolveHostName(
        self,
        resolutionReceiver: IResolutionReceiver,
        hostName: str,
        *args: Any,
        **more: Any,
    ) -> IHostResolution:
        """See :meth:`IHostnameResolver.resolveHostName`."""
        receiver = _PublicReceiver(self, resolutionReceiver)
        return self._resolver.resolveHostName(receiver, hostName, *args, **more)


@implementer(IResolutionReceiver)
class _PublicReceiver:
    def __init__(
        self, resolver: _PublicResolver, receiver: IResolutionReceiver
    ) -> None:
        self._resolver = resolver
        self._receiver = receiver

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        """See :meth:`IResolutionReceiver.resolutionBegan`."""
        self._receiver.resolutionBegan(resolutionInProgress)

    def addressResolved(self, address: IAddress) -> None:
        """See :meth:`IResolutionReceiver.addressResolved`."""
        host = str(getattr(address, "host", ""))
        found = literal(host)
        if found is not None and (is_public(found) or self._resolver.listed(host)):
            self._receiver.addressResolved(address)
        else:
            self._resolver.passed_over = host

    def resolutionComplete(self) -> None:
        """See :meth:`IResolutionReceiver.resolutionComplete`."""
        self._receiver.resolutionComplete()
