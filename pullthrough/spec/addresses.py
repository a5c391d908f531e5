"""Which addresses are somebody's on the internet, and which are our own. Pure."""

import ipaddress
import re

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 6052 section 2.1: IPv4 addresses behind a translator. RFC 4291 section 2.5.5.1:
# "IPv4-Compatible IPv6 Addresses", deprecated.
_TRANSLATED = (
    ipaddress.IPv6Network("64:ff9b::/96"),
    ipaddress.IPv6Network("::/96"),
)

# RFC 8215: translators of one's own, of any prefix length. RFC 3879: site-local.
_OWN = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("fec0::/10"),
)

# A last label that some resolvers read as a number: 2130706433, 0x7f.1, 127.1.
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?")


def is_public(address: Address) -> bool:
    """Whether it is a global unicast address, whatever it is wrapped in."""
    inner = _inner(address)
    if inner is not None:
        return is_public(inner)
    own = any(address in network for network in _OWN)
    return address.is_global and not address.is_multicast and not own


def _inner(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if any(address in network for network in _TRANSLATED):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)


def is_loopback(host: str) -> bool:
    """Whether it is an address by which a machine reaches itself."""
    address = literal(host)
    if address is None:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def literal(host: str) -> Address | None:
    """The address that a host is, or None when it is a name."""
    try:
        return ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None


def is_odd_number(host: str) -> bool:
    """Whether it is no address by the book, but one for some resolvers."""
    return literal(host) is None and _NUMBER.fullmatch(host) is not None
