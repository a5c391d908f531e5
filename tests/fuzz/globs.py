"""Globs of images, tags, hosts and URLs, against a matcher without regexes."""

from pullthrough.spec.errorcodes import InvalidText
from pullthrough.spec.freshness import Freshness
from pullthrough.spec.hosts import matches
from pullthrough.spec.names import ImageName
from pullthrough.spec.ownership import EXISTING, Ownership, parse_ownership
from pullthrough.spec.reference import Tag
from pullthrough.spec.rights import Right, Role, permitted
from pullthrough.spec.routing import Mode, RoutingRule
from tests.fuzz.feed import Feed, Target, latin


def _matches(value: str, glob: str) -> bool:
    """``*`` any signs, ``?`` one, ``[…]`` one of these, ``[!…]`` none of these."""
    ends = {0}
    at = 0
    while at < len(glob) and ends:
        if glob[at] == "*":
            ends = set(range(min(ends), len(value) + 1))
            at += 1
            continue
        close = _close(glob, at)
        one, at = glob[at : close + 1], close + 1
        ends = {end + 1 for end in ends if end < len(value) and _is(value[end], one)}
    return len(value) in ends


def _close(glob: str, at: int) -> int:
    """Where a set ends that begins there; without an end it is a bracket."""
    if glob[at] != "[":
        return at
    first = at + 2 if glob[at + 1 : at + 2] == "!" else at + 1
    end = glob.find("]", first + 1)
    return at if end < 0 else end


def _is(char: str, one: str) -> bool:
    if len(one) == 1:
        return one in ("?", char)
    inside = one[1:-1]
    if inside.startswith("!"):
        return not _within(char, inside[1:])
    return _within(char, inside)


def _within(char: str, inside: str) -> bool:
    at = 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            if inside[at] <= char <= inside[at + 2]:
                return True
            at += 3
        else:
            if inside[at] == char:
                return True
            at += 1
    return False


def _plain(glob: str) -> bool:
    """Whether its sets are such as all readers read alike."""
    return glob.count("-") <= 1


def globs(data: bytes) -> None:
    """Rules, rights, ownership and ages match as the plain matcher does."""
    feed = Feed(data)
    pattern = latin(feed.take())
    try:
        image, tag = ImageName(latin(feed.take())), Tag(latin(feed.rest()))
    except InvalidText:
        image, tag = ImageName("team/app-1"), Tag("v1.2")
    if not _plain(pattern):
        return
    hit, tagged = _matches(image.text, pattern), _matches(tag.name, pattern)
    for mode in Mode:
        by_image = RoutingRule("r", mode, (pattern,))
        assert by_image.permits(image, None) == (hit == (mode is Mode.ALLOW))
        assert by_image.permits(image, tag) == by_image.permits(image, None)
        by_tag = RoutingRule("r", mode, ("*",), (pattern,))
        assert by_tag.permits(image, tag) == (tagged == (mode is Mode.ALLOW))
    role = Role("r", frozenset("*"), frozenset({Right.READ}), images=(pattern,))
    assert permitted([role], "me", "hub", image, Right.READ) == hit
    assert not permitted([role], "me", "hub", image, Right.PUSH)
    assert not permitted([role], "", "hub", image, Right.READ)
    assert Ownership((pattern,)).claims(image) == hit
    ages = Freshness(tag_ages=((pattern, 5.0),))
    assert ages.max_age(tag.name) == (5.0 if tagged else 86400.0)
    if pattern != EXISTING and not pattern.startswith("@"):
        assert parse_ownership([pattern, EXISTING]) == Ownership((pattern,), True)


def hosts(data: bytes) -> None:
    """A host is meant by itself, and by globs whatever the case; an address by the
    networks that hold it, and by no others."""
    feed = Feed(data)
    pattern, host = latin(feed.take()), latin(feed.rest())
    if not (host.isascii() and pattern.isascii() and _plain(pattern)):
        return
    bare = host.strip("[]").lower()
    hit = matches(host, [pattern])
    if _matches(bare, pattern.lower()):
        assert hit
    elif hit:
        bare = bare.partition("%")[0]
        assert set(bare) <= set("0123456789abcdef.:%"), "a name is in no network"
        assert "/" in pattern or set(pattern) <= set("0123456789abcdefABCDEF.:%")
    assert not matches(host, [])
    assert matches(host, [pattern, "*"])


def _pairs(*pairs: tuple[bytes, bytes]) -> tuple[bytes, ...]:
    return tuple(bytes([len(one)]) + one + other for one, other in pairs)


TARGETS = (
    Target(
        globs,
        tuple(
            bytes([len(glob)]) + glob + b"\x08team/app" + b"v1.2"
            for glob in (
                b"*",
                b"team/*",
                b"t?am/[a-b]pp",
                b"v[!2-9].*",
                b"[",
                b"[]",
                b"[!]",
                b"[]a]",
                b"[a-]*",
                b"[z-a]",
                b"a[b]/**",
                b"*a*a*a*a*a*a*a*a*b",
                b"\\team",
                b"@existing",
                b"(?s:x)",
                b"[[a]",
                b"[&&~~||]",
            )
        ),
        (b"*", b"?", b"[", b"]", b"[!", b"-", b"|", b"\\", b"**"),
    ),
    Target(
        hosts,
        _pairs(
            (b"*.corp.example", b"Registry.corp.example"),
            (b"10.0.0.0/8", b"10.1.2.3"),
            (b"10.0.0.0/8", b"10.a.example"),
            (b"2001:db8::/32", b"[2001:db8::1]"),
            (b"::1", b"0:0:0:0:0:0:0:1"),
            (b"fe80::/10", b"fe80::1%eth0"),
            (b"10", b"0.0.0.10"),
            (b"[a-c]x", b"bx"),
        ),
        (b"*.", b"/8", b"::", b"[", b"]", b".example", b"10."),
    ),
)
