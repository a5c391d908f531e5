"""The PROXY protocol's header, versions 1 and 2. Pure.

The rules are quoted from "The PROXY protocol, Versions 1 & 2", which is HAProxy's
doc/proxy-protocol.txt.
"""

import ipaddress
import re
from dataclasses import dataclass

# Section 2.2: "the binary header format starts with a constant 12 bytes block".
SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"

#: Longest header of version 1: section 2.1, "the worst-case string length (…) 107".
_LONGEST_LINE = 107

#: Signature, version and command, family and transport, length of what follows.
_FIXED = 16

# Section 2.1: "decimal (…) within the range [0..65535] (…) Heading zeroes are not
# permitted in front of numbers".
_PORT = "(0|[1-9][0-9]{0,4})"
_LINE = re.compile(f"(TCP4|TCP6) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) {_PORT} {_PORT}")

#: Bytes of one address, by family.
_WIDTHS = {1: 4, 2: 16}


@dataclass(frozen=True, slots=True)
class Told:
    """One end of a connection, as the proxy tells it.

    :ivar host: an address in its usual form.
    """

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """A header that is whole.

    :ivar length: bytes that it takes.
    :ivar source, destination: the client's end and the one that it reached; None when
        the proxy speaks for itself or does not know.
    """

    length: int
    source: Told | None = None
    destination: Told | None = None


class NoProxyHeader(ValueError):
    """Bytes that do not begin with a header."""


def parse_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header at the beginning of a connection; None while more bytes are needed.

    :raises NoProxyHeader: as soon as it cannot become one.
    """
    if _begins(data, SIGNATURE):
        return _binary(data)
    if _begins(data, b"PROXY "):
        return _line(data)
    raise NoProxyHeader("neither version's signature")


def _begins(data: bytes, signature: bytes) -> bool:
    return data[: len(signature)] == signature[: len(data)]


def _line(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, _LONGEST_LINE)
    if end < 0:
        if len(data) >= _LONGEST_LINE:
            raise NoProxyHeader("no end of the line")
        return None
    text = data[len("PROXY ") : end].decode("latin-1")
    if text.partition(" ")[0] == "UNKNOWN":
        # "the receiver must ignore anything presented before the CRLF is found".
        return ProxyHeader(end + 2)
    match = _LINE.fullmatch(text)
    if match is None:
        raise NoProxyHeader("a line of another form")
    family, source, destination, *ports = match.groups()
    kind = ipaddress.IPv4Address if family == "TCP4" else ipaddress.IPv6Address
    try:
        hosts = [str(kind(text)) for text in (source, destination)]
    except ValueError:
        raise NoProxyHeader("no address of its family") from None
    numbers = [int(port) for port in ports]
    if max(numbers) > 65535:
        raise NoProxyHeader("no port")
    ends = [Told(*end) for end in zip(hosts, numbers, strict=True)]
    return ProxyHeader(end + 2, *ends)


def _binary(data: bytes) -> ProxyHeader | None:
    if len(data) < _FIXED:
        return None
    version, command = divmod(data[12], 16)
    family, transport = divmod(data[13], 16)
    if version != 2 or command > 1 or family > 3 or transport > 2:
        # "Other values (…) must be rejected as invalid by receivers".
        raise NoProxyHeader("an unknown version, command, family or transport")
    length = _FIXED + int.from_bytes(data[14:16], "big")
    width = _WIDTHS.get(family, 0)
    # LOCAL: "the receiver must accept this connection as valid and must use the real
    # connection endpoints". Of another family no address is known here.
    told = command == 1 and transport and width
    if told and length < _FIXED + 2 * width + 4:
        raise NoProxyHeader("too short for its addresses")
    if len(data) < length:
        return None
    if not told:
        return ProxyHeader(length)
    hosts = data[_FIXED : _FIXED + 2 * width]
    ports = data[_FIXED + 2 * width : _FIXED + 2 * width + 4]
    return ProxyHeader(
        length,
        Told(_text(hosts[:width]), int.from_bytes(ports[:2], "big")),
        Told(_text(hosts[width:]), int.from_bytes(ports[2:], "big")),
    )


def _text(packed: bytes) -> str:
    return str(ipaddress.ip_address(packed))
