"""SQL about lists of referrers that an upstream has told. Each function is one step."""

import json

import apsw

from pullthrough.metadata.tags import made_image_id
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.values import ManifestRecord, ReferrersRecord


def listed_referrers(
    db: apsw.Connection, repository: int, image: ImageName, subject: Digest
) -> ReferrersRecord | None:
    """See :meth:`IManifestStore.listed_referrers`."""
    row = db.execute(
        "SELECT listed, checked_at FROM referrer_list"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND subject = ?",
        (repository, image.text, str(subject)),
    ).fetchone()
    if row is None:
        return None
    listed, checked_at = row
    records = tuple(_record(*entry) for entry in json.loads(listed))
    return ReferrersRecord(records, checked_at)


def _record(
    media_type: str, digest: str, size: int, artifact_type: str, annotations: str
) -> ManifestRecord:
    descriptor = Descriptor(media_type, Digest.parse(digest), size)
    return ManifestRecord(
        descriptor, artifact_type=artifact_type, annotations=annotations
    )


def put_listed_referrers(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    subject: Digest,
    listed: ReferrersRecord,
) -> None:
    """See :meth:`IManifestStore.put_listed_referrers`."""
    entries = [
        (
            one.descriptor.media_type,
            str(one.descriptor.digest),
            one.descriptor.size,
            one.artifact_type,
            one.annotations,
        )
        for one in listed.records
    ]
    db.execute(
        "INSERT INTO referrer_list (image, subject, listed, checked_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET listed = excluded.listed, checked_at = excluded.checked_at",
        (
            made_image_id(db, repository, image),
            str(subject),
            json.dumps(entries),
            listed.checked_at,
        ),
    )
