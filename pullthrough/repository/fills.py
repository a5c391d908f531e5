"""The fills under way in one proxy repository: at most one for a digest."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from pullthrough.errors import RegistryError
from pullthrough.interfaces import IBlobStore, IContent, IIngest
from pullthrough.repository.fill import Fill, OpenUpstream
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.values import FillState
from pullthrough.waiters import Waiters

#: Seconds for which the beginning of a broken fill is kept, to be resumed.
KEEPING = 600.0


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What a fill that failed has left in the store."""

    key: str
    offset: int
    expiry: IDelayedCall


class Fills:
    """Begins fills, lets readers join them, and keeps what can be resumed.

    :param new_key: makes names for ingests, unique in the store.
    """

    _log = Logger()

    def __init__(
        self, store: IBlobStore, clock: IReactorTime, new_key: Callable[[], str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._new_key = new_key
        self._fills: dict[Digest, Fill] = {}
        self._beginnings: dict[Digest, _Beginning] = {}
        self._ending = Waiters()
        self._wrong = 0

    def under_way(self, digest: Digest) -> Fill | None:
        """The fill of that digest, if one runs."""
        return self._fills.get(digest)

    async def follow(
        self,
        image: ImageName,
        digest: Digest,
        open_upstream: OpenUpstream,
        size: int | None,
        committed: Callable[[ImageName, int], Awaitable[None]],
    ) -> IContent:
        """Read a blob while it is fetched; begin to fetch it if nobody has.

        :param image: by whose name it is read; the caller knows that it may be.
        :param size: in bytes, where a manifest has told it.
        :raises RegistryError: when the upstream or the store fails at once.
        """
        fill = self._fills.get(digest)
        if fill is None:
            fill = self._begin(image, digest, open_upstream, size, committed)
        else:
            fill.join(image)
        return await fill.follow()

    def state(self, name: str) -> FillState:
        """How it stands with them.

        :param name: of the repository.
        """
        followers = sum(fill.followers for fill in self._fills.values())
        return FillState(name, len(self._fills), followers, self._wrong)

    async def stop(self) -> None:
        """End each fill where it can be resumed; one that has come whole is kept.

        Who still waits for an upstream's answer has nothing to lose, and is left.
        """
        for fill in tuple(self._fills.values()):
            fill.stop()
        await self._ending.until(
            lambda: all(fill.asking for fill in self._fills.values())
        )

    def close(self) -> None:
        """Forget what is kept; the store sweeps it at the next start."""
        for beginning in self._beginnings.values():
            beginning.expiry.cancel()
        self._beginnings.clear()

    def _begin(
        self,
        image: ImageName,
        digest: Digest,
        open_upstream: OpenUpstream,
        size: int | None,
        committed: Callable[[ImageName, int], Awaitable[None]],
    ) -> Fill:
        key = self._new_key()
        beginning = self._beginnings.pop(digest, None)
        if beginning is not None:
            beginning.expiry.cancel()
            key = beginning.key
        opened: list[IIngest] = []

        async def open_ingest() -> IIngest:
            opened.append(await self._open_ingest(key, digest, beginning))
            return opened[0]

        fill = Fill(digest, open_upstream, open_ingest, size, committed, self._clock)
        self._fills[digest] = fill
        fill.join(image)
        running = Deferred.fromCoroutine(self._run(fill, digest, key, opened))
        running.addErrback(lambda bug: self._log.failure("a fill failed", bug))
        return fill

    async def _open_ingest(
        self, key: str, digest: Digest, beginning: _Beginning | None
    ) -> IIngest:
        if beginning is not None:
            try:
                return await self._store.resume(key, beginning.offset, digest.algorithm)
            except RegistryError:
                await self._store.discard(key)
        return await self._store.ingest(key, digest.algorithm)

    async def _run(
        self, fill: Fill, digest: Digest, key: str, opened: list[IIngest]
    ) -> None:
        try:
            await fill.run()
        finally:
            del self._fills[digest]
            self._wrong += fill.wrong
            self._ending.wake()
        if fill.failure is None or not opened:
            return
        offset = opened[0].written
        # Its last reader may have closed it, and then abort() would drop nothing. Who
        # reads what is complete closes it later.
        if not fill.complete:
            await opened[0].close()
        if fill.resumable and offset > 0:
            self._keep(digest, key, offset)
        else:
            self._discard(key)

    def _keep(self, digest: Digest, key: str, offset: int) -> None:
        """Keep a beginning, in place of one that another fill has kept meanwhile."""
        before = self._beginnings.pop(digest, None)
        if before is not None:
            before.expiry.cancel()
            self._discard(before.key)
        expiry = self._clock.callLater(KEEPING, self._expire, digest)
        self._beginnings[digest] = _Beginning(key, offset, expiry)

    def _expire(self, digest: Digest) -> None:
        self._discard(self._beginnings.pop(digest).key)

    def _discard(self, key: str) -> None:
        dropped = Deferred.fromCoroutine(self._store.discard(key))
        dropped.addErrback(
            lambda failure: self._log.failure("an old ingest stays", failure)
        )
