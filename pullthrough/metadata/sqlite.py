"""The metadata store on SQLite: one writer, readers beside it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import apsw
from zope.interface import implementer

from pullthrough.changes import Changes
from pullthrough.interfaces import IMetadataStore
from pullthrough.metadata import logins, manifests, referrers, tags, uploads
from pullthrough.metadata.connection import connect, outages
from pullthrough.metadata.upgrade import scripts, upgrade
from pullthrough.metadata.writer import Writer
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
from pullthrough.threads import IThreads
from pullthrough.values import (
    ANY,
    BlobRecord,
    Load,
    LoginRecord,
    ManifestRecord,
    Referrers,
    ReferrersRecord,
    TagRecord,
    UploadRecord,
    Wanted,
)

P = ParamSpec("P")
T = TypeVar("T")


@implementer(IMetadataStore)
class SqliteMetadataStore:
    """Opens the database at ``path`` and brings its schema up to date. Blocks.

    :param writing: the thread of the one writer.
    :param reading: the thread of the reading connection.
    :param changes: see :class:`IMetadataStore`; None: its own.
    :raises StorageOutage: when the database cannot be used.
    """

    def __init__(
        self,
        path: Path,
        writing: IThreads,
        reading: IThreads,
        changes: Changes | None = None,
    ) -> None:
        self.changes = changes or Changes()
        self._write_connection = connect(path)
        upgrade(self._write_connection, path, scripts())
        self._read_connection = connect(path, readonly=True)
        self._writer = Writer(self._write_connection, writing)
        self._writing = writing
        self._reading = reading

    async def _read(
        self,
        query: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        found: T = await self._reading.run(self._query, query, *args, **kwargs)
        return found

    def _query(
        self,
        query: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        # One transaction, so that all its steps see one state.
        with outages("read"):
            self._read_connection.execute("BEGIN")
            try:
                return query(self._read_connection, *args, **kwargs)
            finally:
                self._read_connection.execute("COMMIT")

    async def _write(
        self,
        step: Callable[Concatenate[apsw.Connection, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._writer.run(lambda db: step(db, *args, **kwargs))

    async def _change(
        self,
        step: Callable[Concatenate[apsw.Connection, int, ImageName, P], T],
        repository: int,
        image: ImageName,
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """A transaction that changes what is answered about an image."""
        try:
            return await self._write(step, repository, image, *args, **kwargs)
        finally:  # a commit that fails may be there all the same
            self.changes.changed(repository, image)

    # -- repositories --

    async def repository(self, name: str, kind: str) -> int:
        """See :meth:`IMetadataStore.repository`."""
        return await self._write(_repository, name, kind)

    # -- tags --

    async def tag(
        self, repository: int, image: ImageName, tag: Tag
    ) -> TagRecord | None:
        """See :meth:`ITagStore.tag`."""
        return await self._read(tags.tag, repository, image, tag)

    async def tags(self, repository: int, image: ImageName, page: Page) -> Names | None:
        """See :meth:`ITagStore.tags`."""
        return await self._read(tags.tags, repository, image, page)

    async def images(self, repository: int, page: Page) -> Names:
        """See :meth:`ITagStore.images`."""
        return await self._read(tags.images, repository, page)

    async def has_image(self, repository: int, image: ImageName) -> bool:
        """See :meth:`ITagStore.has_image`."""
        return await self._read(tags.has_image, repository, image)

    async def search(
        self, repository: int, term: str, limit: int
    ) -> Sequence[ImageName]:
        """See :meth:`ITagStore.search`."""
        return await self._read(tags.search, repository, term, limit)

    async def checked(
        self, repository: int, image: ImageName, tag: Tag, checked_at: float
    ) -> None:
        """See :meth:`IMetadataStore.checked`."""
        await self._write(tags.checked, repository, image, tag, checked_at)

    async def delete_tag(self, repository: int, image: ImageName, tag: Tag) -> bool:
        """See :meth:`ITagStore.delete_tag`."""
        return await self._change(tags.delete_tag, repository, image, tag)

    # -- manifests --

    async def manifest(
        self, repository: int, image: ImageName, digest: Digest
    ) -> ManifestRecord | None:
        """See :meth:`IManifestStore.manifest`."""
        return await self._read(manifests.manifest, repository, image, digest)

    async def put_manifest(
        self,
        repository: int,
        image: ImageName,
        record: ManifestRecord,
        tags: Sequence[Tag],
        checked_at: float,
        fixed: frozenset[Tag] = frozenset(),
    ) -> Tag | None:
        """See :meth:`IManifestStore.put_manifest`."""
        return await self._change(
            manifests.put_manifest, repository, image, record, tags, checked_at, fixed
        )

    async def delete_manifest(
        self, repository: int, image: ImageName, digest: Digest
    ) -> bool:
        """See :meth:`IManifestStore.delete_manifest`."""
        return await self._change(manifests.delete_manifest, repository, image, digest)

    async def linked(
        self, repository: int, image: ImageName, digest: Digest
    ) -> Descriptor | None:
        """See :meth:`IManifestStore.linked`."""
        return await self._read(manifests.linked, repository, image, digest)

    async def foreign(
        self, repository: int, image: ImageName, digest: Digest
    ) -> ForeignLayer | None:
        """See :meth:`IManifestStore.foreign`."""
        return await self._read(manifests.foreign, repository, image, digest)

    async def referrers(
        self,
        repository: int,
        image: ImageName,
        subject: Digest,
        wanted: Wanted = ANY,
    ) -> Referrers:
        """See :meth:`IManifestStore.referrers`."""
        return await self._read(manifests.referrers, repository, image, subject, wanted)

    async def listed_referrers(
        self,
        repository: int,
        image: ImageName,
        subject: Digest,
        wanted: Wanted = ANY,
    ) -> ReferrersRecord | None:
        """See :meth:`IManifestStore.listed_referrers`."""
        return await self._read(
            referrers.listed_referrers, repository, image, subject, wanted
        )

    async def put_listed_referrers(
        self,
        repository: int,
        image: ImageName,
        subject: Digest,
        listed: ReferrersRecord,
    ) -> None:
        """See :meth:`IManifestStore.put_listed_referrers`."""
        await self._write(
            referrers.put_listed_referrers, repository, image, subject, listed
        )

    # -- blobs --

    async def add_blob(
        self,
        repository: int,
        image: ImageName,
        digest: Digest,
        size: int,
        leased_until: float = 0,
    ) -> None:
        """See :meth:`IManifestStore.add_blob`."""
        await self._write(
            manifests.add_blob, repository, image, digest, size, leased_until
        )

    async def blob(
        self, repository: int, image: ImageName, digest: Digest
    ) -> BlobRecord | None:
        """See :meth:`IManifestStore.blob`."""
        return await self._read(manifests.blob, repository, image, digest)

    async def delete_blob(
        self, repository: int, image: ImageName, digest: Digest
    ) -> bool:
        """See :meth:`IManifestStore.delete_blob`."""
        return await self._change(manifests.delete_blob, repository, image, digest)

    async def images_with(self, repository: int, digest: Digest) -> Sequence[ImageName]:
        """See :meth:`IManifestStore.images_with`."""
        return await self._read(manifests.images_with, repository, digest)

    async def mount(
        self,
        repository: int,
        image: ImageName,
        digest: Digest,
        source: ImageName,
        leased_until: float = 0,
    ) -> int | None:
        """See :meth:`IManifestStore.mount`."""
        return await self._write(
            manifests.mount, repository, image, digest, source, leased_until
        )

    # -- upload sessions --

    async def begin_upload(self, record: UploadRecord) -> None:
        """See :meth:`IUploadStore.begin_upload`."""
        await self._write(uploads.begin_upload, record)

    async def finish_upload(
        self, record: UploadRecord, digest: Digest, size: int, leased_until: float
    ) -> None:
        """See :meth:`IUploadStore.finish_upload`."""
        await self._write(uploads.finish_upload, record, digest, size, leased_until)

    async def upload(self, identifier: str) -> UploadRecord | None:
        """See :meth:`IUploadStore.upload`."""
        return await self._read(uploads.upload, identifier)

    async def advance_upload(
        self, identifier: str, offset: int, touched: float
    ) -> None:
        """See :meth:`IUploadStore.advance_upload`."""
        await self._write(uploads.advance_upload, identifier, offset, touched)

    async def end_upload(self, identifier: str) -> None:
        """See :meth:`IUploadStore.end_upload`."""
        await self._write(uploads.end_upload, identifier)

    async def uploads_before(
        self, touched: float, started: float
    ) -> Sequence[UploadRecord]:
        """See :meth:`IUploadStore.uploads_before`."""
        return await self._read(uploads.uploads_before, touched, started)

    async def put_login(self, record: LoginRecord) -> None:
        """See :meth:`ILoginStore.put_login`."""
        await self._write(logins.put_login, record)

    async def login(self, token_hash: bytes) -> LoginRecord | None:
        """See :meth:`ILoginStore.login`."""
        return await self._read(logins.login, token_hash)

    async def end_login(self, token_hash: bytes) -> None:
        """See :meth:`ILoginStore.end_login`."""
        await self._write(logins.end_login, token_hash)

    async def end_logins_before(self, used_at: float) -> int:
        """See :meth:`ILoginStore.end_logins_before`."""
        return await self._write(logins.end_logins_before, used_at)

    def load(self) -> Load:
        """How it stands with what is to be written."""
        writer = self._writer
        return Load("commits", writer.running, writer.waiting, 0, writer.oldest)

    async def probe(self) -> None:
        """Write something small, durably, that changes nothing.

        :raises StorageOutage: when that fails.
        """
        await self._write(_touch)

    async def close(self) -> None:
        """See :meth:`IMetadataStore.close`."""
        await self._writing.run(_close, self._write_connection)
        await self._reading.run(_close, self._read_connection)


def _repository(db: apsw.Connection, name: str, kind: str) -> int:
    db.execute(
        "INSERT INTO repository (name, kind) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (name, kind),
    )
    found = db.execute(
        "SELECT id FROM repository WHERE name = ? AND kind = ?", (name, kind)
    ).get
    return int(found)


def _touch(db: apsw.Connection) -> None:
    # The same number again is a changed page to SQLite.
    db.pragma("user_version", int(db.pragma("user_version")))


def _close(connection: apsw.Connection) -> None:
    with outages("close"):
        connection.close()
