"""What proxies in front of us tell of a client: PROXY headers and X-Forwarded-*."""

import re
from ipaddress import ip_address

from pullthrough.spec.forwarded import UNIX, Seen, TrustedProxies
from pullthrough.spec.proxyheader import (
    SIGNATURE,
    NoProxyHeader,
    ProxyHeader,
    Told,
    parse_proxy_header,
)
from tests.fuzz.feed import Feed, Target, latin
from tests.support.proxyheaders import binary, line

# "The PROXY protocol", section 2.1, with whatever Python takes for an address.
_LINE = re.compile(rb"PROXY (TCP4|TCP6) (\S+) (\S+) ([0-9]{1,5}) ([0-9]{1,5})\r\n")


def _parsed(data: bytes) -> ProxyHeader | str | None:
    try:
        return parse_proxy_header(data)
    except NoProxyHeader as error:
        return str(error)


def proxied(data: bytes) -> None:
    """A header is whole at one length and not before; what has been refused stays so;
    the ends that are told are addresses of one family with ports."""
    found = _parsed(data)
    refused = False
    for end in range(len(data) + 1):
        part = _parsed(data[:end])
        assert not refused or isinstance(part, str), "a refusal was taken back"
        refused = isinstance(part, str)
        if isinstance(part, ProxyHeader):
            assert part.length == end
            assert found == part, "what is behind a header has changed it"
            break
    if not isinstance(found, ProxyHeader):
        return
    assert 8 < found.length <= len(data)
    assert (found.source is None) == (found.destination is None)
    if found.source is not None and found.destination is not None:
        ends = (found.source, found.destination)
        assert ends == _ends(data[: found.length])


def _ends(header: bytes) -> tuple[Told, Told]:
    """Both ends of a header that tells them."""
    if header.startswith(SIGNATURE):
        width = {1: 4, 2: 16}[header[13] >> 4]
        hosts = header[16:][: 2 * width]
        ports = header[16 + 2 * width :]
        one, two = hosts[:width], hosts[width:]
        numbers = (ports[:2], ports[2:4])
        read = [int.from_bytes(number, "big") for number in numbers]
    else:
        match = _LINE.fullmatch(header)
        assert match is not None
        assert len(header) <= 107
        one, two = (ip_address(host.decode()).packed for host in (match[2], match[3]))
        assert len(one) == len(two) == {b"TCP4": 4, b"TCP6": 16}[match[1]]
        read = [int(match[4]), int(match[5])]
        assert header.endswith(b" %d %d\r\n" % (*read,)), "zeros in front"
    assert max(read) < 65536
    return Told(str(ip_address(one)), read[0]), Told(str(ip_address(two)), read[1])


_TRUSTED = TrustedProxies(["10.0.0.0/8", "2001:db8::/32", UNIX])
_PEERS = ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1", UNIX, "192.0.2.7", "fe80::1%e")
_HOST = re.compile(r"([A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def forwarded(data: bytes) -> None:
    """Nobody but a trusted proxy is believed; what it tells becomes an address in its
    usual form and a host that can stand in a URL, whatever it has sent."""
    feed = Feed(data)
    peer, secure = feed.pick(_PEERS), bool(feed.below(2))
    told = {
        "x-forwarded-for": latin(feed.take()),
        "x-forwarded-proto": latin(feed.take()),
        "x-forwarded-host": latin(feed.take()),
        "x-forwarded-port": latin(feed.take()),
    }
    direct = Seen(peer, secure, "registry.test:5000")
    seen = _TRUSTED.seen(direct, lambda name: told.get(name, ""))
    if peer in _PEERS[4:]:
        assert seen == direct
        return
    assert _HOST.fullmatch(seen.connector)
    assert re.fullmatch("https?://" + _HOST.pattern, seen.base)
    if seen.peer != peer:
        assert seen.peer == str(ip_address(seen.peer)), "another form of an address"
        assert re.fullmatch("[0-9a-f.:]+", seen.peer), "no bare address"
        hops = [hop.strip() for hop in told["x-forwarded-for"].split(",")]
        assert _same(seen.peer, hops)
        if seen.peer not in _TRUSTED:
            # Whoever stands before an untrusted hop may have written anything.
            behind = [hop for hop in hops if _is_address(hop)]
            last = [hop for hop in behind if hop not in _TRUSTED][-1]
            assert _same(seen.peer, [last])
    schemes = {"http", "https"} & {told["x-forwarded-proto"].split(",")[0].strip()}
    assert not schemes or seen.secure == (schemes == {"https"})


def _is_address(hop: str) -> bool:
    try:
        ip_address(hop)
    except ValueError:
        return False
    return True


def _same(peer: str, hops: list[str]) -> bool:
    """Whether the peer is one of the hops, however it is written there."""
    wanted = ip_address(peer)
    for hop in filter(_is_address, hops):
        found = ip_address(hop.partition("%")[0])
        if wanted in (found, getattr(found, "ipv4_mapped", None)):
            return True
    return False


def _fields(*values: bytes) -> bytes:
    return b"".join(bytes([len(value)]) + value for value in values)


TARGETS = (
    Target(
        proxied,
        (
            line("TCP4 1.2.3.4 5.6.7.8 1 65535") + b"GET",
            line("TCP6 2001:DB8:0::1 ::ffff:1.2.3.4 0 443"),
            line("TCP4 1.2.3.4 5.6.7.8 01 2"),
            line("UNKNOWN ff::1 x"),
            line("TCP4 1.2.3.4 ::1 1 2"),
            binary(0x11, "1.2.3.4", "5.6.7.8", more=b"\x04\x00\x01x") + b"GET",
            binary(0x21, "2001:db8::1", "::1"),
            SIGNATURE + b"\x20\x00\x00\x00",
            SIGNATURE + b"\x21\x31\x00\x02xy",
            SIGNATURE + b"\x21\x21\x00\x0c" + b"x" * 12,
            b"GET /v2/ HTTP/1.1\r\n",
            b"PROXY " + b"T" * 101,
        ),
        (b"PROXY TCP4 ", b"PROXY UNKNOWN", b"\r\n", SIGNATURE, b"\x21\x11\x00\x0c"),
    ),
    Target(
        forwarded,
        (
            b"\x00\x00" + _fields(b"192.0.2.1, 10.0.0.9", b"https", b"r.test", b"8443"),
            b"\x01\x01" + _fields(b"::FFFF:192.0.2.1", b"http", b"[::1]:80", b"80"),
            b"\x02\x00" + _fields(b"fe80::1% x y, 2001:db8::2", b"HTTPS,http", b"a b"),
            b"\x03\x00" + _fields(b"1.2.3.4:5, unix", b"ftp", b"a:999999", b"99999"),
            b"\x04\x00" + _fields(b"1.2.3.4", b"https", b"evil.test", b"1"),
            b"\x00\x00" + _fields(b"2001:0DB8::A, 2001:0DB9:0::1"),
        ),
        (b"10.0.0.9", b", ", b"::ffff:", b"https", b"[::1]", b"%", b"unix"),
    ),
)
