"""Every target over its seeds and some changes to them; and the runner."""

import subprocess
import sys

import pytest

from tests.fuzz.mutations import mutations
from tests.fuzz.runner import ROOT, replay_command
from tests.fuzz.targets import TARGETS, of_day

#: Changed seeds for each target.
COUNT = 1000


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_target(name: str) -> None:
    """No seed, and nothing made from one, violates what the target holds."""
    target = TARGETS[name]
    for data in (b"", *target.seeds, *mutations(target, COUNT)):
        try:
            target.run(data)
        except Exception as error:
            pytest.fail(f"{error!r}; again with: {replay_command(name, data)}")


def test_there_are_enough() -> None:
    """Sixteen at least, each with a docstring that says what it holds, and seeds."""
    assert len(TARGETS) >= 16
    for target in TARGETS.values():
        assert target.run.__doc__
        assert target.seeds


def test_mutations_are_always_the_same() -> None:
    """What has failed once fails again."""
    target = TARGETS["names"]
    first, second = list(mutations(target, 50)), list(mutations(target, 50))
    assert first == second
    assert len(set(first)) > 25


def test_each_target_has_its_day() -> None:
    """One day's are different ones, and in a month all have been there."""
    assert len(set(of_day(5, 3))) == 3
    seen = {name for day in range(20_000, 20_030) for name in of_day(day, 3)}
    assert seen == set(TARGETS)


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command."""
    return subprocess.run(
        [sys.executable, "-m", "tests.fuzz", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_replay() -> None:
    """One input again, without a fuzzer; a name that is none is refused."""
    done = run("names", "--replay", b"library/alpine".hex())
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    wrong = run("nonsense", "--replay", "00")
    assert wrong.returncode == 2
    assert "nonsense" in wrong.stderr
