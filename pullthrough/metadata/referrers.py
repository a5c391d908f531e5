"""SQL about lists of referrers that an upstream has told. Each function is one step."""

import json

import apsw

from pullthrough.metadata.manifests import listed
from pullthrough.metadata.tags import image_id, made_image_id
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.values import ANY, Referrers, ReferrersRecord, Wanted


def listed_referrers(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    subject: Digest,
    wanted: Wanted = ANY,
) -> ReferrersRecord | None:
    """See :meth:`IManifestStore.listed_referrers`."""
    key = (image_id(db, repository, image), str(subject))
    checked_at = db.execute(
        "SELECT checked_at FROM referrer_list WHERE image = ? AND subject = ?", key
    ).get
    if checked_at is None:
        return None
    rows = db.execute(
        "SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4"
        " FROM referrer_list, json_each(listed) WHERE image = ? AND subject = ?"
        " AND value ->> 1 > ? AND (? = '' OR value ->> 3 = ?) ORDER BY value ->> 1",
        (*key, wanted.page.last, wanted.artifact_type, wanted.artifact_type),
    )
    found = Referrers.first((listed(*row) for row in rows), wanted)
    return ReferrersRecord(found.records, checked_at, found.more)


def put_listed_referrers(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    subject: Digest,
    record: ReferrersRecord,
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
        for one in record.records
    ]
    db.execute(
        "INSERT INTO referrer_list (image, subject, listed, checked_at)"
        " VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET listed = excluded.listed, checked_at = excluded.checked_at",
        (
            made_image_id(db, repository, image),
            str(subject),
            json.dumps(entries),
            record.checked_at,
        ),
    )
