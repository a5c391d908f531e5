"""Routing rules: which images a proxy may ask its upstream for. Pure.

Globs, no regular expressions: ``*`` stands for anything, slashes too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Reference, Tag


class Mode(Enum):
    """What a rule does with what it matches."""

    ALLOW = "allow"
    BLOCK = "block"


@dataclass(frozen=True, slots=True)
class RoutingRule:
    """A rule: it lets through only what it matches, or all but that.

    :ivar images: globs of image names, as the upstream knows them.
    :ivar tags: globs of tags. A digest is let through with its image: it was learnt
        from a tag, or it is asked for on purpose.
    """

    name: str
    mode: Mode
    images: Sequence[str] = ("*",)
    tags: Sequence[str] = ("*",)

    def permits(self, image: ImageName, reference: Reference | None) -> bool:
        """Whether it may be asked for.

        :param reference: None for what concerns the whole image, such as its tags.
        """
        matched = any(fnmatchcase(image.text, glob) for glob in self.images)
        every_tag = "*" in self.tags
        if isinstance(reference, Tag):
            matched &= any(fnmatchcase(reference.name, glob) for glob in self.tags)
        elif self.mode is Mode.BLOCK:
            # Only some tags of it are blocked: the image is not.
            matched &= every_tag
        return matched == (self.mode is Mode.ALLOW)
