"""Bringing the schema up to date: numbered SQL files, each in one transaction."""

import os
from importlib.resources import files
from pathlib import Path

import apsw

from pullthrough.errors import StorageOutage
from pullthrough.metadata.connection import outages


def scripts() -> list[tuple[int, str]]:
    """The numbers and texts of the SQL files, in order."""
    folder = files("pullthrough.metadata.schema")
    return sorted(
        (int(entry.name.partition("_")[0]), entry.read_text("utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".sql")
    )


def upgrade(
    connection: apsw.Connection, path: Path, steps: list[tuple[int, str]]
) -> None:
    """Apply the steps that the database does not have yet.

    An existing database is copied to ``PATH.before-NUMBER`` first.

    :raises StorageOutage: when the database is newer than we are, or a step fails.
    """
    with outages("read its version"):
        version = int(connection.pragma("user_version"))
    newest = steps[-1][0]
    if version > newest:
        raise StorageOutage(
            f"{path} has schema {version}, which a newer version has made;"
            f" this one knows {newest}"
        )
    pending = [(number, sql) for number, sql in steps if number > version]
    if pending and version > 0:
        _copy(connection, Path(f"{path}.before-{newest}"))
    for number, sql in pending:
        with outages(f"upgrade to schema {number}"), connection:
            connection.execute(sql)
            connection.pragma("user_version", number)


def _copy(connection: apsw.Connection, target: Path) -> None:
    with outages(f"copy itself to {target}"):
        target.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(target),))
    os.chmod(target, 0o600)
