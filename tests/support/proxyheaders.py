"""PROXY headers as proxies send them."""

import ipaddress
import struct

from pullthrough.spec.proxyheader import SIGNATURE


def line(text: str) -> bytes:
    """One of version 1."""
    return f"PROXY {text}\r\n".encode("latin-1")


def binary(
    family: int,
    source: str,
    destination: str,
    ports: tuple[int, int] = (40000, 443),
    more: bytes = b"",
) -> bytes:
    """One of version 2, of the command PROXY.

    :param more: what follows the addresses.
    """
    hosts = [ipaddress.ip_address(host).packed for host in (source, destination)]
    body = b"".join(hosts) + struct.pack("!2H", *ports) + more
    return SIGNATURE + struct.pack("!BBH", 0x21, family, len(body)) + body
