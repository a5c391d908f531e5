"""Scopes that clients ask tokens for."""

from pullthrough.spec.tokens import LONGEST_SCOPE, Access, covers, parse_scopes
from tests.fuzz.feed import Target, text


def _expected(given: str) -> list[Access]:
    """What a text asks for, read from both ends: names may hold colons."""
    found = []
    for word in given.split():
        pieces = word.split(":")
        if len(pieces) < 3:
            continue
        name = ":".join(pieces[1:-1])
        actions = frozenset(pieces[-1].split(",")) - {""}
        if pieces[0] and name and actions:
            found.append(Access(pieces[0], name, actions))
    return found


def scopes(data: bytes) -> None:
    """The same as a second reader; rendered and read again it is the same; and never
    is more asked for than what stands there."""
    given = text(data)
    found = list(parse_scopes([given]))
    expected = _expected(given)
    if len(given) <= LONGEST_SCOPE:
        assert found == expected
    else:
        assert found == expected[: len(found)], "half a scope was read"
    assert list(parse_scopes(map(str, found))) == found
    for access in found:
        for action in access.actions:
            assert covers(found, access.kind, access.name, action)
        assert covers(found, access.kind, access.name, "pull") == any(
            {"pull", "*"} & one.actions
            for one in found
            if (one.kind, one.name) == (access.kind, access.name)
        )


TARGETS = (
    Target(
        scopes,
        (
            b"repository:library/alpine:pull,push",
            b"repository:host:5000/a:pull registry:catalog:*",
            b"repository(plugin):a:pull",
            b"repository::pull",
            b"repository:a:",
            b"a:b",
            b":a:b",
            b"repository:a:pull,,pull repository:a:*",
            b"repository:" + b"a" * 4080 + b":pull,delete",
            b"repository:a:pull\xc2\xa0x:y:z",
        ),
        (b"repository:", b":pull", b",push", b" ", b":*", b"\xe2\x80\xa8"),
    ),
)
