"""The metadata store in memory: the same contract, for tests."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from zope.interface import implementer

from pullthrough.changes import Changes
from pullthrough.interfaces import IMetadataStore
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page, cut
from pullthrough.spec.reference import Tag, fallback_tag
from pullthrough.values import (
    ANY,
    BlobRecord,
    LoginRecord,
    ManifestRecord,
    Referrers,
    ReferrersRecord,
    TagRecord,
    UploadRecord,
    Wanted,
)


@dataclass
class _Image:
    blobs: dict[Digest, BlobRecord] = field(default_factory=dict)
    manifests: dict[Digest, ManifestRecord] = field(default_factory=dict)
    tags: dict[str, TagRecord] = field(default_factory=dict)
    listed: dict[Digest, ReferrersRecord] = field(default_factory=dict)


@implementer(IMetadataStore)
class MemoryMetadataStore:
    """Facts in dictionaries."""

    def __init__(self) -> None:
        self.changes = Changes()
        self._repositories: dict[tuple[str, str], int] = {}
        self._images: dict[tuple[int, ImageName], _Image] = {}
        self._uploads: dict[str, UploadRecord] = {}
        self._logins: dict[bytes, LoginRecord] = {}

    def _image(self, repository: int, image: ImageName) -> _Image:
        return self._images.get((repository, image), _Image())

    def _made(self, repository: int, image: ImageName) -> _Image:
        return self._images.setdefault((repository, image), _Image())

    async def repository(self, name: str, kind: str) -> int:
        """See :meth:`IMetadataStore.repository`."""
        known = self._repositories
        return known.setdefault((name, kind), len(known) + 1)

    async def tag(
        self, repository: int, image: ImageName, tag: Tag
    ) -> TagRecord | None:
        """See :meth:`ITagStore.tag`."""
        return self._image(repository, image).tags.get(tag.name)

    async def tags(self, repository: int, image: ImageName, page: Page) -> Names | None:
        """See :meth:`ITagStore.tags`."""
        found = self._images.get((repository, image))
        return cut(found.tags, page) if found else None

    async def images(self, repository: int, page: Page) -> Names:
        """See :meth:`ITagStore.images`."""
        names = [
            name.text
            for (number, name), image in self._images.items()
            if number == repository and image.manifests
        ]
        return cut(names, page)

    async def has_image(self, repository: int, image: ImageName) -> bool:
        """See :meth:`ITagStore.has_image`."""
        return bool(self._image(repository, image).manifests)

    async def search(
        self, repository: int, term: str, limit: int
    ) -> Sequence[ImageName]:
        """See :meth:`ITagStore.search`."""
        names = [
            name
            for (number, name), image in self._images.items()
            if number == repository and image.manifests and term in name.text
        ]
        return sorted(names)[:limit]

    async def checked(
        self, repository: int, image: ImageName, tag: Tag, checked_at: float
    ) -> None:
        """See :meth:`IMetadataStore.checked`."""
        tags = self._image(repository, image).tags
        if tag.name in tags:
            tags[tag.name] = replace(tags[tag.name], checked_at=checked_at)

    async def delete_tag(self, repository: int, image: ImageName, tag: Tag) -> bool:
        """See :meth:`ITagStore.delete_tag`."""
        self.changes.changed(repository, image)
        return self._image(repository, image).tags.pop(tag.name, None) is not None

    async def manifest(
        self, repository: int, image: ImageName, digest: Digest
    ) -> ManifestRecord | None:
        """See :meth:`IManifestStore.manifest`."""
        return self._image(repository, image).manifests.get(digest)

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
        digest = record.descriptor.digest
        for tag in sorted(fixed):
            standing = self._image(repository, image).tags.get(tag.name)
            if standing is not None and standing.digest != digest:
                return tag
        self.changes.changed(repository, image)
        made = self._made(repository, image)
        made.manifests[digest] = record
        for tag in tags:
            made.tags[tag.name] = TagRecord(digest, checked_at)
        return None

    async def delete_manifest(
        self, repository: int, image: ImageName, digest: Digest
    ) -> bool:
        """See :meth:`IManifestStore.delete_manifest`."""
        self.changes.changed(repository, image)
        found = self._image(repository, image)
        found.tags = {
            name: record
            for name, record in found.tags.items()
            if record.digest != digest
        }
        return found.manifests.pop(digest, None) is not None

    async def linked(
        self, repository: int, image: ImageName, digest: Digest
    ) -> Descriptor | None:
        """See :meth:`IManifestStore.linked`."""
        for record in self._image(repository, image).manifests.values():
            for link in (*record.blobs, *record.manifests):
                if link.digest == digest:
                    return link
        return None

    async def foreign(
        self, repository: int, image: ImageName, digest: Digest
    ) -> ForeignLayer | None:
        """See :meth:`IManifestStore.foreign`."""
        for record in self._image(repository, image).manifests.values():
            for layer in record.foreign:
                if layer.descriptor.digest == digest:
                    return layer
        return None

    async def referrers(
        self,
        repository: int,
        image: ImageName,
        subject: Digest,
        wanted: Wanted = ANY,
    ) -> Referrers:
        """See :meth:`IManifestStore.referrers`."""
        found = self._image(repository, image)
        records, tag = found.manifests, found.tags.get(fallback_tag(subject).name)
        listed = {one.digest for one in records[tag.digest].manifests} if tag else ()
        return _page(
            (
                _slim(record)
                for digest, record in records.items()
                if record.subject == subject or digest in listed
            ),
            wanted,
        )

    async def listed_referrers(
        self,
        repository: int,
        image: ImageName,
        subject: Digest,
        wanted: Wanted = ANY,
    ) -> ReferrersRecord | None:
        """See :meth:`IManifestStore.listed_referrers`."""
        known = self._image(repository, image).listed.get(subject)
        if known is None:
            return None
        found = _page(known.records, wanted)
        return ReferrersRecord(found.records, known.checked_at, found.more)

    async def put_listed_referrers(
        self,
        repository: int,
        image: ImageName,
        subject: Digest,
        listed: ReferrersRecord,
    ) -> None:
        """See :meth:`IManifestStore.put_listed_referrers`."""
        self._made(repository, image).listed[subject] = listed

    async def add_blob(
        self,
        repository: int,
        image: ImageName,
        digest: Digest,
        size: int,
        leased_until: float = 0,
    ) -> None:
        """See :meth:`IManifestStore.add_blob`."""
        blobs = self._made(repository, image).blobs
        before = blobs.get(digest, BlobRecord(size))
        until = max(before.leased_until, leased_until)
        blobs[digest] = replace(before, leased_until=until)

    async def blob(
        self, repository: int, image: ImageName, digest: Digest
    ) -> BlobRecord | None:
        """See :meth:`IManifestStore.blob`."""
        return self._image(repository, image).blobs.get(digest)

    async def delete_blob(
        self, repository: int, image: ImageName, digest: Digest
    ) -> bool:
        """See :meth:`IManifestStore.delete_blob`."""
        self.changes.changed(repository, image)
        return self._image(repository, image).blobs.pop(digest, None) is not None

    async def images_with(self, repository: int, digest: Digest) -> Sequence[ImageName]:
        """See :meth:`IManifestStore.images_with`."""
        return [
            name
            for (number, name), image in self._images.items()
            if number == repository and digest in image.blobs
        ]

    async def mount(
        self,
        repository: int,
        image: ImageName,
        digest: Digest,
        source: ImageName,
        leased_until: float = 0,
    ) -> int | None:
        """See :meth:`IManifestStore.mount`."""
        found = await self.blob(repository, source, digest)
        if found is None:
            return None
        await self.add_blob(repository, image, digest, found.size, leased_until)
        return found.size

    async def begin_upload(self, record: UploadRecord) -> None:
        """See :meth:`IUploadStore.begin_upload`."""
        self._uploads[record.identifier] = record

    async def finish_upload(
        self, record: UploadRecord, digest: Digest, size: int, leased_until: float
    ) -> None:
        """See :meth:`IUploadStore.finish_upload`."""
        await self.add_blob(record.repository, record.image, digest, size, leased_until)
        await self.end_upload(record.identifier)

    async def upload(self, identifier: str) -> UploadRecord | None:
        """See :meth:`IUploadStore.upload`."""
        return self._uploads.get(identifier)

    async def advance_upload(
        self, identifier: str, offset: int, touched: float
    ) -> None:
        """See :meth:`IUploadStore.advance_upload`."""
        if identifier in self._uploads:
            self._uploads[identifier] = replace(
                self._uploads[identifier], offset=offset, touched=touched
            )

    async def end_upload(self, identifier: str) -> None:
        """See :meth:`IUploadStore.end_upload`."""
        self._uploads.pop(identifier, None)

    async def uploads_before(
        self, touched: float, started: float
    ) -> Sequence[UploadRecord]:
        """See :meth:`IUploadStore.uploads_before`."""
        found = [
            one
            for one in self._uploads.values()
            if one.touched < touched or one.started < started
        ]
        return sorted(found, key=lambda record: record.touched)

    async def put_login(self, record: LoginRecord) -> None:
        """See :meth:`ILoginStore.put_login`."""
        standing = self._logins.get(record.token_hash, record)
        self._logins[record.token_hash] = replace(standing, used_at=record.used_at)

    async def login(self, token_hash: bytes) -> LoginRecord | None:
        """See :meth:`ILoginStore.login`."""
        return self._logins.get(token_hash)

    async def end_login(self, token_hash: bytes) -> None:
        """See :meth:`ILoginStore.end_login`."""
        self._logins.pop(token_hash, None)

    async def end_logins_before(self, used_at: float) -> int:
        """See :meth:`ILoginStore.end_logins_before`."""
        ended = [key for key, one in self._logins.items() if one.used_at < used_at]
        for key in ended:
            del self._logins[key]
        return len(ended)

    async def close(self) -> None:
        """Nothing is open."""


def _page(records: Iterable[ManifestRecord], wanted: Wanted) -> Referrers:
    """What is wanted of them."""
    found = sorted(
        (one for one in records if wanted.takes(one)),
        key=lambda one: str(one.descriptor.digest),
    )
    return Referrers.first(found, wanted)


def _slim(record: ManifestRecord) -> ManifestRecord:
    """Without its links."""
    return replace(record, blobs=(), manifests=(), foreign=(), subject=None)
