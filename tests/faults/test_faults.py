"""Every fault at every stage of a pull, with no copy, a fresh one and an old one.

What must come of it is written in ``table.py``.
"""

import pytest

from tests.faults.pulls import FRESH, Pulls
from tests.faults.registry import Fault, Stage
from tests.faults.table import ROWS, TEMPERATURES, Row
from tests.support.images import make_image

LAYER = bytes(range(256)) * 800
OLD = make_image(LAYER)
NEW = make_image(bytes(reversed(LAYER)) + b"new", config=b'{"architecture":"new"}')

#: Seconds after which each breaker and limit of the table has ended, and no known miss.
PAUSE = 300

#: Seconds for which a miss is known.
KNOWN = 600


class Case:
    """One fault at one stage at one temperature."""

    def __init__(self, stage: Stage, temperature: str, fault: Fault) -> None:
        self.pulls = Pulls()
        self._stage = stage
        self._temperature = temperature
        self._fault = fault
        self.image = OLD
        upstream = self.pulls.upstream
        upstream.tag("latest", OLD)
        upstream.redirects = stage is Stage.REDIRECT
        if temperature != "cold":
            assert self.pulls.pull(OLD) == "RRR"
        if temperature == "stale":
            self._grow_old()

    def _grow_old(self) -> None:
        self.pulls.network.pass_time(FRESH)
        if self._stage in (Stage.TOKEN, Stage.HEAD):
            return
        # Only what has changed is asked for.
        self.image = NEW
        self.pulls.upstream.tag("latest", NEW)
        if self._stage is not Stage.MANIFEST:
            assert self.pulls.ends(self.pulls.tag()) == "R"

    def break_it(self) -> None:
        """The fault begins."""
        self.pulls.upstream.break_at(self._stage, self._fault)

    def heal(self) -> None:
        """It is gone, and so are the pauses that it caused."""
        self.pulls.upstream.heal()
        self.pulls.network.pass_time(PAUSE)

    def ask(self) -> str:
        """What meets the fault, if anything does."""
        pulls = self.pulls
        layer = list(self.image.blobs)[1]
        if self._stage in (Stage.TOKEN, Stage.MANIFEST):
            return pulls.ends(pulls.tag())
        if self._stage is not Stage.HEAD:
            return pulls.ends(pulls.blob(layer))
        if self._temperature == "cold":
            return pulls.ends(pulls.size(layer))
        return pulls.ends(pulls.head_tag())


def cases() -> list[object]:
    """All of them."""
    return [
        pytest.param(row, stage, heat, id=f"{row.name}-{stage.value}-{heat}")
        for row in ROWS
        for stage in Stage
        for heat in TEMPERATURES
    ]


@pytest.mark.parametrize(("row", "stage", "temperature"), cases())
def test_fault(row: Row, stage: Stage, temperature: str) -> None:
    """The outcome is the table's; nothing wrong is kept, and the next pull is right."""
    case = Case(stage, temperature, row.fault)
    pulls = case.pulls
    case.break_it()
    assert case.ask() == row.outcome(stage, temperature)
    pulls.check_store()
    case.heal()
    later = row.later(stage, temperature)
    assert case.ask() == later, "after the fault"
    if later in "Oo":
        assert case.ask() == "R", "what was kept has not been dropped"
    pulls.check_store()
    pulls.network.pass_time(KNOWN)
    assert pulls.pull(case.image) == "RRR", "in the end"
    pulls.check_store()
    pulls.check_nothing_left()


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_again(row: Row) -> None:
    """Asked again at once: a host that fails is left alone, and one that limits us."""
    case = Case(Stage.MANIFEST, "cold", row.fault)
    case.break_it()
    case.ask()
    heard = len(case.pulls.upstream.registry.heard)
    assert case.ask() == row.again
    if row.again in "BL" and not row.name.startswith("307"):
        assert len(case.pulls.upstream.registry.heard) == heard, "it was asked"
    case.heal()
    case.pulls.check_nothing_left()


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_size_with_a_manifest(row: Row) -> None:
    """Once a manifest tells the size, no other is ever told."""
    case = Case(Stage.HEAD, "cold", row.fault)
    pulls = case.pulls
    assert pulls.ends(pulls.tag()) == "R"
    case.break_it()
    assert case.ask() != "W"
    case.heal()
    assert case.ask() == "R"
    pulls.check_nothing_left()


def test_enough() -> None:
    """The table has at least 40 faults, hence 600 cases, and no two of one name."""
    assert len({row.name for row in ROWS}) == len(ROWS) >= 40
    assert len(cases()) >= 600
