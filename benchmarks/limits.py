"""What limits us where a goal is missed, as far as it is known.

The long form, with figures, is in docs/performance.md under "What limits".
"""

from dataclasses import dataclass

from benchmarks.goals import CPU_GB, RATE, SPEED
from benchmarks.results import Row


@dataclass(frozen=True, slots=True)
class Limit:
    """What limits us in some rows.

    :ivar cases: letters.
    :ivar metrics: what is measured; empty: anything.
    :ivar what: a part of what the row must be about.
    :ivar text: one or two sentences.
    """

    cases: str
    metrics: tuple[str, ...]
    what: str
    text: str

    def concerns(self, row: Row) -> bool:
        """Whether it is about a row."""
        return (
            row.case in self.cases
            and (not self.metrics or row.metric in self.metrics)
            and self.what in row.what
        )


#: The first that concerns a row tells of it.
LIMITS = (
    Limit(
        "ab",
        (RATE,),
        "each head another",
        "One process, on one core, reads and checks each new head in Python.",
    ),
    Limit(
        "c",
        (SPEED,),
        "plain",
        "All send by sendfile: on loopback the reader's copy is the limit.",
    ),
    Limit(
        "c",
        (SPEED, CPU_GB),
        "TLS",
        "Twisted encrypts through memory; how much that costs is not measured.",
    ),
)

UNKNOWN = "What limits us here is not known."


def limit_of(row: Row) -> str:
    """What limits us in a row."""
    return next((one.text for one in LIMITS if one.concerns(row)), UNKNOWN)
