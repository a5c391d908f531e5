"""A run: its options, its results, and how servers take turns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.content import Contents
from benchmarks.fleet import Fleet
from benchmarks.results import Results, Row

#: What one look at a server has found: metrics and values.
Figures = Mapping[str, float]


@dataclass
class Bench:
    """One run.

    :ivar rounds: how often each server has its turn.
    :ivar seconds: that small requests are sent for, in a turn.
    :ivar quick: for development: fewer rows, servers and bytes.
    :ivar missing: programs that are not installed.
    """

    folder: Path
    contents: Contents
    rounds: int = 3
    seconds: float = 1
    quick: bool = False
    results: Results = field(default_factory=Results)
    missing: set[str] = field(default_factory=set)
    _fleets: int = 0

    def fleet(self) -> Fleet:
        """A place for the servers of a case."""
        self._fleets += 1
        folder = self.folder / f"fleet{self._fleets}"
        return Fleet(folder, self.contents, self.missing)

    def add(self, case: str, what: str, server: str, figures: Figures) -> None:
        """Note what was found."""
        for metric, value in figures.items():
            self.results.add(Row(case, what, metric), server, value)

    def take_turns(
        self,
        case: str,
        what: str,
        turns: Mapping[str, Callable[[], Figures]],
        rounds: int = 0,
    ) -> None:
        """Measure each server in turn, so often as there are rounds.

        The order turns as well, so that nobody always comes after the same one.

        :param rounds: instead of the run's.
        """
        names = list(turns)
        for number in range(rounds or self.rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                self.add(case, what, name, turns[name]())
