"""Upload sessions: resumable, bound to a principal, a repository and an image."""

from collections import OrderedDict
from collections.abc import Callable

from twisted.internet.interfaces import IProducer
from zope.interface import implementer

from pullthrough.errors import Invalid, Miss, Refused, RegistryError
from pullthrough.interfaces import IBlobStore, IIngest, IMetadataStore, IUpload
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.values import UploadRecord

#: How many resting sessions keep their file open, so that the hash need not be
#: made again when they go on.
RESTING = 64

#: Seconds after which a session that nobody uses ends, and any session does.
IDLE = 3600.0
LONGEST = 24 * 3600.0

#: Seconds for which a blob is kept until a manifest links to it (reliability 4.2).
LEASE = 24 * 3600.0


class Uploads:
    """The upload sessions of one hosted repository.

    :param new_key: makes identifiers that cannot be guessed (128 bits).
    :param now: seconds since the epoch.
    """

    def __init__(
        self,
        repository: int,
        store: IBlobStore,
        metadata: IMetadataStore,
        new_key: Callable[[], str],
        now: Callable[[], float],
    ) -> None:
        self._repository = repository
        self._store = store
        self._metadata = metadata
        self._new_key = new_key
        self._now = now
        self._busy: set[str] = set()
        self._resting: OrderedDict[str, IIngest] = OrderedDict()

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
        ingest = await self._store.ingest(record.identifier, algorithm)
        try:
            await self._metadata.begin_upload(record)
        except RegistryError:
            await ingest.abort()
            raise
        self._busy.add(record.identifier)
        return Upload(self, record, ingest)

    async def open(self, image: ImageName, identifier: str, principal: str) -> IUpload:
        """Open a session again, where it stands."""
        record = await self._find(image, identifier, principal)
        if identifier in self._busy:
            raise Refused(
                ErrorCode.BLOB_UPLOAD_INVALID,
                "another request is writing to this upload session",
            )
        self._busy.add(identifier)
        try:
            ingest = self._resting.pop(identifier, None)
            if ingest is None:
                ingest = await self._store.resume(
                    identifier, record.offset, record.algorithm
                )
        except BaseException:
            self._busy.discard(identifier)
            raise
        return Upload(self, record, ingest)

    async def offset(self, image: ImageName, identifier: str, principal: str) -> int:
        """Where a session stands, in bytes."""
        return (await self._find(image, identifier, principal)).offset

    async def _find(
        self, image: ImageName, identifier: str, principal: str
    ) -> UploadRecord:
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

    def _expired(self, record: UploadRecord) -> bool:
        now = self._now()
        idle = record.touched < now - IDLE and record.identifier not in self._busy
        return idle or record.started < now - LONGEST

    async def sweep(self) -> int:
        """End the sessions whose time is over, with what they have stored.

        :returns: how many.
        """
        now, ended = self._now(), 0
        for record in await self._metadata.uploads_before(now - IDLE, now - LONGEST):
            if record.repository != self._repository or not self._expired(record):
                continue
            if record.identifier in self._busy:
                continue  # it ends with the request that has it open
            ingest = self._resting.pop(record.identifier, None)
            if ingest is not None:
                await ingest.abort()
            await self._store.discard(record.identifier)
            await self._metadata.end_upload(record.identifier)
            ended += 1
        return ended

    # -- for Upload --

    async def rest(self, record: UploadRecord, ingest: IIngest) -> int:
        """Record what is durable, and keep the session for the next request."""
        try:
            offset = await ingest.sync()
            await self._metadata.advance_upload(record.identifier, offset, self._now())
        except RegistryError:
            await self.end(record, ingest)
            raise
        self._busy.discard(record.identifier)
        self._resting[record.identifier] = ingest
        if len(self._resting) > RESTING:
            _, oldest = self._resting.popitem(last=False)
            await oldest.close()
        return offset

    async def finish(
        self, record: UploadRecord, ingest: IIngest, digest: Digest
    ) -> int:
        """Commit the content, make it the image's, and end the session."""
        try:
            size = await ingest.commit(digest)
            until = self._now() + LEASE
            await self._metadata.add_blob(
                record.repository, record.image, digest, size, until
            )
        finally:
            await self.end(record, ingest)
        return size

    async def end(self, record: UploadRecord, ingest: IIngest) -> None:
        """Forget the session and what is not committed."""
        self._busy.discard(record.identifier)
        try:
            await ingest.abort()
        finally:
            await self._metadata.end_upload(record.identifier)

    async def close(self) -> None:
        """Let go of the files of resting sessions; they can be resumed."""
        while self._resting:
            _, ingest = self._resting.popitem()
            await ingest.close()


@implementer(IUpload)
class Upload:
    """One session, open for one request."""

    def __init__(self, uploads: Uploads, record: UploadRecord, ingest: IIngest) -> None:
        self._uploads = uploads
        self._record = record
        self._ingest = ingest
        self._open = True

    @property
    def identifier(self) -> str:
        """What stands in the URL."""
        return self._record.identifier

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
        return await self._uploads.rest(self._record, self._ingest)

    async def commit(self, digest: Digest) -> int:
        """See :meth:`IUpload.commit`."""
        self._close()
        return await self._uploads.finish(self._record, self._ingest, digest)

    async def cancel(self) -> None:
        """See :meth:`IUpload.cancel`."""
        if self._open:
            self._close()
            await self._uploads.end(self._record, self._ingest)

    def _close(self) -> None:
        if not self._open:
            raise Invalid(ErrorCode.BLOB_UPLOAD_INVALID, "the upload session has ended")
        self._open = False
