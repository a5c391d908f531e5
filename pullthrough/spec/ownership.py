"""Which names a hosted repository owns: a group never asks a proxy for them. Pure.

A name that is deleted, or not pushed yet, must not bring a stranger's image (namespace
shadowing, threat T18).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from pullthrough.spec.names import ImageName

#: Stands for every name that exists in the repository.
EXISTING = "@existing"


@dataclass(frozen=True, slots=True)
class Ownership:
    """What ``owns`` says.

    :ivar globs: of image names; ``*`` stands for slashes too.
    :ivar existing: whether every name that exists there is owned as well.
    """

    globs: Sequence[str] = ()
    existing: bool = False

    def claims(self, image: ImageName) -> bool:
        """Whether one of the globs says so."""
        return any(fnmatchcase(image.text, glob) for glob in self.globs)


def parse_ownership(items: Sequence[str]) -> Ownership:
    """Globs, and ``@existing``.

    :raises ValueError: when an item begins with another ``@``.
    """
    globs = tuple(item for item in items if item != EXISTING)
    for glob in globs:
        if glob.startswith("@"):
            raise ValueError(f"{glob} is neither a glob nor {EXISTING}")
    return Ownership(globs, EXISTING in items)
