"""Where an answer came from: the member, and hit, miss or stale."""

from dataclasses import dataclass, field, replace
from enum import Enum


class Source(Enum):
    """How a repository came by what it answers."""

    HIT = "hit"
    MISS = "miss"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which repository answered, and how; for the access log and headers.

    :ivar member: the name of the hosted or proxy repository that answered.
    :ivar warning: a sentence for a ``Warning: 299`` header, or empty.
    :ivar until: up to when the same question gets the same answer, as long as the
        facts here stand (seconds since the epoch); 0: that is not known.
    """

    member: str
    source: Source
    warning: str = ""
    until: float = field(default=0.0, compare=False)

    def at_most(self, until: float) -> "Provenance":
        """The same, but not longer than that."""
        return replace(self, until=min(self.until, until))
