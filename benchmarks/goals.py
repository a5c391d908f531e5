"""What we want to reach, and whether we have."""

from dataclasses import dataclass

from benchmarks.names import CACHE, DISTRIBUTION, PULLING, STATIC
from benchmarks.results import Row, Spread

#: What is measured; these names are the table's.
RATE, P99, CPU_REQUEST = "requests/s", "p99 ms", "CPU µs/request"
SPEED, CPU_GB, WALL, FIRST = "MB/s", "CPU s/GB", "wall / direct", "first byte ms"
IDEAL, GETS, LAYERS, MEMORY = "wall / ideal", "upstream GETs", "layers/s", "PSS MiB"
LIST, START = "answer ms", "start s"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for our figure, or for its ratio to a peer's.

    :ivar cases: letters.
    :ivar what: a part of what the row must be about.
    :ivar against: a peer; empty: the figure itself counts.
    :ivar bound: at least that, or at most that when ``most`` is set.
    :ivar aim: a second bound behind it; None: there is none.
    """

    cases: str
    metric: str
    against: str
    bound: float
    aim: float | None = None
    most: bool = False
    what: str = ""

    def concerns(self, row: Row) -> bool:
        """Whether it is about a row."""
        return (
            row.case in self.cases
            and row.metric == self.metric
            and self.what in row.what
        )

    def figure(self, ours: Spread, peers: dict[str, Spread]) -> float | None:
        """What is held against the bounds; None: the peer was not measured."""
        if not self.against:
            return ours.median
        peer = peers.get(self.against)
        return ours.median / peer.median if peer and peer.median else None

    def verdict(self, figure: float) -> str:
        """``aim``, ``yes`` or ``no``: what is reached."""
        if not self._within(figure, self.bound):
            return "no"
        if self.aim is not None and self._within(figure, self.aim):
            return "aim"
        return "yes"

    def _within(self, figure: float, bound: float) -> bool:
        return figure <= bound if self.most else figure >= bound

    @property
    def told(self) -> str:
        """The bounds, in words."""
        bound = f"at {'most' if self.most else 'least'} {self.bound:g}"
        return bound if self.aim is None else f"{bound}, aim {self.aim:g}"


#: A small answer at ten thousand images, against the same at a hundred.
FEW = "ours 100 images"

GOALS = (
    Goal("ab", RATE, DISTRIBUTION, 20, 25),
    Goal("ab", RATE, CACHE, 0.5),
    Goal("ab", P99, DISTRIBUTION, 0.1, most=True),
    Goal("ab", P99, CACHE, 3, most=True),
    Goal("c", SPEED, DISTRIBUTION, 2.5),
    Goal("c", SPEED, STATIC, 0.9),
    Goal("c", CPU_GB, STATIC, 1.2, most=True),
    Goal("d", WALL, "", 1.02, most=True, what="128 MiB/s"),
    Goal("d", WALL, "", 10, most=True, what="unlimited"),
    Goal("d", CPU_GB, PULLING, 0.5, most=True),
    Goal("d", FIRST, CACHE, 1, most=True),
    Goal("e", GETS, "", 1, most=True),
    Goal("e", IDEAL, "", 1.15, most=True),
    Goal("f", SPEED, DISTRIBUTION, 2.5),
    Goal("f", LAYERS, DISTRIBUTION, 3),
    Goal("g", MEMORY, "", 120, most=True, what="slow readers"),
    Goal("g", MEMORY, "", 100, most=True, what="cold pull"),
    Goal("g", MEMORY, "", 70, most=True, what="idle"),
    Goal("h", RATE, FEW, 0.9),
    Goal("h", LIST, "", 5, most=True),
    Goal("h", START, "", 1, most=True),
    Goal("i", P99, DISTRIBUTION, 0.25, most=True),
)
