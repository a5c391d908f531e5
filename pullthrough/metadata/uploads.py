"""SQL about upload sessions. Each function is one step of a transaction."""

import apsw

from pullthrough.metadata.manifests import add_blob
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.values import UploadRecord

_COLUMNS = (
    "identifier, repository, image, principal, algorithm, durable, started, touched"
)


def begin_upload(db: apsw.Connection, record: UploadRecord) -> None:
    """See :meth:`IUploadStore.begin_upload`."""
    db.execute(
        f"INSERT INTO upload ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
        (
            record.identifier,
            record.repository,
            record.image.text,
            record.principal,
            record.algorithm,
            record.offset,
            record.started,
            record.touched,
        ),
    )


def upload(db: apsw.Connection, identifier: str) -> UploadRecord | None:
    """See :meth:`IUploadStore.upload`."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM upload WHERE identifier = ?",  # noqa: S608
        (identifier,),
    ).fetchone()
    return _record(*found) if found else None


def advance_upload(
    db: apsw.Connection, identifier: str, offset: int, touched: float
) -> None:
    """See :meth:`IUploadStore.advance_upload`."""
    db.execute(
        "UPDATE upload SET durable = ?, touched = ? WHERE identifier = ?",
        (offset, touched, identifier),
    )


def finish_upload(
    db: apsw.Connection,
    record: UploadRecord,
    digest: Digest,
    size: int,
    leased_until: float,
) -> None:
    """See :meth:`IUploadStore.finish_upload`."""
    add_blob(db, record.repository, record.image, digest, size, leased_until)
    end_upload(db, record.identifier)


def end_upload(db: apsw.Connection, identifier: str) -> None:
    """See :meth:`IUploadStore.end_upload`."""
    db.execute("DELETE FROM upload WHERE identifier = ?", (identifier,))


def uploads_before(
    db: apsw.Connection, touched: float, started: float
) -> list[UploadRecord]:
    """See :meth:`IUploadStore.uploads_before`."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM upload WHERE touched < ? OR started < ?"  # noqa: S608
        " ORDER BY touched",
        (touched, started),
    )
    return [_record(*row) for row in rows]


def _record(
    identifier: str,
    repository: int,
    image: str,
    principal: str,
    algorithm: str,
    offset: int,
    started: float,
    touched: float,
) -> UploadRecord:
    return UploadRecord(
        identifier,
        repository,
        ImageName(image),
        principal,
        algorithm,
        offset,
        started,
        touched,
    )
