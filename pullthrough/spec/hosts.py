"""Which hosts are reached without the egress proxy. Pure."""

import ipaddress
from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches(host: str, patterns: Iterable[str]) -> bool:
    """Whether a host is meant by one of the patterns.

    A pattern is a host, a glob such as ``*.corp.example``, an address or a network. A
    host that is a name is never resolved for this: networks mean addresses only.
    """
    host = host.strip("[]").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        address = None
    for pattern in patterns:
        if fnmatchcase(host, pattern.lower()):
            return True
        if address is not None and _within(address, pattern):
            return True
    return False


def _within(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, pattern: str
) -> bool:
    try:
        return address in ipaddress.ip_network(pattern, strict=False)
    except ValueError:
        return False
