"""The daemon as a Twisted service: start, say so, serve, drain, stop."""

import sys
from collections.abc import Callable
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IListeningPort
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from pullthrough.interfaces import IWritableRepository
from pullthrough.ops.notify import Supervisor
from pullthrough.ops.ports import PortError, location, open_port, with_tls
from pullthrough.ops.signals import on_terminate

#: Seconds for which answers under way are waited for at the end.
DRAIN_TIME = 60.0

#: Seconds between two sweeps of what has outlived its time.
SWEEP_TIME = 600.0


class Daemon(Service):
    """Opens every connector, or none.

    :param build: makes the assembly; called when the service starts.
    :param free_ports: where a TCP port is taken, take another one.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self,
        build: Callable[[], Any],
        failures: tuple[type[Exception], ...],
        reactor: Any,
        supervisor: Supervisor,
        free_ports: bool,
        take_signals: Callable[[Any, Callable[[], None]], None] = on_terminate,
    ) -> None:
        self._build = build
        self._failures: tuple[type[Exception], ...] = (PortError, *failures)
        self._reactor = reactor
        self._supervisor = supervisor
        self._free_ports = free_ports
        self._take_signals = take_signals
        self._assembly: Any = None
        self._ports: list[IListeningPort] = []
        self._alive = LoopingCall(supervisor.tell, "WATCHDOG=1")
        self._sweeping = LoopingCall(self._sweep)

    def privilegedStartService(self) -> None:
        """Build and listen; a fault ends the process with one line and status 1."""
        try:
            self._assembly = self._build()
            for served in self._assembly.served:
                self._ports.append(self._open(served))
        except self._failures as error:
            print(f"pullthrough: {error}", file=sys.__stderr__, flush=True)
            raise SystemExit(1) from None

    def _open(self, served: Any) -> IListeningPort:
        connector = served.connector
        factory = served.listener
        try:
            if connector.tls_certificate is not None:
                factory = with_tls(
                    factory,
                    connector.tls_certificate,
                    connector.tls_key,
                    self._reactor,
                )
            return open_port(
                self._reactor, connector.description, factory, self._free_ports
            )
        except PortError as error:
            raise PortError(
                f"the {connector.scheme} connector of {served.repository.name}: {error}"
            ) from error

    def startService(self) -> None:
        """The reactor is about to run."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._ready)

    def _ready(self) -> None:
        self._take_signals(self._reactor, self._cut)
        self._assembly.start()
        for served, port in zip(self._assembly.served, self._ports, strict=True):
            self._announce(served, location(port))
        if self._assembly.admin is not None:
            self._log.info(
                "user admin has the password in {path}",
                path=str(self._assembly.admin.password),
            )
        self._supervisor.tell("READY=1")
        self._sweeping.start(SWEEP_TIME)
        if self._supervisor.interval:
            self._alive.start(self._supervisor.interval)

    def _sweep(self) -> "Deferred[None]":
        sweeping: Deferred[None] = Deferred.fromCoroutine(self._assembly.sweep())
        sweeping.addErrback(
            lambda failure: self._log.failure("a sweep failed", failure)
        )
        return sweeping

    def _announce(self, served: Any, where: str) -> None:
        repository = served.repository
        self._log.info(
            "{url} serves {kind} repository {name}",
            url=f"{served.connector.scheme}://{where}",
            kind=repository.kind,
            name=repository.name,
        )
        if where.startswith("unix:"):
            return
        image = "IMAGE:TAG" if repository.kind == "hosted" else "alpine"
        lines = [f"docker login {where} -u admin", f"docker pull {where}/{image}"]
        if IWritableRepository.providedBy(repository):
            lines.append(f"docker push {where}/IMAGE:TAG")
        for line in lines:
            self._log.info("    {line}", line=line)

    def stopService(self) -> "Deferred[None]":
        """Stop listening, let answers finish, then close everything."""
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._supervisor.tell("STOPPING=1")
        for port in self._ports:
            await _awaited(port.stopListening())
        self._log.info("stopping: no new connections, answers under way finish")
        listeners = [served.listener for served in self._assembly.served]
        cutting = self._reactor.callLater(DRAIN_TIME, self._cut)
        draining = [Deferred.fromCoroutine(one.drain()) for one in listeners]
        for turn in draining:
            await turn
        if cutting.active():
            cutting.cancel()
        for loop in (self._alive, self._sweeping):
            if loop.running:
                loop.stop()
        await self._assembly.stop()
        self._log.info("stopped")

    def _cut(self) -> None:
        """Wait no longer for answers under way."""
        for served in self._assembly.served:
            served.listener.abort_all()


async def _awaited(result: Any) -> None:
    if isinstance(result, Deferred):
        await result
