"""Manifests of one repository: bytes in its blob store, facts in metadata."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from pullthrough.errors import Invalid, Miss, Refused, Rotten
from pullthrough.interfaces import IBlobStore, IContent, IMetadataStore
from pullthrough.spec import mediatypes
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.manifest import digest_of, parse
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance
from pullthrough.spec.reference import Reference, Tag
from pullthrough.threads import Inline, IThreads
from pullthrough.values import Manifest, ManifestRecord

#: Bytes above which a manifest is read in a thread: 4 MiB take up to 0.1 s (measured).
LARGE = 64 * 1024

#: Bytes above which one is given out from its file: many may be on their way at once.
LONGEST_WHOLE = 256 * 1024

_HERE = Inline()


def describe(
    body: bytes,
    media_type: str,
    algorithm: str = "sha256",
    *,
    strict: bool = False,
    any_type: bool = True,
) -> ManifestRecord:
    """The facts about a manifest.

    :param strict: refuse what two readers could read differently, as for a push.
    :param any_type: whether types that are neither Docker's nor OCI's are taken.
    :raises Invalid: when the body is no manifest of that type.
    """
    if not any_type and media_type not in mediatypes.MANIFESTS:
        raise Invalid(
            ErrorCode.MANIFEST_INVALID,
            f"{media_type} is no manifest of Docker or OCI; this repository takes no"
            " others (strict_content_type_validation = yes)",
        )
    try:
        digest = digest_of(body, media_type, algorithm)
        parsed = parse(body, media_type, strict)
    except InvalidText as error:
        raise Invalid(error.code, error.detail) from error
    return ManifestRecord(
        descriptor=Descriptor(media_type, digest, len(body)),
        blobs=parsed.blobs,
        manifests=parsed.manifests,
        foreign=parsed.foreign,
        subject=parsed.subject,
        artifact_type=parsed.artifact_type,
        annotations=parsed.annotations,
    )


async def described(
    threads: IThreads,
    body: bytes,
    media_type: str,
    algorithm: str = "sha256",
    *,
    strict: bool = False,
    any_type: bool = True,
) -> ManifestRecord:
    """The same, with the reactor free meanwhile where it takes long.

    :raises Overload: when too many wait for that.
    """
    options = {"strict": strict, "any_type": any_type}
    if len(body) <= LARGE:
        return describe(body, media_type, algorithm, **options)
    threads.admit()
    record: ManifestRecord = await threads.run(
        describe, body, media_type, algorithm, **options
    )
    return record


class Manifests:
    """Reads and writes the manifests of one repository.

    :param new_key: makes names for ingests, unique in the store.
    :param threads: where large ones are read.
    """

    def __init__(
        self,
        repository: int,
        store: IBlobStore,
        metadata: IMetadataStore,
        new_key: Callable[[], str],
        threads: IThreads = _HERE,
    ) -> None:
        self.threads = threads
        self._repository = repository
        self._store = store
        self._metadata = metadata
        self._new_key = new_key

    async def record(
        self, image: ImageName, reference: Reference
    ) -> ManifestRecord | None:
        """The facts about the manifest that a reference stands for, or None."""
        if isinstance(reference, Tag):
            tag = await self._metadata.tag(self._repository, image, reference)
            if tag is None:
                return None
            reference = tag.digest
        return await self._metadata.manifest(self._repository, image, reference)

    async def read(self, record: ManifestRecord, provenance: Provenance) -> Manifest:
        """A manifest, as it was pushed.

        :raises Miss: when the store has lost it.
        :raises StorageOutage: when it cannot be read.
        """
        stored = _stored_under(record)
        content = await self._store.open(stored)
        if content.size > LONGEST_WHOLE:
            await _verified(content, stored)
            return Manifest(record.descriptor, b"", provenance, content)
        body = await _whole(content)
        if Digest.of(body, stored.algorithm) != stored:
            await self._store.quarantine(stored)
            raise _rotted(stored)
        return Manifest(record.descriptor, body, provenance)

    async def write(
        self,
        image: ImageName,
        record: ManifestRecord,
        body: bytes,
        tags: Sequence[Tag],
        checked_at: float,
        fixed: frozenset[Tag] = frozenset(),
    ) -> ManifestRecord:
        """Store the bytes, then record the facts and move the tags, durably.

        :param fixed: tags that may not move.
        :returns: the record as it is kept.
        :raises Refused: when one of those would have to move.
        :raises StorageOutage: then nothing is to be seen of it.
        """
        stored = record.descriptor.digest
        if record.descriptor.media_type == mediatypes.DOCKER_SCHEMA1_SIGNED:
            stored = Digest.of(body)
            record = _link_to_bytes(record, stored)
        if await self._store.stat(stored) is None:
            ingest = await self._store.ingest(self._new_key(), stored.algorithm)
            try:
                ingest.write(body)
                await ingest.commit(stored, len(body), close=True)
            finally:
                await ingest.abort()
        held = await self._metadata.put_manifest(
            self._repository, image, record, tags, checked_at, fixed
        )
        if held is not None:
            raise Refused(
                ErrorCode.DENIED,
                f"tag {held} of {image} stands for another manifest and may not move"
                " (write_policy, or your right to overwrite); push under another tag",
            )
        return record


async def _verified(content: IContent, stored: Digest) -> None:
    """Wait until it is known to be what its name says; else close it.

    :raises Miss: when it is not.
    """
    try:
        await content.available(content.size)
    except Rotten as error:
        await content.close()
        raise _rotted(stored) from error
    except BaseException:
        await content.close()
        raise


async def _whole(content: IContent) -> bytes:
    """All of it; it is then closed."""
    pieces: list[bytes] = []
    offset = 0
    try:
        while offset < content.size:
            piece = await content.read(offset, content.size - offset)
            pieces.append(piece)
            offset += len(piece)
    finally:
        await content.close()
    return b"".join(pieces)


def _rotted(stored: Digest) -> Miss:
    return Miss(ErrorCode.MANIFEST_UNKNOWN, f"manifest {stored} has rotted")


def _link_to_bytes(record: ManifestRecord, stored: Digest) -> ManifestRecord:
    # A signed schema 1 manifest is named by its payload, not by its bytes; a link
    # of its own type leads to them.
    own = Descriptor(record.descriptor.media_type, stored, record.descriptor.size)
    return replace(record, blobs=(*record.blobs, own))


def _stored_under(record: ManifestRecord) -> Digest:
    if record.descriptor.media_type != mediatypes.DOCKER_SCHEMA1_SIGNED:
        return record.descriptor.digest
    for blob in record.blobs:
        if blob.media_type == mediatypes.DOCKER_SCHEMA1_SIGNED:
            return blob.digest
    raise Miss(ErrorCode.MANIFEST_UNKNOWN, "the bytes of this manifest are not here")
