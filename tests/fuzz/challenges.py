"""What an upstream asks for: challenges, its token realm, and the realm's answer."""

import json
import math
import re
from urllib.parse import parse_qs, urlsplit

from pullthrough.spec.challenge import LONGEST, Challenge, parse_challenges
from pullthrough.spec.origins import Origin, trusts_realm
from pullthrough.upstream.credentials import (
    LONGEST as LONGEST_LIFE,
)
from pullthrough.upstream.credentials import (
    RealmError,
    may_log_in,
    read_token,
    realm_url,
)
from tests.fuzz.feed import Feed, Target, latin

# RFC 9110 section 5.6.2: token = 1*tchar
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_SCHEMES = ("Bearer", "basic", "Negotiate", "x-y!")
_NAMES = ("realm", "Service", "scope", "error", "a.b")
_TOKENS = ("pull", "a/b", "TlRMTVNTUAAB=", "QQ==", "x~._-+", "Bearer")
_GAPS = (", ", ",", " , ", ",\t,", ",,")
_BETWEEN = (", ", ",", " ,\t")
_EQUALS = ("=", " = ", "=\t")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _built(feed: Feed) -> tuple[str, list[Challenge]]:
    """A header by the grammar of RFC 9110 section 11.6.1, and what it says."""
    lines: list[str] = []
    said = []
    for _ in range(1 + feed.below(3)):
        scheme = feed.pick(_SCHEMES)
        parameters: dict[str, str] = {}
        written = []
        for _ in range(feed.below(4)):
            name, value = feed.pick(_NAMES), latin(feed.take())
            plain = _TOKEN.fullmatch(value) is not None and bool(feed.below(2))
            told = value if plain else _quoted(value)
            written.append(name + feed.pick(_EQUALS) + told)
            parameters.setdefault(name.lower(), value)
        line = scheme
        if written:
            line += " " + feed.pick(_BETWEEN).join(written)
        elif feed.below(2):
            line += " " + feed.pick(_TOKENS)  # token68
        lines.append(line)
        said.append(Challenge(scheme.lower(), parameters))
    header = lines[0]
    for line in lines[1:]:
        header += feed.pick(_GAPS) + line
    return header, said


def challenges(data: bytes) -> None:
    """What is built by the grammar is read as it was meant."""
    header, said = _built(Feed(data))
    if len(header) <= LONGEST:
        assert list(parse_challenges([header])) == said, header


def malformed(data: bytes) -> None:
    """Of any bytes only tokens become schemes and names; and what was read, written
    by the grammar, is read again."""
    found = parse_challenges([latin(data)])
    written = []
    for challenge in found:
        assert _TOKEN.fullmatch(challenge.scheme)
        assert challenge.scheme == challenge.scheme.lower()
        for name in challenge.parameters:
            assert _TOKEN.fullmatch(name)
            assert name == name.lower()
        parts = [f"{name}={_quoted(it)}" for name, it in challenge.parameters.items()]
        written.append(f"{challenge.scheme} {', '.join(parts)}".strip())
    header = ", ".join(written)
    if len(header) <= LONGEST:
        assert parse_challenges([header]) == found


_REMOTE = Origin.of("https://registry.example.org")


def realms(data: bytes) -> None:
    """The URL of a realm is that realm's, asks for the scope, and gets a password only
    within the registry's own domain, by TLS."""
    feed = Feed(data)
    service = latin(feed.take())
    realm = latin(feed.rest())
    challenge = Challenge("bearer", {"realm": realm, "service": service})
    try:
        url = realm_url(challenge, "repository:a/b:pull", "me&you")
    except RealmError:
        return
    assert url.isascii()
    assert url.isprintable()
    assert " " not in url
    assert Origin.of(url) == Origin.of(realm)
    assert re.fullmatch(r"[A-Za-z0-9._\-:%\[\]]+", urlsplit(url).netloc)
    asked = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert asked["scope"][-1] == "repository:a/b:pull", url
    assert asked["account"][-1] == "me&you"
    assert not service or asked["service"][-1] == service
    if may_log_in(_REMOTE, url):
        host = urlsplit(url).hostname or ""
        assert urlsplit(url).scheme == "https"
        assert host == "example.org" or host.endswith(".example.org"), url
        assert trusts_realm(_REMOTE, Origin.of(url))


def answers(data: bytes) -> None:
    """A realm's answer gives a token that fits into a header, for a time within
    bounds; or an error."""
    now = 1000.0
    try:
        token = read_token(data, now)
    except RealmError:
        return
    assert token.text
    assert token.text.isascii()
    assert token.text.isprintable()
    assert math.isfinite(token.until)
    assert now <= token.until <= now + LONGEST_LIFE
    told = json.loads(data)
    assert token.text in (told.get("token"), told.get("access_token"))


_BEARER = (
    b'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",'
    b'scope="repository:library/alpine:pull"'
)

TARGETS = (
    Target(
        challenges,
        (
            b'\x00\x00\x03\x00\x05a\\b"c\x00\x00\x01\x02xy\x01\x00\x02\x00\x00\x00',
            b"\x02\x02\x00\x01\x02\x00\x00\x00\x01\x00\x01x\x01\x00",
            b"\x02\x02\x00\x00\x01\x00\x01\x03\x00\x00\x00",
        ),
    ),
    Target(
        malformed,
        (
            _BEARER,
            b'Basic realm="a\\"b", Bearer realm=x',
            b"Negotiate YII+/a=, Basic realm=x",
            b'Bearer realm="x',
            b'Bearer realm = x , , y=\t"z"',
            b"Bearer =x",
            b"a b c",
        ),
        (b"Bearer", b"Basic ", b"realm=", b'="', b'",', b"\\"),
    ),
    Target(
        realms,
        tuple(
            b"\x08registry" + realm
            for realm in (
                b"https://auth.example.org/token",
                b"https://auth.example.org:8443/token?x=y",
                b"https://auth.example.org/token#x",
                b"https://me@auth.example.org/",
                b"https://evil.test\\.example.org/",
                b"https://evil.test/#.example.org",
                b"https://[::1]:5000/t",
                b"https://[::1]example.org/t",
                b"http://example.org/",
                b"https://example.org:/",
                b"/token",
            )
        ),
        (b"https://", b".example.org", b"@", b"\\", b"[", b"]", b"#", b"?", b":443"),
    ),
    Target(
        answers,
        (
            b'{"token":"abc","expires_in":300}',
            b'{"access_token":"abc","expires_in":1e999}',
            b'{"token":"a","expires_in":-1}',
            b'{"token":"a","expires_in":true}',
            b'{"token":"a","expires_in":0.001}',
            b'{"token":"a","expires_in":NaN}',
            b'{"token":"a","expires_in":' + b"9" * 400 + b"}",
            b'{"token":"","access_token":"\\u00e4"}',
            b'{"token":"a\\r\\nb"}',
            b"[]",
            b"[" * 2000,
            b'"\xff"',
        ),
        (b'"token":', b'"access_token":', b'"expires_in":', b"\\u", b"1e99"),
    ),
)
