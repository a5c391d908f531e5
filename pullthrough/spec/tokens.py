"""Token scopes: ``repository:NAME:pull,push`` and what they cover."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Access:
    """One resource and the actions on it.

    Distribution, "Token Scope Documentation":
    "resourcescope := resourcetype ':' resourcename ':' action [',' action]*".
    """

    kind: str
    name: str
    actions: frozenset[str]

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}:{','.join(sorted(self.actions))}"


#: Longest scope text read, in characters; what lies beyond, or half beyond, is none.
LONGEST_SCOPE = 4096


def parse_scopes(texts: Iterable[str]) -> tuple[Access, ...]:
    """Read ``scope`` parameters; each may hold several, parted by spaces.

    What is no scope is passed over, as the specification's token servers do:
    a subset of what was asked is never an error.
    """
    found = []
    for text in texts:
        for scope in _words(text):
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            wanted = frozenset(filter(None, actions.split(",")))
            if kind and name and wanted:
                found.append(Access(kind, name, wanted))
    return tuple(found)


def _words(text: str) -> list[str]:
    words = text[:LONGEST_SCOPE].split()
    border = text[LONGEST_SCOPE - 1 : LONGEST_SCOPE + 1]
    if len(border) == 2 and not any(map(str.isspace, border)):
        words.pop()  # one that is cut in two would be another scope
    return words


def covers(access: Iterable[Access], kind: str, name: str, action: str) -> bool:
    """Whether one of ``access`` allows ``action``; ``*`` stands for any."""
    return any(
        held.kind == kind
        and held.name == name
        and (action in held.actions or "*" in held.actions)
        for held in access
    )
