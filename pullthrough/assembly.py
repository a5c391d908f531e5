"""From the configuration to everything that runs, and from one to the next."""

import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit
from typing import Any, TypeVar, cast

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from pullthrough.access.bootstrap import Bootstrap, ensure_admin
from pullthrough.access.htpasswd import parse_htpasswd
from pullthrough.access.logins import UNUSED, Logins
from pullthrough.access.policy import SimplePolicy
from pullthrough.access.principals import Authenticator
from pullthrough.access.roles import RolePolicy
from pullthrough.access.throttle import Throttle
from pullthrough.access.tokens import Tokens
from pullthrough.accessline import AccessLine
from pullthrough.audit import AuditEvent
from pullthrough.config.clients import settings_of_clients
from pullthrough.config.model import BlobStore, Connector, Settings
from pullthrough.errors import StorageOutage
from pullthrough.graph import Graph, Lasting
from pullthrough.interfaces import IAccessPolicy, IAuthenticator, IListener, IRepository
from pullthrough.metadata.lock import DataLock
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.ops.accesslog import AccessLogger
from pullthrough.ops.admin import documents
from pullthrough.ops.auditlog import AuditLog
from pullthrough.ops.lag import LagProbe
from pullthrough.ops.metrics import Metrics
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.threads import Threads
from pullthrough.upstreams import Upstreams
from pullthrough.values import UpstreamState
from pullthrough.web.crowd import Crowd
from pullthrough.web.everything import Everything
from pullthrough.web.exchange import Application
from pullthrough.web.guard import Guard
from pullthrough.web.listener import Listener
from pullthrough.web.main import Main
from pullthrough.web.pages import Pages
from pullthrough.web.site import Site

T = TypeVar("T")

#: Threads for files; for password hashes, few, so that guessing is slow.
DISK_THREADS = 8
PASSWORD_THREADS = 2

#: The part of all file descriptors that clients' connections may take.
CONNECTION_SHARE = 0.7


@dataclass(frozen=True, slots=True)
class Served:
    """A connector and what it serves.

    :ivar repository: None on the main connector, which serves them all.
    :ivar listen: what speaks on it; of a listener that is there already, which then
        serves this from its next request on.
    :ivar proxies: whose connections begin with a PROXY header.
    """

    connector: Connector
    repository: IRepository | None
    listen: Callable[[Any], IListener]
    proxies: TrustedProxies


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration that is ready to be taken.

    :ivar served: its connectors, in the order configured.
    """

    graph: Graph
    users: Mapping[str, bytes]
    served: tuple[Served, ...]


class Assembly:
    """Everything that the daemon is made of. Blocks while it is built.

    :ivar served: the connectors, in the order configured.
    :ivar admin: where the generated password lies; None with an htpasswd file.
    :raises StorageOutage: when data or a blob store cannot be used.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self._reactor = reactor
        self._disk = Threads(reactor, "disk", DISK_THREADS)
        self._writing = Threads(reactor, "metadata writer", 1)
        self._reading = Threads(reactor, "metadata reader", 1)
        self._passwords = Threads(reactor, "passwords", PASSWORD_THREADS)
        data = settings.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = DataLock(data / "pullthrough.lock")
        self._metadata = SqliteMetadataStore(
            data / "metadata.sqlite", self._writing, self._reading
        )
        self._stores: dict[Path, FilesystemBlobStore] = {}
        self._lasting = Lasting()
        self._tokens = Tokens(reactor, os.urandom)
        self._throttle = Throttle(reactor.seconds)
        self._audit = AuditLog(data / "audit.jsonl", time.time)
        self._metrics = Metrics(self._states)
        self._documents = documents(
            self._metrics.text,
            self._states,
            lambda host: settings_of_clients(self.settings, host),
        )
        self._probe = LagProbe(reactor, self._metrics.lagged)
        self._access_log = AccessLogger(Logger(namespace="access"))
        self.admin: Bootstrap | None = None
        self._crowd = Crowd()
        self._taken = at_once(self._candidate(settings, None))
        self._limit(settings)

    @property
    def served(self) -> tuple[Served, ...]:
        """The connectors of the configuration that was taken last."""
        return self._taken.served

    @property
    def settings(self) -> Settings:
        """The configuration that was taken last."""
        return self._taken.graph.settings

    def start(self) -> None:
        """The reactor runs: work in threads from now on."""
        for threads in (self._disk, self._writing, self._reading, self._passwords):
            threads.start()
        self._probe.start()

    async def sweep(self) -> None:
        """Remove what has outlived its time."""
        for uploads in self._lasting.uploads.values():
            ended = await uploads.sweep()
            if ended:
                self._log.info("{ended} upload sessions have expired", ended=ended)
        await self._metadata.end_logins_before(time.time() - UNUSED)

    async def stop(self) -> None:
        """Finish what is under way, and close everything."""
        self._probe.stop()
        for fills in self._lasting.fills.values():
            fills.close()
        for uploads in self._lasting.uploads.values():
            await uploads.close()
        await self._taken.graph.upstreams.close()
        await self._metadata.close()
        for threads in (self._disk, self._writing, self._reading, self._passwords):
            threads.stop()
        self._lock.release()

    # -- from one configuration to the next --

    async def prepare(self, settings: Settings) -> Candidate:
        """Build what another configuration needs, beside what runs.

        :raises StorageOutage: when it cannot be used; nothing has then changed.
        """
        if settings.data != self.settings.data:
            raise StorageOutage(
                "[pullthrough] data: cannot change while the daemon runs; restart it"
            )
        return await self._candidate(settings, self._taken)

    async def take(self, candidate: Candidate) -> None:
        """Serve by it from now on; requests under way end as they began.

        Whose password has changed, or who is gone, has no tokens any more (I13).
        """
        before, self._taken = self._taken, candidate
        self._limit(self.settings)
        with suppress(StorageOutage):  # it is taken all the same
            self._audit(AuditEvent("reload"))
        for name, entry in before.users.items():
            if candidate.users.get(name) != entry:
                self._tokens.revoke(name)
        await before.graph.upstreams.close()

    def _limit(self, settings: Settings) -> None:
        files, _ = getrlimit(RLIMIT_NOFILE)
        self._crowd.limit(
            min(settings.connections, int(files * CONNECTION_SHARE)),
            settings.connections_per_address,
            TrustedProxies(settings.trusted_proxies),
        )

    async def _candidate(
        self, settings: Settings, before: Candidate | None
    ) -> Candidate:
        stores = {}
        for described in settings.blob_stores:
            stores[described.name] = await self._store(described)
        numbers = {
            one.name: await self._metadata.repository(one.name, one.kind.value)
            for one in settings.repositories
            if one.blob_store_name
        }
        upstreams = Upstreams(
            settings.http, self._reactor, before.graph.upstreams if before else None
        )
        graph = Graph(
            settings,
            self._reactor,
            self._metadata,
            stores,
            numbers,
            upstreams,
            self._lasting,
        )
        users = self._users(settings)
        return Candidate(graph, users, tuple(self._serve(graph, users)))

    # -- parts --

    async def _store(self, described: BlobStore) -> FilesystemBlobStore:
        """A blob store; before it is first used, what a crash has left is removed."""
        store = self._stores.get(described.path)
        if store is None:
            store = FilesystemBlobStore(described.name, described.path, self._disk)
            for_ever = float("inf")
            open_uploads = await self._metadata.uploads_before(for_ever, for_ever)
            keep = {record.identifier for record in open_uploads}
            await self._disk.run(_prepare, store, keep)
            self._stores[described.path] = store
        return store

    def _users(self, settings: Settings) -> Mapping[str, bytes]:
        htpasswd: Path | None = settings.auth.htpasswd
        self.admin = None
        if htpasswd is None:
            self.admin = ensure_admin(settings.data)
            htpasswd = self.admin.htpasswd
        return parse_htpasswd(htpasswd.read_text("utf-8"))

    def _serve(self, graph: Graph, users: Mapping[str, bytes]) -> list[Served]:
        settings = graph.settings
        trusted = TrustedProxies(settings.trusted_proxies)
        proxies = TrustedProxies(settings.proxy_protocol)
        authenticator = Authenticator(
            users,
            self._tokens,
            self._passwords,
            self._reactor,
            os.urandom,
            Logins(self._metadata, users, os.urandom, time.time),
            self._throttle,
        )
        sites = self._sites(graph, authenticator)
        main = self._main(settings, sites, authenticator)
        found: list[Served] = []

        def serve(
            connector: Connector, what: Application, repository: IRepository | None
        ) -> None:
            def listen(there: Any) -> IListener:
                secure = connector.scheme == "https"
                listener = there or Listener(
                    what, self._reactor, secure, trusted, self._crowd
                )
                listener.adopt(what, trusted)
                return cast(IListener, listener)

            found.append(Served(connector, repository, listen, proxies))

        for one in settings.repositories:
            for connector in one.connectors:
                serve(connector, sites[one.name], graph.repositories[one.name])
        for connector in settings.admin:
            serve(connector, main, None)
        return found

    def _sites(self, graph: Graph, authenticator: IAuthenticator) -> Mapping[str, Site]:
        """What serves each repository, by name."""
        policy = _policy(graph.settings)
        return {
            one.name: Site(
                graph.repositories[one.name],
                Guard(
                    one.name, authenticator, policy, one.force_basic_auth, one.mirror
                ),
                self._note,
                self._reactor,
                time.time,
                v1_enabled=one.v1_enabled,
                audit=self._audit,
            )
            for one in graph.settings.repositories
        }

    def _main(
        self,
        settings: Settings,
        sites: Mapping[str, Site],
        authenticator: IAuthenticator,
    ) -> Main:
        """What serves the main connector."""
        policy = _policy(settings)
        return Main(
            sites,
            {one.subdomain: one.name for one in settings.repositories if one.subdomain},
            Everything(
                sites,
                authenticator,
                policy,
                self._note,
                self._reactor,
                time.time,
                self._audit,
            ),
            Pages(self._documents, authenticator),
        )

    def _states(self) -> Sequence[UpstreamState]:
        return self._taken.graph.upstreams.states()

    def _note(self, line: AccessLine) -> None:
        """Every request, for the log and the metrics."""
        self._access_log(line)
        self._metrics.observe(line)


def _policy(settings: Settings) -> IAccessPolicy:
    anonymous = settings.auth.anonymous_access
    if settings.roles:
        return RolePolicy(anonymous, settings.roles)
    return SimplePolicy(anonymous)


def _prepare(store: FilesystemBlobStore, keep: set[str]) -> None:
    store.prepare()
    store.sweep(keep)


def at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for, before the reactor."""
    results: list[T] = []
    failures: list[BaseException] = []
    Deferred.fromCoroutine(coroutine).addCallbacks(
        results.append, lambda failure: failures.append(failure.value)
    )
    for problem in failures:
        raise problem
    return results[0]
