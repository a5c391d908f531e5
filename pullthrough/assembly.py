"""From the configuration to everything that runs, and from one to the next."""

import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
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
from pullthrough.budgets import Budgets
from pullthrough.changes import Changes
from pullthrough.config.model import BlobStore, Connector, Settings
from pullthrough.errors import StorageOutage
from pullthrough.graph import Graph, Lasting
from pullthrough.interfaces import IAccessPolicy, IAuthenticator, IListener, IRepository
from pullthrough.metadata.lock import DataLock
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.ops.auditlog import AuditLog
from pullthrough.ops.requestnotes import WriteLines
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.upstreams import Upstreams
from pullthrough.watch import Watch
from pullthrough.web.everything import Everything
from pullthrough.web.exchange import Application
from pullthrough.web.guard import Guard
from pullthrough.web.kept import KeptAnswers
from pullthrough.web.listener import Listener
from pullthrough.web.main import Main
from pullthrough.web.pages import Pages
from pullthrough.web.site import Site
from pullthrough.workers.shared import Shared

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """A connector and what it serves.

    :ivar repository: None on the main connector, which serves them all.
    :ivar listen: what speaks on it; of a listener that is there already, which then
        serves this from its next request on.
    :ivar shared: whether workers may serve its clients as well: not where more is to be
        known of a connection than its two addresses.
    :ivar proxies: whose connections begin with a PROXY header.
    """

    connector: Connector
    repository: IRepository | None
    listen: Callable[[Any], IListener]
    proxies: TrustedProxies
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration that is ready to be taken.

    :ivar stores: its blob stores, by name.
    :ivar served: its connectors, in the order configured.
    """

    graph: Graph
    stores: Mapping[str, FilesystemBlobStore]
    users: Mapping[str, bytes]
    served: tuple[Served, ...]


class Assembly:
    """Everything that the daemon is made of. Blocks while it is built.

    :param access_log: takes lines of the access log; None: they are logged one by one.
    :param shared: memory that workers share with us; None: there are none.
    :ivar served: the connectors, in the order configured.
    :ivar admin: where the generated password lies; None with an htpasswd file.
    :raises StorageOutage: when data or a blob store cannot be used.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        access_log: WriteLines | None = None,
        shared: Shared | None = None,
    ) -> None:
        self._reactor = reactor
        self._budgets = Budgets(reactor, shared.counts if shared else None)
        changes = Changes(shared.stamps if shared else None)
        data = settings.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = DataLock(data / "pullthrough.lock")
        self._metadata = SqliteMetadataStore(
            data / "metadata.sqlite",
            self._budgets.writing,
            self._budgets.reading,
            changes=changes,
        )
        self._stores: dict[Path, FilesystemBlobStore] = {}
        self._lasting = Lasting(self._budgets.sessions, self._budgets.parsing)
        self._tokens = Tokens(reactor, os.urandom)
        self._throttle = Throttle(reactor.seconds)
        self._audit = AuditLog(data / "audit.jsonl", time.time)
        self._watch = Watch(
            reactor,
            access_log or _log_each(Logger(namespace="access")),
            self._budgets,
            self._metadata,
            self._lock,
            lambda: self._taken.stores,
            lambda: self._taken.graph,
        )
        self._note = self._watch.note
        self.admin: Bootstrap | None = None
        self._kept = KeptAnswers(self._metadata.changes)
        self._taken = at_once(self._candidate(settings, None))
        self._budgets.limit(settings)

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
        self._budgets.start()
        self._watch.lag.start()

    async def sweep(self) -> None:
        """Remove what has outlived its time."""
        for uploads in self._lasting.uploads.values():
            ended = await uploads.sweep()
            if ended:
                self._log.info("{ended} upload sessions have expired", ended=ended)
        await self._metadata.end_logins_before(time.time() - UNUSED)

    @property
    def watched(self) -> bool:
        """Whether somebody watches whether we are ready."""
        return self._watch.readiness.watched

    def leave(self) -> None:
        """Be ready no more; no worker answers by itself any more."""
        self._watch.readiness.stop()
        self._metadata.changes.configured()

    async def stop(self) -> None:
        """Finish what is under way, and close everything."""
        self._watch.lag.stop()
        self._note.flush()
        for fills in self._lasting.fills.values():
            await fills.stop()
            fills.close()
        for uploads in self._lasting.uploads.values():
            await uploads.close()
        await self._taken.graph.upstreams.close()
        await self._metadata.close()
        self._budgets.stop()
        self._lock.release()

    # -- for workers --

    @property
    def processes(self) -> int:
        """How many serve clients, we among them."""
        return self.settings.workers

    @property
    def limits(self) -> tuple[int, int]:
        """The most connections in all, and from one address."""
        return self._budgets.crowd.limits

    def answered(self, line: AccessLine, peer: str, times: int) -> None:
        """A worker has answered so again, a client at that address, so many times."""
        self._note.again(line, peer, times)

    def refused(self, count: int) -> None:
        """A worker has turned away so many clients."""
        self._budgets.crowd.refused += count

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
        self._budgets.limit(self.settings)
        with suppress(StorageOutage):  # it is taken all the same
            self._audit(AuditEvent("reload"))
        for name, entry in before.users.items():
            if candidate.users.get(name) != entry:
                self._tokens.revoke(name)
        self._kept.clear()
        await before.graph.upstreams.close()

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
        return Candidate(graph, stores, users, tuple(self._serve(graph, users)))

    # -- parts --

    async def _store(self, described: BlobStore) -> FilesystemBlobStore:
        """A blob store; before it is first used, what a crash has left is removed."""
        store = self._stores.get(described.path)
        if store is None:
            store = FilesystemBlobStore(
                described.name, described.path, self._budgets.disk
            )
            for_ever = float("inf")
            open_uploads = await self._metadata.uploads_before(for_ever, for_ever)
            keep = {record.identifier for record in open_uploads}
            await self._budgets.disk.run(_prepare, store, keep)
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
            self._budgets.passwords,
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
                    what, self._reactor, secure, trusted, self._budgets.crowd
                )
                listener.adopt(what, trusted)
                self._metadata.changes.configured()
                return cast(IListener, listener)

            plain = not (trusted or proxies or connector.tls_client_ca)
            found.append(Served(connector, repository, listen, proxies, plain))

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
                kept=self._kept,
                transfers=self._budgets.transfers,
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
            Pages(self._watch.pages, authenticator),
        )


def _policy(settings: Settings) -> IAccessPolicy:
    anonymous = settings.auth.anonymous_access
    if settings.roles:
        return RolePolicy(anonymous, settings.roles)
    return SimplePolicy(anonymous)


def _log_each(log: Logger) -> WriteLines:
    def write(lines: Sequence[tuple[str, int]]) -> None:
        for text, times in lines:
            for _ in range(times):
                log.info("{text}", text=text)

    return write


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
