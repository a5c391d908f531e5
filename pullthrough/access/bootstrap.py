"""The first user: made when no htpasswd file is configured, with a random password."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from pullthrough.access.htpasswd import entry

ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The files of the first user.

    :ivar htpasswd: the entry.
    :ivar password: the password, for whoever may read the file.
    """

    htpasswd: Path
    password: Path


def ensure_admin(data: Path) -> Bootstrap:
    """Make the admin user below ``data``, unless that was done before.

    Both files are 0600. The htpasswd file comes last, so a crash in between leaves
    nothing that counts.

    :raises OSError: when the folder cannot be written.
    """
    made = Bootstrap(data / "htpasswd", data / "admin.password")
    if not made.htpasswd.exists():
        password = secrets.token_urlsafe(18)
        _write(made.password, f"{password}\n")
        _write(made.htpasswd, entry(ADMIN, password))
    return made


def _write(path: Path, text: str) -> None:
    """Write a file whole, for us alone, durably."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
