"""What was measured: rows of the table, and in each the values of every server."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What a row is about.

    :ivar case: its letter.
    :ivar what: was done.
    :ivar metric: was measured, with its unit.
    """

    case: str
    what: str
    metric: str


@dataclass(frozen=True, slots=True)
class Spread:
    """The values of a server."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread":
        """Of some values, one at least."""
        return cls(statistics.median(values), min(values), max(values))


class Results:
    """All that was measured so far, in the order in which it came."""

    def __init__(self) -> None:
        self._values: dict[Row, dict[str, list[float]]] = {}

    def add(self, row: Row, server: str, value: float) -> None:
        """One value more."""
        self._values.setdefault(row, {}).setdefault(server, []).append(value)

    def rows(self, case: str = "") -> Iterator[tuple[Row, dict[str, Spread]]]:
        """The rows, of one case or all, with what each server has reached."""
        for row, found in self._values.items():
            if case in ("", row.case):
                yield row, {name: Spread.of(some) for name, some in found.items()}

    def values(self, row: Row, server: str) -> list[float]:
        """Each value of a server, in the order measured."""
        return list(self._values.get(row, {}).get(server, []))
