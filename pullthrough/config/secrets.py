"""Secrets: a masked value, and where it may be read from."""

from collections.abc import Mapping
from pathlib import Path


class Secret:
    """A text that never shows itself: ``str`` and ``repr`` are masked."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text, for the one place that sends it."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Secret(****)" if self._text else "Secret()"

    __str__ = __repr__


class SecretError(ValueError):
    """Why a secret cannot be had; never has the secret in it."""


def find_secret(text: str, folder: Path, environ: Mapping[str, str]) -> Secret:
    """A secret written ``file:PATH``, ``env:NAME``, ``credential:NAME`` or literally.

    :param folder: where a relative PATH begins.
    :raises SecretError: when it is not there, or open to others.
    """
    kind, colon, rest = text.partition(":")
    if colon and kind == "file":
        return Secret(read_private(folder / rest).strip("\r\n"))
    if colon and kind == "env":
        if rest not in environ:
            raise SecretError(f"the environment has no {rest}")
        return Secret(environ[rest])
    if colon and kind == "credential":
        # systemd.exec(5), "Credentials": files that only the service may read.
        credentials = environ.get("CREDENTIALS_DIRECTORY")
        if not credentials:
            raise SecretError("there are no systemd credentials")
        return Secret(read_text(Path(credentials) / rest).strip("\r\n"))
    return Secret(text)


def read_private(path: Path) -> str:
    """The text of a file that only its owner and group may read.

    :raises SecretError: when it cannot be read, or others may.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    if mode & 0o007:
        raise SecretError(f"{path} is open to everybody; chmod o= it")
    return read_text(path)


def read_text(path: Path) -> str:
    """The text of a file.

    :raises SecretError: when it cannot be read.
    """
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise SecretError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path} is no text in UTF-8") from None
