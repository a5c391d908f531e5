"""A network in memory: a reactor on a clock, and the hosts that it can reach.

Nothing happens by itself: :meth:`Network.step` goes to the next thing that is due. So
minutes of silence cost nothing, and each run of a test is the same.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet import error
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IConnector,
    IDelayedCall,
    IHostnameResolver,
    IReactorPluggableNameResolver,
    IReactorTCP,
)
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from tests.support.lines import LATENCY, Dial, Host, Line

T = TypeVar("T")

#: Seconds after which a system gives up by itself to connect.
FOREVER = 130.0


@implementer(IReactorTCP, IReactorPluggableNameResolver)
class Network(Clock):
    """The reactor, and the machines that it can reach."""

    def __init__(self) -> None:
        super().__init__()
        self.hosts: dict[str, Host] = {}
        self.nameResolver = _Resolver(self)

    def add(self, name: str, address: str, accepted: "Callable[[Line], None]") -> Host:
        """Let there be a machine."""
        host = self.hosts[name] = Host(name, address, accepted)
        return host

    @property
    def lines(self) -> "list[Line]":
        """The open ones."""
        return [line for host in self.hosts.values() for line in host.lines]

    # -- time --

    def step(self) -> bool:
        """Go to the next thing that is due; false when there is none."""
        if not self.calls:
            return False
        due = min(call.getTime() for call in self.calls)
        self.rightNow = max(self.rightNow, due)
        self.advance(0)
        return True

    def pass_time(self, seconds: float) -> None:
        """Let everything happen that is due within so many seconds."""
        end = self.rightNow + seconds
        while self.calls and min(call.getTime() for call in self.calls) <= end:
            self.step()
        self.rightNow = end

    def settle(self, waiting: "Deferred[T]", seconds: float = 3600.0) -> T:
        """The result of a Deferred, which must come within so many seconds."""
        end = self.rightNow + seconds
        results: list[Any] = []
        waiting.addBoth(results.append)
        while not results:
            assert self.step(), "nothing is due, and still it waits"
            assert self.rightNow < end, f"no end within {seconds:.0f} seconds"
        if isinstance(results[0], Failure):
            results[0].raiseException()
        found: T = results[0]
        return found

    # -- the reactor --

    def connectTCP(
        self,
        host: str,
        port: int,
        factory: Any,
        timeout: float | None = 30,
        bindAddress: Any = None,
    ) -> Any:
        """See :meth:`IReactorTCP.connectTCP`."""
        found = [one for one in self.hosts.values() if one.address == host]
        return _Connector(self, found[0] if found else None, port, factory, timeout)

    def listenTCP(
        self, port: int, factory: Any, backlog: int = 50, interface: str = ""
    ) -> Any:
        """Nobody listens on this reactor."""
        raise NotImplementedError

    def callFromThread(self, function: Any, *args: Any, **more: Any) -> None:
        """There is one thread."""
        self.callLater(0, function, *args, **more)

    def installNameResolver(self, resolver: IHostnameResolver) -> IHostnameResolver:
        """Never called."""
        raise NotImplementedError


@implementer(IHostnameResolver)
class _Resolver:
    """Knows the names of the network's hosts, and literal addresses."""

    def __init__(self, network: Network) -> None:
        self._network = network

    def resolveHostName(
        self,
        resolutionReceiver: Any,
        hostName: str,
        portNumber: int = 0,
        addressTypes: Any = None,
        transportSemantics: str = "TCP",
    ) -> Any:
        """See :meth:`IHostnameResolver.resolveHostName`."""
        resolutionReceiver.resolutionBegan(self)
        address = hostName
        host = self._network.hosts.get(hostName.lower())
        if host is not None:
            address = host.address
            if host.dial is Dial.MUTE:
                return self
        known = host is None or host.dial is not Dial.UNKNOWN

        def resolved() -> None:
            if known and isIPAddress(address):
                resolutionReceiver.addressResolved(
                    IPv4Address("TCP", address, portNumber)
                )
            elif known and isIPv6Address(address):
                resolutionReceiver.addressResolved(
                    IPv6Address("TCP", address, portNumber)
                )
            resolutionReceiver.resolutionComplete()

        self._network.callLater(LATENCY, resolved)
        return self

    def cancel(self) -> None:
        """See :meth:`IHostResolution.cancel`."""


@implementer(IConnector)
class _Connector:
    """One attempt to connect."""

    def __init__(
        self,
        network: Network,
        host: Host | None,
        port: int,
        factory: Any,
        timeout: float | None,
    ) -> None:
        self._network = network
        self._host = host
        self._port = port
        self._factory = factory
        factory.doStart()
        factory.startedConnecting(self)
        dial = host.dial if host else Dial.REFUSE
        self._attempt: IDelayedCall
        if dial is Dial.ACCEPT:
            slow = host.slow if host else 0.0
            self._attempt = network.callLater(LATENCY + slow, self._connected)
        elif dial is Dial.REFUSE:
            refused = error.ConnectionRefusedError()
            self._attempt = network.callLater(LATENCY, self._failed, refused)
        else:
            late = error.TimeoutError()
            seconds = FOREVER if timeout is None else timeout
            self._attempt = network.callLater(seconds, self._failed, late)

    def _connected(self) -> None:
        assert self._host is not None
        protocol = self._factory.buildProtocol(self.getDestination())
        line = Line(self._network, self._host, protocol)
        self._host.lines.append(line)
        self._host.accepted(line)
        protocol.makeConnection(line)

    def _failed(self, reason: Exception) -> None:
        self._factory.clientConnectionFailed(self, Failure(reason))
        self._factory.doStop()

    def getDestination(self) -> IPv4Address:
        """See :meth:`IConnector.getDestination`."""
        return IPv4Address("TCP", self._host.address if self._host else "", self._port)

    def stopConnecting(self) -> None:
        """See :meth:`IConnector.stopConnecting`."""
        self._attempt.cancel()
        self._failed(error.UserError())

    def connect(self) -> None:
        """Never called."""
        raise NotImplementedError

    def disconnect(self) -> None:
        """Never called."""
        raise NotImplementedError
