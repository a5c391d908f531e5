"""SQL about tags and images. Each function is one step of a transaction."""

import apsw

from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
from pullthrough.values import TagRecord


def image_id(db: apsw.Connection, repository: int, image: ImageName) -> int | None:
    """The id of an image, or None."""
    found = db.execute(
        "SELECT id FROM image WHERE repository = ? AND name = ?",
        (repository, image.text),
    ).get
    return None if found is None else int(found)


def made_image_id(db: apsw.Connection, repository: int, image: ImageName) -> int:
    """The id of an image, which is made when it is new."""
    db.execute(
        "INSERT INTO image (repository, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (repository, image.text),
    )
    found = image_id(db, repository, image)
    assert found is not None  # noqa: S101  inserted just now
    return found


def tag(
    db: apsw.Connection, repository: int, image: ImageName, tag: Tag
) -> TagRecord | None:
    """See :meth:`ITagStore.tag`."""
    row = db.execute(
        "SELECT digest, checked_at FROM tag"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND name = ?",
        (repository, image.text, tag.name),
    ).fetchone()
    return TagRecord(Digest.parse(row[0]), row[1]) if row else None


def tags(
    db: apsw.Connection, repository: int, image: ImageName, page: Page
) -> Names | None:
    """See :meth:`ITagStore.tags`."""
    number = image_id(db, repository, image)
    if number is None:
        return None
    rows = db.execute(
        "SELECT name FROM tag WHERE image = ? AND name > ? ORDER BY name LIMIT ?",
        (number, page.last, page.n + 1),
    )
    return _page([row[0] for row in rows], page)


def images(db: apsw.Connection, repository: int, page: Page) -> Names:
    """See :meth:`ITagStore.images`."""
    rows = db.execute(
        "SELECT name FROM image WHERE repository = ? AND name > ?"
        " AND EXISTS (SELECT 1 FROM manifest WHERE manifest.image = image.id)"
        " ORDER BY name LIMIT ?",
        (repository, page.last, page.n + 1),
    )
    return _page([row[0] for row in rows], page)


def has_image(db: apsw.Connection, repository: int, image: ImageName) -> bool:
    """See :meth:`ITagStore.has_image`."""
    row = db.execute(
        "SELECT 1 FROM image WHERE repository = ? AND name = ?"
        " AND EXISTS (SELECT 1 FROM manifest WHERE manifest.image = image.id)",
        (repository, image.text),
    ).fetchone()
    return row is not None


def search(
    db: apsw.Connection, repository: int, term: str, limit: int
) -> list[ImageName]:
    """See :meth:`ITagStore.search`."""
    rows = db.execute(
        "SELECT name FROM image WHERE repository = ? AND instr(name, ?) > 0"
        " AND EXISTS (SELECT 1 FROM manifest WHERE manifest.image = image.id)"
        " ORDER BY name LIMIT ?",
        (repository, term, limit),
    )
    return [ImageName(row[0]) for row in rows]


def _page(found: list[str], page: Page) -> Names:
    return Names(tuple(found[: page.n]), page.n > 0 and len(found) > page.n)


def move_tag(
    db: apsw.Connection, image: int, tag: Tag, digest: Digest, checked_at: float
) -> None:
    """Let a tag stand for a manifest, which must be there."""
    db.execute(
        "INSERT INTO tag (image, name, digest, checked_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET digest = excluded.digest,"
        " checked_at = excluded.checked_at",
        (image, tag.name, str(digest), checked_at),
    )


def checked(
    db: apsw.Connection,
    repository: int,
    image: ImageName,
    tag: Tag,
    checked_at: float,
) -> None:
    """See :meth:`IMetadataStore.checked`."""
    db.execute(
        "UPDATE tag SET checked_at = ?"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND name = ?",
        (checked_at, repository, image.text, tag.name),
    )


def delete_tag(
    db: apsw.Connection, repository: int, image: ImageName, tag: Tag
) -> bool:
    """See :meth:`ITagStore.delete_tag`."""
    db.execute(
        "DELETE FROM tag"
        " WHERE image = (SELECT id FROM image WHERE repository = ? AND name = ?)"
        " AND name = ?",
        (repository, image.text, tag.name),
    )
    return db.changes() > 0
