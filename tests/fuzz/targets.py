"""Every target by its name, and which ones a day has."""

from collections.abc import Mapping, Sequence

from tests.fuzz import (
    challenges,
    configs,
    credentials,
    egress,
    events,
    forwarded,
    globs,
    heads,
    limits,
    links,
    manifests,
    names,
    paths,
    ranges,
    scopes,
    urls,
)
from tests.fuzz.feed import Target

_GROUPS = (
    names,
    ranges,
    challenges,
    scopes,
    manifests,
    links,
    configs,
    heads,
    egress,
    forwarded,
    credentials,
    paths,
    limits,
    globs,
    urls,
    events,
)

TARGETS: Mapping[str, Target] = {
    target.name: target for group in _GROUPS for target in group.TARGETS
}


def of_day(day: int, count: int) -> Sequence[str]:
    """The names of so many targets; in the course of days each has its turn.

    :param day: its number.
    """
    names = sorted(TARGETS)
    return [names[(day * count + index) % len(names)] for index in range(count)]
