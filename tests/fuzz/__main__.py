"""``python -m tests.fuzz``: see docs/testing.md."""

import argparse
import importlib.util
import os
import platform
import sys
import time

from tests.fuzz.runner import fuzz
from tests.fuzz.targets import TARGETS, of_day

#: Targets of a day, and seconds for each.
DAILY = 3
SECONDS = 30

#: Whether setup.cfg asks for atheris, which has no packages for other machines.
EXPECTED = sys.platform == "linux" and platform.machine() == "x86_64"


def main() -> int:
    """The exit status: 0 when nothing was found, 1 otherwise, 2 for wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz",
        description="Fuzz the named targets; without names those of $FUZZ, else the"
        " day's.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for each target")
    parser.add_argument("--jobs", type=int, default=DAILY, help="targets at a time")
    parser.add_argument("--replay", metavar="HEX", help="run one input; - is empty")
    parser.add_argument("--list", action="store_true", help="name all targets")
    given = parser.parse_args()
    if given.list:
        for name, target in sorted(TARGETS.items()):
            print(f"{name:12} {' '.join((target.run.__doc__ or '').split())}")
        return 0
    asked = given.names or os.environ.get("FUZZ", "").split()
    names = asked or of_day(int(time.time() // 86400), DAILY)
    for name in names:
        if name not in TARGETS:
            parser.error(f"there is no target {name}: see --list")
    if given.replay is not None:
        for name in names:
            TARGETS[name].run(bytes.fromhex(given.replay.removeprefix("-")))
        return 0
    if importlib.util.find_spec("atheris") is None:
        print("fuzz: atheris is not installed, nothing was done", file=sys.stderr)
        return int(EXPECTED or bool(given.names))
    print(f"fuzz: {' '.join(names)}, {given.seconds} s each", flush=True)
    outcomes = fuzz(names, given.seconds, given.jobs)
    for outcome in outcomes:
        if outcome.problem:
            print(outcome.problem, file=sys.stderr)
        elif asked:
            print(f"{outcome.name}: {outcome.runs} inputs, nothing found")
    return int(any(outcome.problem for outcome in outcomes))


if __name__ == "__main__":
    sys.exit(main())
