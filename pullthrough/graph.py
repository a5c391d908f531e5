"""The repositories of one configuration, and what they take over from the last one."""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pullthrough.allowance import Allowance
from pullthrough.config.model import Kind, Remote, Settings
from pullthrough.config.model import Repository as Described
from pullthrough.interfaces import IBlobStore, IMetadataStore, IRepository
from pullthrough.repository.fills import Fills
from pullthrough.repository.group import GroupRepository
from pullthrough.repository.hosted import HostedRepository
from pullthrough.repository.manifests import Manifests
from pullthrough.repository.negative import KnownMisses
from pullthrough.repository.offline import OfflineRepository
from pullthrough.repository.owned import Owned, Owns, nothing
from pullthrough.repository.proxied import ProxiedManifests
from pullthrough.repository.proxiedblobs import ProxiedBlobs
from pullthrough.repository.proxiedreferrers import ProxiedReferrers
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.repository.sessions import Owner, Sessions
from pullthrough.repository.uploads import Uploads
from pullthrough.repository.writable import WritableGroup
from pullthrough.threads import IThreads
from pullthrough.upstreams import Upstreams
from pullthrough.values import FillState


@dataclass
class Lasting:
    """What outlives a configuration: open upload sessions and running fills, by the
    repository's id and its blob store.

    :ivar sessions: counts the sessions of everybody.
    :ivar parsing: where large manifests are read.
    """

    sessions: Allowance[Owner]
    parsing: IThreads
    uploads: dict[tuple[int, IBlobStore], Uploads] = field(default_factory=dict)
    fills: dict[tuple[int, IBlobStore], Fills] = field(default_factory=dict)


class Graph:
    """Makes every repository of a configuration.

    :param stores: the blob stores by name.
    :param numbers: the id of each repository that is no group, by name.
    :param lasting: what was there before; this one adds to it.
    :ivar repositories: by name.
    """

    def __init__(
        self,
        settings: Settings,
        reactor: Any,
        metadata: IMetadataStore,
        stores: Mapping[str, IBlobStore],
        numbers: Mapping[str, int],
        upstreams: Upstreams,
        lasting: Lasting,
    ) -> None:
        self.settings = settings
        self.upstreams = upstreams
        self.stores = stores
        self.repositories: dict[str, IRepository] = {}
        self._reactor = reactor
        self._metadata = metadata
        self._numbers = numbers
        self._lasting = lasting
        self._namespaces: dict[str, set[str]] = {}
        for one in settings.repositories:
            for namespace in one.remote.namespaces if one.remote else ():
                self._namespaces.setdefault(namespace, set()).add(one.name)
        self._described = {one.name: one for one in settings.repositories}
        for name in self._described:
            self._repository(name)

    def fills(self) -> Sequence[FillState]:
        """How it stands with what each proxy fetches."""
        found = (
            (one.name, self._lasting.fills.get(self._place(one)))
            for one in self.settings.repositories
            if one.remote is not None
        )
        return [fills.state(name) for name, fills in found if fills is not None]

    def _place(self, one: Described) -> tuple[int, IBlobStore]:
        return self._numbers[one.name], self.stores[one.blob_store_name]

    def _repository(self, name: str) -> IRepository:
        """A repository, made when it is new; members before their groups."""
        made = self.repositories.get(name)
        if made is None:
            made = self._make(self._described[name])
            self.repositories[name] = made
        return made

    def _make(self, one: Described) -> IRepository:
        if not one.online:
            return OfflineRepository(one.name, one.kind.value, self._owned(one))
        if one.kind is Kind.GROUP:
            group = GroupRepository(
                one.name,
                [self._repository(name) for name in one.member_names],
                self._namespaces,
            )
            writable = self.repositories.get(one.writable_member)
            if isinstance(writable, HostedRepository | OfflineRepository):
                return WritableGroup(group, writable, self._lasting.parsing)
            return group
        if one.remote is not None:
            return self._proxy(one, one.remote)
        return self._hosted(one)

    def _manifests(self, number: int, store: IBlobStore) -> Manifests:
        return Manifests(number, store, self._metadata, new_key, self._lasting.parsing)

    def _owned(self, one: Described) -> Owns:
        """The names that it owns; while it is offline also all that it has."""
        if one.kind is not Kind.HOSTED:
            return nothing
        ownership = one.ownership
        if not one.online:
            ownership = replace(ownership, existing=True)
        return Owned(ownership, self._numbers[one.name], self._metadata)

    def _hosted(self, one: Described) -> HostedRepository:
        number, store = self._place(one)
        uploads = self._lasting.uploads.setdefault(
            (number, store),
            Uploads(
                number,
                store,
                self._metadata,
                new_key,
                time.time,
                Sessions(self._lasting.sessions, time.time),
            ),
        )
        return HostedRepository(
            one.name,
            number,
            store,
            self._metadata,
            self._manifests(number, store),
            uploads,
            time.time,
            one.deployment,
            any_type=not one.strict_content_type_validation,
            owned=self._owned(one),
        )

    def _proxy(self, one: Described, remote: Remote) -> ProxyRepository:
        number, store = self._place(one)
        fills = self._lasting.fills.setdefault(
            (number, store), Fills(store, self._reactor, new_key)
        )
        upstream = self.upstreams.upstream(one.name, remote)
        # Apart: a digest that is no manifest may be a blob.
        misses, blob_misses = (
            KnownMisses(remote.negative_time_to_live, self._reactor.seconds)
            for _ in range(2)
        )
        manifests = self._manifests(number, store)
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
            ProxiedBlobs(
                *common,
                store,
                self._metadata,
                fills,
                blob_misses,
                self.upstreams.foreign(remote),
            ),
            ProxiedReferrers(*common, self._metadata, remote.freshness, time.time),
            index=self.upstreams.index(remote),
            rule=remote.rule,
            library=remote.library,
        )


def new_key() -> str:
    """A name for an ingest or an upload session: 128 random bits."""
    return secrets.token_hex(16)
