"""The open connectors: opened all or none, and exchanged while the daemon runs."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import (
    IAddress,
    IListeningPort,
    IProtocol,
    IProtocolFactory,
)
from twisted.logger import Logger
from zope.interface import implementer

from pullthrough.interfaces import IListener
from pullthrough.ops.ports import TRIES, PortError, location, open_port, with_tls
from pullthrough.ops.proxyprotocol import ProxyProtocol

#: Seconds for which answers under way are waited for at the end.
DRAIN_TIME = 60.0

#: Has what serves beside us serve what listens.
Share = Callable[[Sequence["Opened"]], Awaitable[None]]

#: Scheme, endpoint description, and whose it is where that tells two apart.
Key = tuple[str, str, str]


@dataclass(slots=True)
class Opened:
    """A connector that listens.

    :ivar served: what the configuration says of it.
    :ivar layer: what is below the listener: TLS, or nothing.
    """

    served: Any
    listener: IListener
    layer: "_Layer"
    port: IListeningPort

    @property
    def where(self) -> str:
        """``HOST:PORT``, or ``unix:PATH``."""
        return location(self.port)


class Connectors:
    """Opens and closes connectors.

    :param free_ports: where a TCP port is taken, take another one.
    :param share: told what listens; returns when nobody listens on anything else.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self, reactor: Any, free_ports: bool, share: Share | None = None
    ) -> None:
        self._reactor = reactor
        self._free_ports = free_ports
        self._share = share or _alone
        self._opened: dict[Key, Opened] = {}
        self._leaving: dict[IListener, Deferred[None]] = {}
        self._hurried = False

    def __iter__(self) -> Iterator[Opened]:
        return iter(self._opened.values())

    def open(self, served: Sequence[Any]) -> None:
        """Open them all, in their order.

        :raises PortError: when one cannot be; some may then be open.
        """
        ground = _Ground(self._reactor)
        for one in served:
            self._opened[_key(one)] = self._open(one, ground.below(one), TRIES)

    async def exchange(
        self, served: Sequence[Any], take: Callable[[], Awaitable[None]]
    ) -> None:
        """Serve these from now on: open what is new, close what is gone.

        Connections to what is gone end after their current answers; those to what
        stays are served as the new configuration says from their next request on.

        :param take: called when everything is open.
        :raises PortError: when one cannot be opened; all is then as it was.
        """
        wanted = {_key(one): one for one in served}
        ground = _Ground(self._reactor)
        below = {key: ground.below(one) for key, one in wanted.items()}
        gone = [one for key, one in self._opened.items() if key not in wanted]
        if gone:
            await self._share(
                [self._opened[key] for key in wanted if key in self._opened]
            )
        for one in gone:
            await _awaited(one.port.stopListening())
        fresh: dict[Key, Opened] = {}
        try:
            for key, one in wanted.items():
                if key not in self._opened:
                    fresh[key] = self._open(one, below[key])
        except PortError:
            for opened in fresh.values():
                await _awaited(opened.port.stopListening())
            for opened in gone:
                opened.port = self._listen(opened.served, opened.layer)
            if gone:
                await self._share(tuple(self))
            raise
        await take()
        for key, one in wanted.items():
            if key in self._opened:
                opened = self._opened.pop(key)
                one.listen(opened.listener)
                opened.served = one
                opened.layer.laid(below[key], opened.listener)
                fresh[key] = opened
        self._opened = {key: fresh[key] for key in wanted}
        await self._share(tuple(self))
        for one in gone:
            self._leave(one.listener)

    def leave(self) -> None:
        """Let each answer from now on be the last one of its connection."""
        for one in self._opened.values():
            one.listener.leave()

    async def close(self) -> None:
        """Stop listening."""
        for one in self._opened.values():
            await _awaited(one.port.stopListening())

    async def drain(self) -> None:
        """Wait until answers under way are out."""
        for one in self._opened.values():
            self._leave(one.listener)
        for left in tuple(self._leaving.values()):
            await left

    def cut(self) -> None:
        """Wait no longer for answers under way on what is closed, or will be."""
        self._hurried = True
        for listener in tuple(self._leaving):
            listener.abort_all()

    def _leave(self, listener: IListener) -> None:
        patience = 0.0 if self._hurried else DRAIN_TIME
        cutting = self._reactor.callLater(patience, listener.abort_all)

        async def leave() -> None:
            try:
                await listener.drain()
            finally:
                self._leaving.pop(listener, None)
                if cutting.active():
                    cutting.cancel()

        left = Deferred.fromCoroutine(leave())
        left.addErrback(
            lambda failure: self._log.failure("a connector does not end", failure)
        )
        if not left.called:
            self._leaving[listener] = left

    def _open(self, served: Any, below: "Below", tries: int = 1) -> Opened:
        listener: IListener = served.listen(None)
        layer = _Layer()
        layer.laid(below, listener)
        return Opened(served, listener, layer, self._listen(served, layer, tries))

    def _listen(self, served: Any, layer: "_Layer", tries: int = 1) -> IListeningPort:
        with _named(served):
            return open_port(
                self._reactor,
                served.connector.description,
                layer,
                self._free_ports,
                tries,
            )


Below = Callable[[IProtocolFactory], IProtocolFactory]


class _Ground:
    """What is below the listeners of one configuration. Certificates are as they are
    now; connectors with the same one share what is made of it, which is not small."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._secure: dict[tuple[Path | None, ...], Below] = {}

    def below(self, served: Any) -> Below:
        """TLS, and below that the header of the PROXY protocol; or neither.

        :raises PortError: when the certificate or its key cannot be used.
        """
        secure = self._tls(served)
        if not served.proxies:
            return secure
        return lambda listener: ProxyProtocol(
            served.proxies, secure(listener), self._reactor
        )

    def _tls(self, served: Any) -> Below:
        connector = served.connector
        if connector.tls_certificate is None:
            return lambda listener: listener
        files = (
            connector.tls_certificate,
            connector.tls_key,
            connector.tls_client_ca,
        )
        made = self._secure.get(files)
        if made is None:
            certificate, key, client_ca = files
            with _named(served):
                made = with_tls(certificate, key, self._reactor, client_ca)
            self._secure[files] = made
        return made


@implementer(IProtocolFactory)
class _Layer:
    """The factory that a port keeps, while what is behind it changes."""

    noisy = False

    def __init__(self) -> None:
        self._factory: IProtocolFactory | None = None

    def laid(self, below: Below, listener: IListener) -> None:
        """Connections from now on go through this."""
        self._factory = below(listener)

    def buildProtocol(self, addr: IAddress) -> IProtocol | None:
        """See :meth:`IProtocolFactory.buildProtocol`."""
        assert self._factory is not None  # noqa: S101  laid before it is listened on
        return self._factory.buildProtocol(addr)

    def doStart(self) -> None:
        """The port listens."""

    def doStop(self) -> None:
        """The port listens no more."""


@contextmanager
def _named(served: Any) -> Iterator[None]:
    """Say in an error which connector it is."""
    try:
        yield
    except PortError as error:
        which = f"the {served.connector.scheme} connector of {_name(served)}"
        raise PortError(f"{which}: {error}") from error


def _key(served: Any) -> Key:
    connector = served.connector
    # "Any port" is another one for each repository.
    whose = _name(served) if connector.description.split(":")[1] == "0" else ""
    return connector.scheme, connector.description, whose


def _name(served: Any) -> str:
    return "admin" if served.repository is None else str(served.repository.name)


async def _alone(opened: Sequence[Opened]) -> None:
    """Nobody else serves."""


async def _awaited(result: Any) -> None:
    if isinstance(result, Deferred):
        await result
