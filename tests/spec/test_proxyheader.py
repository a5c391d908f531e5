"""The PROXY header, by the rules and against Twisted's reading of it."""

import ipaddress
import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.testing import StringTransport
from twisted.protocols.haproxy import proxyEndpoint
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.spec.proxyheader import (
    SIGNATURE,
    NoProxyHeader,
    ProxyHeader,
    Told,
    parse_proxy_header,
)
from tests.support.proxyheaders import binary, line


class LineTests(SynchronousTestCase):
    """Version 1."""

    def test_addresses(self) -> None:
        """Both ends, in the usual form; the bytes behind it are left alone."""
        for text, source, destination in (
            ("TCP4 1.2.3.4 5.6.7.8 1 65535", ("1.2.3.4", 1), ("5.6.7.8", 65535)),
            ("TCP6 2001:DB8:0::1 ::1 0 443", ("2001:db8::1", 0), ("::1", 443)),
        ):
            data = line(text)
            expected = ProxyHeader(len(data), Told(*source), Told(*destination))
            self.assertEqual(parse_proxy_header(data + b"GET"), expected)

    def test_unknown(self) -> None:
        """Whatever follows, no addresses are told."""
        for text in ("UNKNOWN", "UNKNOWN ", "UNKNOWN ff::1 ff::2 1 2", "UNKNOWN \xff"):
            data = line(text)
            self.assertEqual(parse_proxy_header(data), ProxyHeader(len(data)))

    def test_refused(self) -> None:
        """What is no header is told apart at once."""
        for text in (
            "TCP4 1.2.3.4 5.6.7.8 1 65536",
            "TCP4 1.2.3.4 5.6.7.8 1 65535 ",
            "TCP4 1.2.3.4 5.6.7.8 01 2",
            "TCP4 1.2.3.4 5.6.7.8 1",
            "TCP4 1.2.3.4 5.6.7.8 -1 2",
            "TCP4 1.2.3.4  5.6.7.8 1 2",
            "TCP4 1.2.3.400 5.6.7.8 1 2",
            "TCP4 ::1 ::1 1 2",
            "TCP6 1.2.3.4 5.6.7.8 1 2",
            "UDP4 1.2.3.4 5.6.7.8 1 2",
            "TCP4 evil evil 1 2",
            "UNKNOWNS",
            "",
            "x" * 200,
        ):
            self.assertRaises(NoProxyHeader, parse_proxy_header, line(text))
        for data in (b"GET /v2/ HTTP/1.1", b"\x16\x03\x01", b"PROXYTCP4", b"proxy "):
            self.assertRaises(NoProxyHeader, parse_proxy_header, data)
        endless = b"PROXY " + b"T" * 101
        self.assertRaises(NoProxyHeader, parse_proxy_header, endless)
        self.assertIsNone(parse_proxy_header(endless[:-1]))


class BinaryTests(SynchronousTestCase):
    """Version 2."""

    def test_addresses(self) -> None:
        """Of both families; what follows the addresses belongs to the header."""
        for family, source, destination in (
            (0x11, "1.2.3.4", "5.6.7.8"),
            (0x21, "2001:db8::1", "::1"),
        ):
            for more in (b"", b"\x04\x00\x01x"):
                data = binary(family, source, destination, more=more)
                ends = (Told(source, 40000), Told(destination, 443))
                expected = ProxyHeader(len(data), *ends)
                self.assertEqual(parse_proxy_header(data + b"GET"), expected)

    def test_nobody_is_told(self) -> None:
        """LOCAL, an unknown family or transport, a Unix socket."""
        data = binary(0x11, "1.2.3.4", "5.6.7.8")
        for second, family in ((0x20, 0x11), (0x21, 0x00), (0x21, 0x10), (0x21, 0x31)):
            given = data[:12] + bytes((second, family)) + data[14:]
            self.assertEqual(parse_proxy_header(given), ProxyHeader(len(data)))
        empty = SIGNATURE + b"\x20\x00\x00\x00"
        self.assertEqual(parse_proxy_header(empty), ProxyHeader(16))

    def test_refused(self) -> None:
        """Other versions, commands, families; too short for its addresses."""
        data = binary(0x11, "1.2.3.4", "5.6.7.8")
        for second, family in ((0x11, 0x11), (0x22, 0x11), (0x21, 0x41), (0x21, 0x13)):
            wrong = data[:12] + bytes((second, family)) + data[14:]
            self.assertRaises(NoProxyHeader, parse_proxy_header, wrong)
        short = SIGNATURE + struct.pack("!BBH", 0x21, 0x21, 12)
        self.assertRaises(NoProxyHeader, parse_proxy_header, short)

    def test_pieces(self) -> None:
        """Each part of a header asks for more."""
        for data in (binary(0x21, "::1", "::2"), line("TCP4 1.2.3.4 5.6.7.8 1 2")):
            for end in range(len(data)):
                self.assertIsNone(parse_proxy_header(data[:end]))


PORTS = st.integers(0, 65535)


class TwistedTests(SynchronousTestCase):
    """Twisted's own reading of what we take."""

    @given(st.ip_addresses(), st.ip_addresses(), PORTS, PORTS, st.booleans())
    def test_the_same(
        self,
        source: ipaddress.IPv4Address | ipaddress.IPv6Address,
        destination: ipaddress.IPv4Address | ipaddress.IPv6Address,
        one: int,
        other: int,
        packed: bool,
    ) -> None:
        """Both see the same ends."""
        if source.version != destination.version:
            destination = source
        ends = (str(source), str(destination))
        if packed:
            family = 0x11 if source.version == 4 else 0x21
            data = binary(family, *ends, ports=(one, other))
        else:
            data = line(f"TCP{source.version} {ends[0]} {ends[1]} {one} {other}")
        ours = parse_proxy_header(data)
        assert ours is not None
        theirs = read_by_twisted(data)
        assert ours.source is not None
        self.assertEqual((ours.source.host, ours.source.port), theirs)


def read_by_twisted(data: bytes) -> tuple[str, int]:
    """The client's end as Twisted's wrapper tells it."""
    made: list[Protocol] = []
    factory = Factory.forProtocol(Protocol)
    factory.noisy = False
    build = factory.buildProtocol
    factory.buildProtocol = lambda addr: made.append(build(addr)) or made[0]

    class Endpoint:
        """Hands on the wrapped factory."""

        def listen(self, wrapped: Factory) -> None:
            """Connect to it at once."""
            protocol = wrapped.buildProtocol(None)
            protocol.makeConnection(StringTransport())
            protocol.dataReceived(data + b"x")

    proxyEndpoint(Endpoint()).listen(factory)
    peer = made[0].transport.getPeer()
    return str(ipaddress.ip_address(peer.host)), peer.port
