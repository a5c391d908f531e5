"""Who may do what: roles, as the configuration gives them. Pure.

Nexus's five actions by the names of registries: browse (see in lists), read (pull),
push (add), overwrite (edit: move a tag), delete.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from pullthrough.spec.names import ImageName

#: In a role: whoever has logged in, and who has not.
EVERY_USER = "*"
ANONYMOUS = "anonymous"


class Right(Enum):
    """What somebody may do."""

    BROWSE = "browse"
    READ = "read"
    PUSH = "push"
    OVERWRITE = "overwrite"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Role:
    """Rights that some principals have on some images.

    :ivar users: names; ``*`` for every user, ``anonymous`` for who has not logged in.
    :ivar repositories: globs of names. A right on a group counts for whatever its
        members hold, through that group.
    :ivar images: globs; ``*`` stands for slashes too.
    """

    name: str
    users: frozenset[str]
    rights: frozenset[Right]
    repositories: Sequence[str] = ("*",)
    images: Sequence[str] = ("*",)

    def includes(self, principal: str) -> bool:
        """Whether the principal has the role; empty: who has not logged in."""
        if not principal:
            return ANONYMOUS in self.users
        return principal in self.users or EVERY_USER in self.users

    def covers(self, repository: str, image: ImageName | None) -> bool:
        """Whether it is about the image; None: about any image there."""
        return _any(self.repositories, repository) and (
            image is None or _any(self.images, image.text)
        )


def _any(globs: Iterable[str], text: str) -> bool:
    return any(fnmatchcase(text, glob) for glob in globs)


def permitted(
    roles: Iterable[Role],
    principal: str,
    repository: str,
    image: ImageName | None,
    right: Right,
) -> bool:
    """Whether one of the roles gives the right; what none gives is refused."""
    return any(
        right in role.rights
        and role.includes(principal)
        and role.covers(repository, image)
        for role in roles
    )
