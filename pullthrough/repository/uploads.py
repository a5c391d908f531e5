"""Upload sessions: resumable, bound to a principal, a repository and an image."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from twisted.internet.interfaces import IProducer
from zope.interface import implementer

from pullthrough.errors import Invalid, Miss, Refused, RegistryError
from pullthrough.interfaces import IBlobStore, IIngest, IMetadataStore, IUpload
from pullthrough.repository.sessions import Sessions
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.values import UploadRecord

#: How many resting sessions keep their file open, so that the hash need not be
#: made again when they go on.
RESTING = 64

#: How many sessions into which nothing has come are kept in memory only.
FRESH = 1000

#: Seconds after which a session that nobody uses ends, and any session does.
IDLE = 3600.0
LONGEST = 24 * 3600.0

#: Seconds for which a blob is kept until a manifest links to it (reliability 4.2).
LEASE = 24 * 3600.0


@dataclass(slots=True)
class Session:
    """A session that we have at hand.

    :ivar record: as it last rested.
    :ivar recorded: whether the metadata store knows it; a crash ends it otherwise.
    """

    record: UploadRecord
    ingest: IIngest
    recorded: bool

    @property
    def identifier(self) -> str:
        """What stands in the URL."""
        return self.record.identifier


class Uploads:
    """The upload sessions of one hosted repository.

    A session is recorded once a byte of it is durable: until then a crash takes nothing
    from its client but the session (docs/decisions/0010-a-session-begins-in-memory.md).

    :param new_key: makes identifiers that cannot be guessed (128 bits).
    :param now: seconds since the epoch.
    :param sessions: counts them.
    """

    def __init__(
        self,
        repository: int,
        store: IBlobStore,
        metadata: IMetadataStore,
        new_key: Callable[[], str],
        now: Callable[[], float],
        sessions: Sessions,
    ) -> None:
        self._sessions = sessions
        self._repository = repository
        self._store = store
        self._metadata = metadata
        self._new_key = new_key
        self._now = now
        #: those that a request has open; that rest without a byte; that rest.
        self._busy: dict[str, UploadRecord] = {}
        self._fresh: dict[str, Session] = {}
        self._resting: OrderedDict[str, Session] = OrderedDict()

    async def begin(self, image: ImageName, principal: str, algorithm: str) -> IUpload:
        """Open a new session."""
        now = self._now()
        record = UploadRecord(
            identifier=self._new_key(),
            repository=self._repository,
            image=image,
            principal=principal,
            algorithm=algorithm,
            offset=0,
            started=now,
            touched=now,
        )
        owner = (self._repository, image, principal)
        await self._sessions.begin(record.identifier, owner, self._end_resting)
        try:
            ingest = await self._store.ingest(record.identifier, algorithm)
        except BaseException:
            self._sessions.ended(record.identifier)
            raise
        self._busy[record.identifier] = record
        return Upload(self, Session(record, ingest, False))

    async def open(self, image: ImageName, identifier: str, principal: str) -> IUpload:
        """Open a session again, where it stands."""
        record = await self._find(image, identifier, principal)
        if identifier in self._busy:
            raise Refused(
                ErrorCode.BLOB_UPLOAD_INVALID,
                "another request is writing to this upload session",
            )
        self._busy[identifier] = record
        self._sessions.opened(identifier)
        session = self._fresh.pop(identifier, None)
        session = session or self._resting.pop(identifier, None)
        if session is None:
            try:
                ingest = await self._reopened(record)
            except BaseException:
                del self._busy[identifier]
                self._sessions.rests(identifier)
                raise
            session = Session(record, ingest, True)
        return Upload(self, session)

    async def _reopened(self, record: UploadRecord) -> IIngest:
        """The ingest of a session that is not at hand."""
        key, offset, algorithm = record.identifier, record.offset, record.algorithm
        if offset:
            return await self._store.resume(key, offset, algorithm)
        await self._store.discard(key)  # there may be bytes that were never answered
        return await self._store.ingest(key, algorithm)

    async def offset(self, image: ImageName, identifier: str, principal: str) -> int:
        """Where a session stands, in bytes."""
        return (await self._find(image, identifier, principal)).offset

    async def _find(
        self, image: ImageName, identifier: str, principal: str
    ) -> UploadRecord:
        record = self._at_hand(identifier)
        if record is None:
            record = await self._metadata.upload(identifier)
        if record is not None and self._expired(record):
            record = None
        # Somebody else's session looks like none (invariant I12, threat T8).
        if record is None or (record.repository, record.image, record.principal) != (
            self._repository,
            image,
            principal,
        ):
            raise Miss(
                ErrorCode.BLOB_UPLOAD_UNKNOWN,
                "there is no such upload session; begin a new one",
            )
        return record

    def _at_hand(self, identifier: str) -> UploadRecord | None:
        busy = self._busy.get(identifier)
        if busy is not None:
            return busy
        resting = self._fresh.get(identifier) or self._resting.get(identifier)
        return None if resting is None else resting.record

    def _expired(self, record: UploadRecord) -> bool:
        now = self._now()
        idle = record.touched < now - IDLE and record.identifier not in self._busy
        return idle or record.started < now - LONGEST

    async def sweep(self) -> int:
        """End the sessions whose time is over, with what they have stored.

        :returns: how many.
        """
        now, ended = self._now(), 0
        for fresh in [one for one in self._fresh.values() if self._expired(one.record)]:
            await self._end_resting(fresh.identifier)
            ended += 1
        for record in await self._metadata.uploads_before(now - IDLE, now - LONGEST):
            if record.repository != self._repository or not self._expired(record):
                continue
            if record.identifier in self._busy:
                continue  # it ends with the request that has it open
            await self._end_resting(record.identifier)
            ended += 1
        return ended

    async def _end_resting(self, identifier: str) -> None:
        """End a session that no request has open."""
        self._sessions.ended(identifier)
        fresh = self._fresh.pop(identifier, None)
        if fresh is not None:
            await fresh.ingest.abort()
            return
        resting = self._resting.pop(identifier, None)
        if resting is not None:
            await resting.ingest.abort()
        await self._store.discard(identifier)
        await self._metadata.end_upload(identifier)

    # -- for Upload --

    async def rest(self, session: Session) -> int:
        """Record what is durable, and keep the session for the next request."""
        try:
            await self._record(session)
        except RegistryError:
            await self.end(session)
            raise
        self._keep(session)
        if len(self._resting) > RESTING:
            _, oldest = self._resting.popitem(last=False)
            await oldest.ingest.close()
        return session.record.offset

    async def _record(self, session: Session) -> None:
        ingest, now = session.ingest, self._now()
        if not (ingest.offset or session.recorded) and len(self._fresh) < FRESH:
            session.record = replace(session.record, touched=now)
            return
        offset = await ingest.sync() if ingest.offset else 0
        session.record = replace(session.record, offset=offset, touched=now)
        if session.recorded:
            await self._metadata.advance_upload(session.identifier, offset, now)
        else:
            await self._metadata.begin_upload(session.record)
            session.recorded = True

    def _keep(self, session: Session) -> None:
        self._busy.pop(session.identifier, None)
        self._sessions.rests(session.identifier)
        kept = self._resting if session.recorded else self._fresh
        kept[session.identifier] = session

    async def finish(self, session: Session, digest: Digest) -> int:
        """Commit the content, make it the image's, and end the session."""
        finished = False
        try:
            size = await session.ingest.commit(digest, close=True)
            until = self._now() + LEASE
            await self._metadata.finish_upload(session.record, digest, size, until)
            finished = True
        finally:
            if not finished:
                await self.end(session)
        self._busy.pop(session.identifier, None)
        self._sessions.ended(session.identifier)
        return size

    async def end(self, session: Session) -> None:
        """Forget the session and what is not committed."""
        self._busy.pop(session.identifier, None)
        self._sessions.ended(session.identifier)
        try:
            await session.ingest.abort()
        finally:
            if session.recorded:
                await self._metadata.end_upload(session.identifier)

    async def close(self) -> None:
        """Let go of all resting sessions; they can be resumed."""
        while self._fresh:
            _, session = self._fresh.popitem()
            await self._metadata.begin_upload(session.record)
        while self._resting:
            _, session = self._resting.popitem()
            await session.ingest.close()


@implementer(IUpload)
class Upload:
    """One session, open for one request."""

    def __init__(self, uploads: Uploads, session: Session) -> None:
        self._uploads = uploads
        self._session = session
        self._ingest = session.ingest
        self._open = True

    @property
    def identifier(self) -> str:
        """What stands in the URL."""
        return self._session.identifier

    @property
    def offset(self) -> int:
        """Bytes accepted so far."""
        return int(self._ingest.offset)

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """See :meth:`IConsumer.registerProducer`."""
        self._ingest.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """See :meth:`IConsumer.unregisterProducer`."""
        self._ingest.unregisterProducer()

    def write(self, data: bytes) -> None:
        """See :meth:`IConsumer.write`."""
        self._ingest.write(data)

    async def checkpoint(self) -> int:
        """See :meth:`IUpload.checkpoint`."""
        self._close()
        return await self._uploads.rest(self._session)

    async def commit(self, digest: Digest) -> int:
        """See :meth:`IUpload.commit`."""
        self._close()
        return await self._uploads.finish(self._session, digest)

    async def cancel(self) -> None:
        """See :meth:`IUpload.cancel`."""
        if self._open:
            self._close()
            await self._uploads.end(self._session)

    def _close(self) -> None:
        if not self._open:
            raise Invalid(ErrorCode.BLOB_UPLOAD_INVALID, "the upload session has ended")
        self._open = False
