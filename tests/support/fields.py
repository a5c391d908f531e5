"""Header lines as another reader sees them, put beside ours."""

from collections.abc import Iterable


def gathered(lines: Iterable[tuple[str, str]]) -> dict[str, tuple[str, ...]]:
    """The values of each name, in the order sent. What has an underscore falls away
    (C12)."""
    found: dict[str, tuple[str, ...]] = {}
    for name, value in lines:
        if "_" not in name:
            found[name] = (*found.get(name, ()), value)
    return found


def coded(fields: Iterable[tuple[str, tuple[str, ...]]]) -> dict[str, tuple[str, ...]]:
    """Ours as h11 tells them: with transfer codings in lower case."""
    return {
        name: tuple(map(str.lower, some)) if name == "transfer-encoding" else some
        for name, some in fields
    }
