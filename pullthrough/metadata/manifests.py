"""SQL about manifests, their links, and blobs. Each function is one step."""

import json
from collections.abc import Sequence

import apsw

from pullthrough.metadata.tags import image_id, made_image_id, move_tag
from pullthrough.metadata.tags import tag as current
from pullthrough.spec.descriptor import Descriptor, ForeignLayer
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Tag, fallback_tag
from pullthrough.values import ANY, BlobRecord, ManifestRecord, Referrers, Wanted


def manifest(
    db: apsw.Connection, repository: int, image: ImageName, digest: Digest
) -> ManifestRecord | None:
    """See :meth:`IManifestStore.manifest`."""
    number = image_id(db, repository, image)
    return None if number is None else _record(db, number, str(digest))


def _record(db: apsw.Connection, image: int, digest: str) -> ManifestRecord | None:
    row = db.execute(
        "SELECT media_type, size, subject, artifact_type, annotations"
        " FROM manifest WHERE image = ? AND digest = ?",
        (image, digest),
    ).fetchone()
    if row is None:
        return None
    media_type, size, subject, artifact_type, annotations = row
    links: tuple[list[Descriptor], list[Descriptor]] = ([], [])
    foreign: list[ForeignLayer] = []
    for is_manifest, urls, *fields in db.execute(
        "SELECT is_manifest, urls, media_type, digest, size FROM link"
        " WHERE image = ? AND manifest = ? ORDER BY position",
        (image, digest),
    ):
        descriptor = _descriptor(*fields)
        if urls:
            foreign.append(ForeignLayer(descriptor, tuple(json.loads(urls))))
        else:
            links[is_manifest].append(descriptor)
    return ManifestRecord(
        descriptor=_descriptor(media_type, digest, size),
        blobs=tuple(links[0]),
        manifests=tuple(links[1]),
        foreign=tuple(foreign),
        subject=Digest.parse(subject) if subject else None,
        artifact_type=artifact_type,
        annotations=annotations,
    )


def _descriptor(media_type: str, digest: str, size: int) -> Descriptor:
    return Descriptor(media_type, Digest.parse(digest), size)


def put_manifest(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    record: ManifestRecord,
    tags: Sequence[Tag],
    checked_at: float,
    fixed: frozenset[Tag] = frozenset(),
) -> Tag | None:
    """See :meth:`IManifestStore.put_manifest`."""
    for tag in sorted(fixed):
        standing = current(db, repository, image, tag)
        if standing is not None and standing.digest != record.descriptor.digest:
            return tag
    number = made_image_id(db, repository, image)
    digest = str(record.descriptor.digest)
    db.execute(
        "INSERT INTO manifest"
        " (image, digest, media_type, size, subject, artifact_type, annotations)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET media_type = excluded.media_type,"
        " size = excluded.size, subject = excluded.subject,"
        " artifact_type = excluded.artifact_type, annotations = excluded.annotations",
        (
            number,
            digest,
            record.descriptor.media_type,
            record.descriptor.size,
            str(record.subject) if record.subject else None,
            record.artifact_type,
            record.annotations,
        ),
    )
    db.execute("DELETE FROM link WHERE image = ? AND manifest = ?", (number, digest))
    links = [(False, link, "") for link in record.blobs]
    links += [(True, link, "") for link in record.manifests]
    links += [(False, one.descriptor, json.dumps(one.urls)) for one in record.foreign]
    db.executemany(
        "INSERT INTO link"
        " (image, manifest, position, is_manifest, digest, media_type, size, urls)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                number,
                digest,
                position,
                int(is_manifest),
                str(link.digest),
                link.media_type,
                link.size,
                urls,
            )
            for position, (is_manifest, link, urls) in enumerate(links)
        ],
    )
    for tag in tags:
        move_tag(db, number, tag, record.descriptor.digest, checked_at)
    return None


def delete_manifest(
    db: apsw.Connection, repository: int, image: ImageName, digest: Digest
) -> bool:
    """See :meth:`IManifestStore.delete_manifest`; tags and links go along."""
    db.execute(
        "DELETE FROM manifest"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND digest = ?",
        (repository, image.text, str(digest)),
    )
    return db.changes() > 0


def linked(
    db: apsw.Connection, repository: int, image: ImageName, digest: Digest
) -> Descriptor | None:
    """See :meth:`IManifestStore.linked`."""
    row = db.execute(
        "SELECT media_type, digest, size FROM link"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND digest = ? AND urls = '' LIMIT 1",
        (repository, image.text, str(digest)),
    ).fetchone()
    return _descriptor(*row) if row else None


def foreign(
    db: apsw.Connection, repository: int, image: ImageName, digest: Digest
) -> ForeignLayer | None:
    """See :meth:`IManifestStore.foreign`."""
    row = db.execute(
        "SELECT urls, media_type, digest, size FROM link"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND digest = ? AND urls != '' LIMIT 1",
        (repository, image.text, str(digest)),
    ).fetchone()
    if row is None:
        return None
    urls, *fields = row
    return ForeignLayer(_descriptor(*fields), tuple(json.loads(urls)))


def referrers(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    subject: Digest,
    wanted: Wanted = ANY,
) -> Referrers:
    """See :meth:`IManifestStore.referrers`."""
    rows = db.execute(
        "SELECT media_type, digest, size, artifact_type, annotations FROM manifest"
        " WHERE image = :image AND digest > :last"
        " AND (:type = '' OR artifact_type = :type) AND digest IN ("
        "  SELECT digest FROM manifest WHERE image = :image AND subject = :subject"
        "  UNION SELECT link.digest FROM tag JOIN link"
        "   ON link.image = tag.image AND link.manifest = tag.digest"
        "   WHERE tag.image = :image AND tag.name = :tag AND is_manifest = 1)"
        " ORDER BY digest",
        {
            "image": image_id(db, repository, image),
            "last": wanted.page.last,
            "type": wanted.artifact_type,
            "subject": str(subject),
            "tag": fallback_tag(subject).name,
        },
    )
    return Referrers.first((listed(*row) for row in rows), wanted)


def listed(
    media_type: str, digest: str, size: int, artifact_type: str, annotations: str
) -> ManifestRecord:
    """What a list of referrers tells of one."""
    return ManifestRecord(
        _descriptor(media_type, digest, size),
        artifact_type=artifact_type,
        annotations=annotations,
    )


def add_blob(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    digest: Digest,
    size: int,
    leased_until: float = 0,
) -> None:
    """See :meth:`IManifestStore.add_blob`."""
    db.execute(
        "INSERT INTO blob (image, digest, size, leased_until) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE"
        " SET leased_until = max(leased_until, excluded.leased_until)",
        (made_image_id(db, repository, image), str(digest), size, leased_until),
    )


def blob(
    db: apsw.Connection, repository: int, image: ImageName, digest: Digest
) -> BlobRecord | None:
    """See :meth:`IManifestStore.blob`."""
    row = db.execute(
        "SELECT size, leased_until FROM blob"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND digest = ?",
        (repository, image.text, str(digest)),
    ).fetchone()
    return BlobRecord(*row) if row else None


def delete_blob(
    db: apsw.Connection, repository: int, image: ImageName, digest: Digest
) -> bool:
    """See :meth:`IManifestStore.delete_blob`."""
    db.execute(
        "DELETE FROM blob"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND digest = ?",
        (repository, image.text, str(digest)),
    )
    return db.changes() > 0


#: How many images with a blob are looked at, to mount it from one of them.
MOST_IMAGES = 100


def images_with(
    db: apsw.Connection, repository: int, digest: Digest
) -> list[ImageName]:
    """See :meth:`IManifestStore.images_with`."""
    rows = db.execute(
        "SELECT image.name FROM blob JOIN image ON image.id = blob.image"
        " WHERE blob.digest = ? AND image.repository = ? LIMIT ?",
        (str(digest), repository, MOST_IMAGES),
    )
    return [ImageName(row[0]) for row in rows]


def mount(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    digest: Digest,
    source: ImageName,
    leased_until: float = 0,
) -> int | None:
    """See :meth:`IManifestStore.mount`."""
    found = blob(db, repository, source, digest)
    if found is None:
        return None
    add_blob(db, repository, image, digest, found.size, leased_until)
    return found.size
