"""Repositories in memory, for tests: real stores, a scripted upstream."""

from itertools import count

from twisted.internet.task import Clock

from pullthrough.metadata.memory import MemoryMetadataStore
from pullthrough.repository.fills import Fills
from pullthrough.repository.hosted import HostedRepository
from pullthrough.repository.manifests import Manifests
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.repository.uploads import Uploads
from pullthrough.spec.writepolicy import Deployment
from pullthrough.storage.memory import MemoryBlobStore
from tests.support.upstream import ScriptedUpstream


class House:
    """One blob store and one metadata store, and repositories on them."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.store = MemoryBlobStore("blobs")
        self.metadata = MemoryMetadataStore()
        self._keys = count(1)
        self._ids = count(1)

    def new_key(self) -> str:
        """Keys that a test can foresee."""
        return f"{next(self._keys):032x}"

    def hosted(
        self, name: str = "own", deployment: Deployment | None = None
    ) -> HostedRepository:
        """A hosted repository."""
        number = next(self._ids)
        manifests = Manifests(number, self.store, self.metadata, self.new_key)
        self.uploads = Uploads(
            number, self.store, self.metadata, self.new_key, self.clock.seconds
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
        )

    def proxy(
        self,
        upstream: ScriptedUpstream,
        name: str = "hub",
        library: bool = False,
        max_age: float = 3600.0,
    ) -> ProxyRepository:
        """A proxy repository of that upstream."""
        number = next(self._ids)
        self.fills = Fills(self.store, self.clock, self.new_key)
        return ProxyRepository(
            name,
            number,
            upstream,
            self.store,
            self.metadata,
            Manifests(number, self.store, self.metadata, self.new_key),
            self.fills,
            library=library,
            max_age=max_age,
            now=self.clock.seconds,
        )
