"""Repositories in memory, for tests: real stores, a scripted upstream."""

from itertools import count
from typing import Any

from twisted.internet.task import Clock

from pullthrough.allowance import Allowance
from pullthrough.interfaces import IForeignLayers, IUpstream
from pullthrough.metadata.memory import MemoryMetadataStore
from pullthrough.repository.fills import Fills
from pullthrough.repository.hosted import HostedRepository
from pullthrough.repository.manifests import Manifests
from pullthrough.repository.negative import KnownMisses
from pullthrough.repository.owned import Owned
from pullthrough.repository.proxied import ProxiedManifests
from pullthrough.repository.proxiedblobs import ProxiedBlobs
from pullthrough.repository.proxiedreferrers import ProxiedReferrers
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.repository.sessions import PER_IMAGE, Owner, Sessions
from pullthrough.repository.uploads import Uploads
from pullthrough.spec.freshness import Freshness
from pullthrough.spec.ownership import Ownership
from pullthrough.spec.writepolicy import Deployment
from pullthrough.storage.memory import MemoryBlobStore
from pullthrough.threads import Inline, IThreads


class House:
    """One blob store and one metadata store, and repositories on them.

    :param clock: of a network, perhaps.
    :param store: another than one in memory.
    """

    def __init__(self, clock: Clock | None = None, store: Any = None) -> None:
        self.clock = clock or Clock()
        self.clock.advance(1_000_000)
        self.store = store or MemoryBlobStore("blobs")
        self.metadata = MemoryMetadataStore()
        self.threads: IThreads = Inline()
        self.sessions: Allowance[Owner] = Allowance(PER_IMAGE, self.clock, "uploads")
        self._keys = count(1)
        self._ids = count(1)

    def new_key(self) -> str:
        """Keys that a test can foresee."""
        return f"{next(self._keys):032x}"

    def hosted(
        self,
        name: str = "own",
        deployment: Deployment | None = None,
        ownership: Ownership = Ownership(),  # noqa: B008  frozen
    ) -> HostedRepository:
        """A hosted repository."""
        number = next(self._ids)
        self.owned = Owned(ownership, number, self.metadata)
        manifests = Manifests(
            number, self.store, self.metadata, self.new_key, self.threads
        )
        self.uploads = Uploads(
            number,
            self.store,
            self.metadata,
            self.new_key,
            self.clock.seconds,
            Sessions(self.sessions, self.clock.seconds),
        )
        return HostedRepository(
            name,
            number,
            self.store,
            self.metadata,
            manifests,
            self.uploads,
            self.clock.seconds,
            deployment or Deployment(),
            owned=self.owned,
        )

    def proxy(
        self,
        upstream: IUpstream,
        name: str = "hub",
        library: bool = False,
        freshness: Freshness = Freshness(3600.0),  # noqa: B008  frozen
        time_to_live: float = 600.0,
        foreign: IForeignLayers | None = None,
        **more: Any,
    ) -> ProxyRepository:
        """A proxy repository of that upstream."""
        number = next(self._ids)
        now = self.clock.seconds
        self.fills = Fills(self.store, self.clock, self.new_key)
        self.misses = KnownMisses(time_to_live, now)
        blob_misses = KnownMisses(time_to_live, now)
        manifests = Manifests(
            number, self.store, self.metadata, self.new_key, self.threads
        )
        common = (name, number, upstream)
        return ProxyRepository(
            *common,
            self.metadata,
            manifests,
            ProxiedManifests(
                *common, self.metadata, manifests, freshness, self.misses, now
            ),
            ProxiedBlobs(
                *common, self.store, self.metadata, self.fills, blob_misses, foreign
            ),
            ProxiedReferrers(*common, self.metadata, freshness, now),
            library=library,
            **more,
        )
