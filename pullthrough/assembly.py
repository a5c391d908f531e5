"""From the configuration to the object graph; the one file that names classes."""

import os
import secrets
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from pullthrough.access.bootstrap import Bootstrap, ensure_admin
from pullthrough.access.htpasswd import parse_htpasswd
from pullthrough.access.policy import SimplePolicy
from pullthrough.access.principals import Authenticator
from pullthrough.access.tokens import Tokens
from pullthrough.config.model import Connector, Kind, Remote, Settings
from pullthrough.config.model import Repository as Described
from pullthrough.interfaces import IRepository
from pullthrough.metadata.lock import DataLock
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.ops.accesslog import AccessLogger
from pullthrough.repository.fills import Fills
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.hosted import HostedRepository
from pullthrough.repository.manifests import Manifests
from pullthrough.repository.negative import KnownMisses
from pullthrough.repository.offline import OfflineRepository
from pullthrough.repository.proxied import ProxiedManifests
from pullthrough.repository.proxiedblobs import ProxiedBlobs
from pullthrough.repository.proxiedreferrers import ProxiedReferrers
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.repository.uploads import Uploads
from pullthrough.repository.writable import WritableGroup
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.threads import Threads
from pullthrough.upstreams import Upstreams
from pullthrough.web.guard import Guard
from pullthrough.web.listener import Listener
from pullthrough.web.site import Site

T = TypeVar("T")

#: Threads for files; for password hashes, few, so that guessing is slow.
DISK_THREADS = 8
PASSWORD_THREADS = 2


@dataclass(frozen=True, slots=True)
class Served:
    """A connector, what it serves, and what speaks on it."""

    connector: Connector
    repository: IRepository
    listener: Listener


class Assembly:
    """Everything that the daemon is made of. Blocks while it is built.

    :ivar served: the connectors, in the order configured.
    :ivar admin: where the generated password lies; None with an htpasswd file.
    :raises StorageOutage: when data or a blob store cannot be used.
    """

    _log = Logger(namespace="pullthrough")

    def __init__(self, settings: Settings, reactor: Any) -> None:
        self._settings = settings
        self._reactor = reactor
        self._disk = Threads(reactor, "disk", DISK_THREADS)
        self._writing = Threads(reactor, "metadata writer", 1)
        self._reading = Threads(reactor, "metadata reader", 1)
        self._passwords = Threads(reactor, "passwords", PASSWORD_THREADS)
        self._uploads: list[Uploads] = []
        self._fills: list[Fills] = []
        data = settings.data
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = DataLock(data / "pullthrough.lock")
        self._metadata = SqliteMetadataStore(
            data / "metadata.sqlite", self._writing, self._reading
        )
        self._stores = {
            store.name: FilesystemBlobStore(store.name, store.path, self._disk)
            for store in settings.blob_stores
        }
        self._prepare_stores()
        self._upstreams = Upstreams(settings.http, reactor)
        self._repositories: dict[str, IRepository] = {}
        described = {one.name: one for one in settings.repositories}
        for one in settings.repositories:
            self._repository(one, described)
        self.admin: Bootstrap | None = None
        self.served = tuple(
            self._serve(
                Authenticator(
                    self._users(),
                    Tokens(reactor, os.urandom),
                    self._passwords,
                    reactor,
                    os.urandom,
                )
            )
        )

    def start(self) -> None:
        """The reactor runs: work in threads from now on."""
        for threads in (self._disk, self._writing, self._reading, self._passwords):
            threads.start()

    async def sweep(self) -> None:
        """Remove what has outlived its time."""
        for uploads in self._uploads:
            ended = await uploads.sweep()
            if ended:
                self._log.info("{ended} upload sessions have expired", ended=ended)

    async def stop(self) -> None:
        """Finish what is under way, and close everything."""
        for fills in self._fills:
            fills.close()
        for uploads in self._uploads:
            await uploads.close()
        await self._upstreams.close()
        await self._metadata.close()
        for threads in (self._disk, self._writing, self._reading, self._passwords):
            threads.stop()
        self._lock.release()

    # -- parts --

    def _prepare_stores(self) -> None:
        for_ever = float("inf")
        open_uploads = at_once(self._metadata.uploads_before(for_ever, for_ever))
        keep = {record.identifier for record in open_uploads}
        for store in self._stores.values():
            store.prepare()
            store.sweep(keep)

    def _repository(
        self, one: Described, described: dict[str, Described]
    ) -> IRepository:
        """A repository, made when it is new; members before their groups."""
        made = self._repositories.get(one.name)
        if made is None:
            made = self._make(one, described)
            self._repositories[one.name] = made
        return made

    def _make(self, one: Described, described: dict[str, Described]) -> IRepository:
        if not one.online:
            return OfflineRepository(one.name, one.kind.value)
        if one.kind is Kind.GROUP:
            members = [
                self._repository(described[name], described)
                for name in one.member_names
            ]
            group = GroupRepository(one.name, members)
            writable = self._repositories.get(one.writable_member)
            if isinstance(writable, HostedRepository | OfflineRepository):
                return WritableGroup(group, writable)
            return group
        number = at_once(self._metadata.repository(one.name, one.kind.value))
        store = self._stores[one.blob_store_name]
        manifests = Manifests(number, store, self._metadata, new_key)
        if one.remote is not None:
            return self._proxy(one, number, one.remote, store, manifests)
        uploads = Uploads(number, store, self._metadata, new_key, time.time)
        self._uploads.append(uploads)
        return HostedRepository(
            one.name,
            number,
            store,
            self._metadata,
            manifests,
            uploads,
            time.time,
            one.deployment,
            any_type=not one.strict_content_type_validation,
        )

    def _proxy(
        self,
        one: Described,
        number: int,
        remote: Remote,
        store: FilesystemBlobStore,
        manifests: Manifests,
    ) -> ProxyRepository:
        upstream = self._upstreams.upstream(one.name, remote)
        misses = KnownMisses(remote.negative_time_to_live, self._reactor.seconds)
        fills = Fills(store, self._reactor, new_key)
        self._fills.append(fills)
        common = (one.name, number, upstream)
        return ProxyRepository(
            *common,
            self._metadata,
            manifests,
            ProxiedManifests(
                *common,
                self._metadata,
                manifests,
                remote.freshness,
                misses,
                time.time,
                any_type=not one.strict_content_type_validation,
            ),
            ProxiedBlobs(*common, store, self._metadata, fills, misses),
            ProxiedReferrers(*common, self._metadata, remote.freshness, time.time),
            index=self._upstreams.index(remote),
            rule=remote.rule,
            library=remote.library,
        )

    def _users(self) -> dict[str, bytes]:
        htpasswd = self._settings.auth.htpasswd
        if htpasswd is None:
            self.admin = ensure_admin(self._settings.data)
            htpasswd = self.admin.htpasswd
        return parse_htpasswd(htpasswd.read_text("utf-8"))

    def _serve(self, authenticator: Authenticator) -> list[Served]:
        trusted = TrustedProxies(self._settings.trusted_proxies)
        policy = SimplePolicy(self._settings.auth.anonymous_access)
        access_log = AccessLogger(Logger(namespace="access"))
        found = []
        for one in self._settings.repositories:
            repository = self._repositories[one.name]
            guard = Guard(
                one.name, authenticator, policy, one.force_basic_auth, one.mirror
            )
            site = Site(
                repository,
                guard,
                access_log,
                self._reactor,
                time.time,
                v1_enabled=one.v1_enabled,
            )
            for connector in one.connectors:
                secure = connector.scheme == "https"
                listener = Listener(site, self._reactor, secure, trusted)
                found.append(Served(connector, repository, listener))
        return found


def new_key() -> str:
    """A name for an ingest or an upload session: 128 random bits."""
    return secrets.token_hex(16)


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
