"""URLs that upstreams lead to: whose they are, against Twisted's reading of them."""

import re
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import urlsplit

from twisted.web.client import URI

from pullthrough.spec.addresses import is_loopback, is_odd_number, is_public, literal
from pullthrough.spec.namespaces import namespaces_of
from pullthrough.spec.origins import Origin, is_visible, redirected
from tests.fuzz.feed import Feed, Target, latin

# RFC 3986 section 3.2.2: host = IP-literal / IPv4address / reg-name; of a reg-name only
# what a name in the DNS has. A zone is the name of an interface, whose case counts.
_HOST = re.compile(r"[a-z0-9._\-]+|[0-9a-f:.]+(?:%[A-Za-z0-9._\-]+)?")


def origins(data: bytes) -> None:
    """What has an origin is sent to that very host and port by the client that we use;
    its name can stand in a header and a log."""
    url = latin(data)
    try:
        origin = Origin.of(url)
    except ValueError:
        return
    assert origin.scheme in ("http", "https")
    assert 0 <= origin.port < 65536
    assert _HOST.fullmatch(origin.host), origin
    assert Origin.of(f"{origin.scheme}://{origin}") == origin
    if is_visible(url):
        uri = URI.fromBytes(url.encode("ascii"))
        host = uri.host.decode("ascii").strip("[]").lower()
        assert (host, uri.port) == (origin.host.lower(), origin.port), url
        assert uri.scheme.decode() == origin.scheme
    if origin.host not in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert str(origin) in namespaces_of(f"{origin.scheme}://{origin}")


_FROM = (
    "https://registry.example/v2/a/blobs/x?y=z",
    "http://registry.example:5000/v2/",
    "https://[2001:db8::1]/v2/",
)


def redirects(data: bytes) -> None:
    """Where a redirect leads is a plain URL without a password, never down from TLS;
    and it is where it says when it is asked again."""
    feed = Feed(data)
    start = feed.pick(_FROM)
    target = redirected(start, latin(feed.rest()))
    if target is None:
        return
    assert is_visible(target)
    parts = urlsplit(target)
    assert parts.scheme == "https" or not start.startswith("https:")
    assert parts.scheme in ("http", "https")
    assert "@" not in parts.netloc
    assert "\\" not in parts.netloc
    assert redirected(start, target) is not None
    uri = URI.fromBytes(target.encode("ascii"))
    assert uri.port == Origin.of(target).port
    assert uri.host.decode().strip("[]").lower() == Origin.of(target).host.lower()


def addresses(data: bytes) -> None:
    """An address is public only when it is, whatever it is wrapped in; what resolvers
    read as a number is known."""
    host = latin(data)
    address = literal(host)
    if address is None:
        assert not is_loopback(host)
        if re.fullmatch(r"[0-9]+(\.[0-9]+){0,3}", host):
            assert is_odd_number(host)
        return
    assert not is_odd_number(host)
    assert not (is_public(address) and is_loopback(host))
    if is_public(address):
        assert address.is_global or _wrapped(address)
        for inner in _wrapped(address):
            assert inner.is_global
    if address.version == 4:
        wrapped = literal(f"::ffff:{address}")
        assert wrapped is not None
        assert is_public(wrapped) == is_public(address)
        translated = literal(f"64:ff9b::{address}")
        assert translated is not None
        assert is_public(translated) == is_public(address)


def _wrapped(address: IPv4Address | IPv6Address) -> list[IPv4Address]:
    """The addresses of version 4 in one of version 6, by RFC 4291, 3056, 4380, 6052."""
    if isinstance(address, IPv4Address):
        return []
    found = [address.ipv4_mapped, address.sixtofour, (address.teredo or (0, None))[1]]
    if int(address) >> 32 in (0, 0x64FF9B << 64):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    return [inner for inner in found if inner is not None]


_URLS = (
    b"https://registry.example/v2/",
    b"HTTP://Registry.Example:5000",
    b"https://[2001:DB8::1]:443/",
    b"https://[::1]/",
    b"https://me:pw@registry.example/",
    b"https://registry.example:/",
    b"https://registry.example:443:80/",
    b"https://a:+80/",
    b"https://a:080/",
    b"https://a\\@b/",
    b"https://a?@b/",
    b"https://a#@b/",
    b"https://[::1]b:80/",
    b"https://b[::1]/",
    b"https://[v1.x]/",
    b"https://[fe80::1%25eth0]/",
    b"https://a%2eb/",
    b"https://a;b/",
    b"https://a b/",
    b"https:/\\a/",
    b"https://\xe4/",
    b"//a/b",
    b"ftp://a",
)
_WORDS = (
    b"https://",
    b"http://",
    b"@",
    b"\\",
    b"[",
    b"]",
    b":",
    b"#",
    b"?",
    b"%",
    b"//",
)

TARGETS = (
    Target(origins, _URLS, _WORDS),
    Target(
        redirects,
        tuple(
            bytes([start]) + url
            for start in (0, 1)
            for url in (*_URLS, b"/v2/x", b"?a=b", b"../../..//x", b"", b"\t//a\r\n")
        ),
        _WORDS,
    ),
    Target(
        addresses,
        (
            b"8.8.8.8",
            b"10.0.0.1",
            b"127.0.0.1",
            b"::1",
            b"::ffff:127.0.0.1",
            b"64:ff9b::7f00:1",
            b"2002:7f00:1::",
            b"2001:0:1::",
            b"[::ffff:8.8.8.8%x]",
            b"2130706433",
            b"127.1",
            b"0x7f.1",
            b"0177.0.0.1",
            b"224.0.0.1",
            b"a.b",
            b"10.0.0.1.",
        ),
        (b"::", b"::ffff:", b"64:ff9b::", b".", b"2002:", b"%", b"0x"),
    ),
)
