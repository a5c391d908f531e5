"""What people and monitoring are told of the running daemon."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pullthrough.budgets import Budgets
from pullthrough.config.clients import settings_of_clients
from pullthrough.graph import Graph
from pullthrough.metadata.lock import DataLock
from pullthrough.metadata.sqlite import SqliteMetadataStore
from pullthrough.ops.admin import documents
from pullthrough.ops.lag import LagProbe
from pullthrough.ops.metrics import Metrics
from pullthrough.ops.readiness import Check, Readiness
from pullthrough.ops.requestnotes import RequestNotes, WriteLines
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.values import Document, Inquiry, Load, UpstreamState


class Watch:
    """Pages and metrics.

    :param access_log: takes lines of the access log.
    :param stores: those in use, by name.
    :param graph: what is served now.
    :ivar note: takes what is told of each request.
    :ivar lag: a probe of the event loop.
    :ivar readiness: whether clients should be sent to us.
    :ivar pages: of the main connector, by path.
    """

    def __init__(
        self,
        reactor: Any,
        access_log: WriteLines,
        budgets: Budgets,
        metadata: SqliteMetadataStore,
        lock: DataLock,
        stores: Callable[[], Mapping[str, FilesystemBlobStore]],
        graph: Callable[[], Graph],
    ) -> None:
        self._budgets = budgets
        self._metadata = metadata
        self._lock = lock
        self._stores = stores
        self._graph = graph
        self._metrics = Metrics(
            self._states, self._loads, lambda: graph().fills(), self._rotten
        )
        self.note = RequestNotes(reactor, access_log, self._metrics.requests.observe)
        self.lag = LagProbe(reactor, self._metrics.lagged)
        self._metrics.watch(lambda: self.lag.longest)
        self.readiness = Readiness(reactor, self._checks)
        self.pages: Mapping[str, Document | Inquiry] = documents(
            self._scraped,
            self._states,
            lambda host: settings_of_clients(graph().settings, host),
            self.readiness.tell,
        )

    def _checks(self) -> Sequence[Check]:
        """What must work for us to be ready."""
        return [
            Check("lock", "the lock of the metadata store", self._look_at_lock),
            Check("metadata", "the metadata store", self._metadata.probe),
            *(
                Check("blob stores", f"blob store {name}", store.probe)
                for name, store in self._stores().items()
            ),
        ]

    async def _look_at_lock(self) -> None:
        await self._budgets.reading.run(self._lock.check)

    def _states(self) -> Sequence[UpstreamState]:
        return self._graph().upstreams.states()

    def _loads(self) -> Sequence[Load]:
        return [
            *self._budgets.loads(),
            self._metadata.load(),
            *self._graph().upstreams.loads(),
        ]

    def _rotten(self) -> Mapping[str, int]:
        return {name: store.rotten for name, store in self._stores().items()}

    def _scraped(self) -> bytes:
        self.note.flush()
        return self._metrics.text()
