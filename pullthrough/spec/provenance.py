"""Where an answer came from: the member, and hit, miss or stale."""

from dataclasses import dataclass
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
    """

    member: str
    source: Source
    warning: str = ""
