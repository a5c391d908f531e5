"""The daemon as a Twisted service: start, say so, serve, change, drain, stop."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from pullthrough.interfaces import IWritableRepository
from pullthrough.ops.connectors import Connectors, Opened
from pullthrough.ops.notify import Supervisor
from pullthrough.ops.ports import PortError
from pullthrough.ops.signals import on_hangup, on_terminate

#: Seconds between two sweeps of what has outlived its time.
SWEEP_TIME = 600.0

#: Seconds in which whoever watches notices that we are not ready, before we stop
#: listening (reliability, section 5).
NOTICE_TIME = 5.0


class Daemon(Service):
    """Opens every connector, or none.

    :param build: makes the assembly; called when the service starts.
    :param read: reads the configuration anew: the settings, or the faults in it.
    :param failures: what makes a configuration unusable.
    :param free_ports: where a TCP port is taken, take another one.
    :param staff: processes that serve beside us.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self,
        build: Callable[[], Any],
        read: Callable[[], Any],
        failures: tuple[type[Exception], ...],
        reactor: Any,
        supervisor: Supervisor,
        free_ports: bool,
        staff: Any,
        take_signals: Callable[[Any, Callable[[], None]], None] = on_terminate,
        take_hangup: Callable[[Any, Callable[[], None]], None] = on_hangup,
    ) -> None:
        self._build = build
        self._read = read
        self._failures: tuple[type[Exception], ...] = (PortError, *failures)
        self._reactor = reactor
        self._supervisor = supervisor
        self._take_signals = take_signals
        self._take_hangup = take_hangup
        self._assembly: Any = None
        self._staff = staff
        self._connectors = Connectors(reactor, free_ports, self._share)
        self._reloading: Deferred[None] | None = None
        self._again = False
        self._noticing: Deferred[None] | None = None
        self._hurried = False
        self._alive = LoopingCall(supervisor.tell, "WATCHDOG=1")
        self._sweeping = LoopingCall(self._sweep)
        self._alive.clock = self._sweeping.clock = reactor
        self._swept: Deferred[LoopingCall] | None = None

    def privilegedStartService(self) -> None:
        """Build and listen; a fault ends the process with one line and status 1."""
        try:
            self._assembly = self._build()
            self._connectors.open(self._assembly.served)
        except self._failures as error:
            print(f"pullthrough: {error}", file=sys.__stderr__, flush=True)
            raise SystemExit(1) from None

    def startService(self) -> None:
        """The reactor is about to run."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._ready)

    def _ready(self) -> None:
        self._take_signals(self._reactor, self._cut)
        self._take_hangup(self._reactor, self.reload)
        self._assembly.start()
        sharing = Deferred.fromCoroutine(self._share(tuple(self._connectors)))
        sharing.addErrback(
            lambda failure: self._log.failure("there are no workers", failure)
        )
        for opened in self._connectors:
            self._announce(opened)
        if self._assembly.admin is not None:
            self._log.info(
                "user admin has the password in {path}",
                path=str(self._assembly.admin.password),
            )
        self._supervisor.tell("READY=1")
        self._swept = self._sweeping.start(SWEEP_TIME)
        if self._supervisor.interval:
            self._alive.start(self._supervisor.interval)

    async def _share(self, opened: Sequence[Opened]) -> None:
        await self._staff.share(opened, self._assembly)

    def _cut(self) -> None:
        self._hurried = True
        self._connectors.cut()
        self._staff.cut()
        if self._noticing is not None:
            self._noticing.cancel()

    def _sweep(self) -> "Deferred[None]":
        sweeping: Deferred[None] = Deferred.fromCoroutine(self._assembly.sweep())
        sweeping.addErrback(
            lambda failure: self._log.failure("a sweep failed", failure)
        )
        return sweeping

    def _announce(self, opened: Opened) -> None:
        where, repository = opened.where, opened.served.repository
        url = f"{opened.served.connector.scheme}://{where}"
        if repository is None:
            self._log.info(
                "{url} serves all repositories by path, status and metrics", url=url
            )
            image = "REPOSITORY/IMAGE:TAG"
        else:
            self._log.info(
                "{url} serves {kind} repository {name}",
                url=url,
                kind=repository.kind,
                name=repository.name,
            )
            image = "IMAGE:TAG" if repository.kind == "hosted" else "alpine"
        if where.startswith("unix:"):
            return
        user = "admin" if self._assembly.admin is not None else "USER"
        lines = [f"docker login {where} -u {user}", f"docker pull {where}/{image}"]
        if IWritableRepository.providedBy(repository):
            lines.append(f"docker push {where}/IMAGE:TAG")
        for line in lines:
            self._log.info("    {line}", line=line)

    # -- another configuration --

    def reload(self) -> None:
        """Read the configuration anew and serve by it; stay as it was if it has
        faults. One at a time; a further wish is carried out afterwards."""
        if not self.running:
            return
        if self._reloading is not None:
            self._again = True
            return
        self._reloading = Deferred.fromCoroutine(self._reload())
        self._reloading.addErrback(
            lambda failure: self._log.failure("the reload failed", failure)
        )
        self._reloading.addCallback(self._reloaded)

    def _reloaded(self, result: object) -> None:
        self._reloading = None
        self._supervisor.tell("READY=1")
        again, self._again = self._again, False
        if again:
            self.reload()

    async def _reload(self) -> None:
        now = int(self._reactor.seconds() * 1_000_000)
        self._supervisor.tell("RELOADING=1", f"MONOTONIC_USEC={now}")
        try:
            candidate = await self._assembly.prepare(self._read())
            before = {opened.where for opened in self._connectors}
            await self._connectors.exchange(
                candidate.served, lambda: self._assembly.take(candidate)
            )
        except self._failures as error:
            for fault in str(error).splitlines():
                self._log.error("not reloaded: {fault}", fault=fault)
            return
        for opened in self._connectors:
            if opened.where not in before:
                self._announce(opened)
        self._log.info(
            "reloaded: {count} connectors", count=len(list(self._connectors))
        )

    # -- the end --

    def stopService(self) -> "Deferred[None]":
        """Be ready no more, stop listening, let answers finish, then close everything.

        We go on listening for a while where somebody watches whether we are ready.
        """
        super().stopService()  # type: ignore[no-untyped-call]
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._supervisor.tell("STOPPING=1")
        self._assembly.leave()
        if self._reloading is not None:
            await self._reloading
        self._connectors.leave()
        await self._be_noticed()
        await self._staff.leave()
        await self._connectors.close()
        self._log.info("stopping: no new connections, answers under way finish")
        await self._connectors.drain()
        await self._staff.end()
        for loop in (self._alive, self._sweeping):
            if loop.running:
                loop.stop()
        if self._swept is not None:
            await self._swept  # it may be under way
        await self._assembly.stop()
        self._log.info("stopped")

    async def _be_noticed(self) -> None:
        if self._hurried or not self._assembly.watched:
            return
        self._log.info(
            "stopping: not ready any more; connections are taken for another {time} s",
            time=NOTICE_TIME,
        )
        self._noticing = deferLater(self._reactor, NOTICE_TIME, lambda: None)
        with suppress(CancelledError):
            await self._noticing
