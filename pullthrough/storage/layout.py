"""Where things lie in a blob store's folder. Names come from digests and keys only.

content/sha256/ab/abcdef…   committed content, named by its digest
ingest/KEY                  content on its way
quarantine/sha256-abcdef…   what was committed, but is not what its name says
"""

import re
from dataclasses import dataclass
from pathlib import Path

from pullthrough.spec.digest import ALGORITHMS, Digest
from pullthrough.spec.errorcodes import InvalidText

_KEY = re.compile(r"[a-z0-9-]{1,64}")


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one store."""

    root: Path

    @property
    def ingests(self) -> Path:
        """The folder of what is not committed."""
        return self.root / "ingest"

    @property
    def content(self) -> Path:
        """The folder of what is."""
        return self.root / "content"

    def folders(self) -> tuple[Path, ...]:
        """The folders that a store begins with, parents first."""
        algorithms = tuple(self.content / algorithm for algorithm in ALGORITHMS)
        return (self.ingests, self.content, *algorithms)

    def ingest(self, key: str) -> Path:
        """Where an ingest lies.

        :raises ValueError: when the key could be anything but a file's name.
        """
        if not _KEY.fullmatch(key):
            raise ValueError("not a key")
        return self.ingests / key

    def aside(self, digest: Digest) -> Path:
        """Where content lies that has rotted."""
        return self.root / "quarantine" / f"{digest.algorithm}-{digest.hex}"

    def blob(self, digest: Digest) -> Path:
        """Where committed content lies; its folder may not exist yet."""
        return self.content / digest.algorithm / digest.hex[:2] / digest.hex


def digest_at(algorithm: str, name: str) -> Digest | None:
    """The digest that a file's name stands for; None for a stranger's file."""
    try:
        return Digest(algorithm, name)
    except InvalidText:
        return None
