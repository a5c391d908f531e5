"""Freshness: whether a proxied tag may be served without asking. Pure.

Digests are never asked about again: what they name cannot change.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase

#: By which part of its age a tag may be asked about early, so that a thousand tags
#: fetched together are not asked about together (10 %). Never late.
JITTER = 0.1


class Decision(Enum):
    """What to do about a tag."""

    SERVE = "serve"
    REVALIDATE = "revalidate"
    FETCH = "fetch"


class Deleted(Enum):
    """What becomes of a tag that the upstream has no more."""

    KEEP = "keep"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Freshness:
    """The policy of a proxy. Ages are in seconds; infinite: never ask again.

    A tag is fresh while it is younger than both ages: what it stands for is metadata,
    the manifest is content.

    :ivar tag_ages: globs of tags with metadata ages of their own; the first that
        matches counts.
    :ivar stale_max_age: the age up to which a copy is served while the upstream cannot
        tell.
    """

    metadata_max_age: float = 86400.0
    content_max_age: float = float("inf")
    tag_ages: Sequence[tuple[str, float]] = ()
    stale_max_age: float = 7 * 86400.0
    deleted: Deleted = Deleted.KEEP

    def max_age(self, tag: str) -> float:
        """How long that tag is served without asking, in seconds."""
        age = self.metadata_max_age
        for pattern, own in self.tag_ages:
            if fnmatchcase(tag, pattern):
                age = own
                break
        return min(age, self.content_max_age)

    def decide(
        self, now: float, checked_at: float | None, tag: str, image: str = ""
    ) -> Decision:
        """Decide about a tag last confirmed at ``checked_at``.

        :param now: seconds since the epoch.
        :param checked_at: likewise; None when there is no copy. A time in the future
            (the clock was set back) counts as just now.
        :param image: with the tag, what the jitter is drawn from.
        """
        if checked_at is None:
            return Decision.FETCH
        fresh = now < self.fresh_until(checked_at, tag, image)
        return Decision.SERVE if fresh else Decision.REVALIDATE

    def fresh_until(self, checked_at: float, tag: str, image: str = "") -> float:
        """Up to when a tag last confirmed at ``checked_at`` is served without asking
        (seconds since the epoch)."""
        early = JITTER * _draw(f"{image}:{tag}:{checked_at}")
        return checked_at + self.max_age(tag) * (1 - early)

    def may_be_stale(self, now: float, checked_at: float) -> bool:
        """Whether a copy may be served while the upstream cannot tell."""
        return now - checked_at <= self.stale_max_age


def _draw(seed: str) -> float:
    """A number from 0 to 1 that is always the same for the same seed."""
    return zlib.crc32(seed.encode()) / 0xFFFFFFFF
