"""What a trusted reverse proxy says of the client's side. Pure.

``X-Forwarded-For``, ``-Proto``, ``-Host`` and ``-Port`` count only when the connection
comes from an address that the configuration names (reliability C12).
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

#: How a connection over a Unix socket is written, as peer and in the configuration.
UNIX = "unix"

# RFC 9110 section 7.2: uri-host [ ":" port ]
_HOST = re.compile(r"(?:[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_PORT = re.compile(r"[0-9]{1,5}")
_DEFAULT_PORTS = {"http": "80", "https": "443"}

#: Most hops of ``X-Forwarded-For`` that are looked at.
_MOST_HOPS = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A connection as the client sees it.

    :ivar peer: the client's address, as text.
    :ivar secure: whether it speaks TLS.
    :ivar connector: HOST or HOST:PORT that it asked.
    :ivar forwarded: whether a trusted proxy told scheme or host.
    """

    peer: str
    secure: bool
    connector: str
    forwarded: bool = False

    @property
    def base(self) -> str:
        """Scheme and host, for absolute URLs."""
        return f"{'https' if self.secure else 'http'}://{self.connector}"


class TrustedProxies:
    """The addresses whose ``X-Forwarded-*`` headers are believed.

    :param texts: addresses, networks and ``unix``.
    :raises ValueError: when one is neither.
    """

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._unix = UNIX in texts
        self._networks = [
            ipaddress.ip_network(text, strict=False) for text in texts if text != UNIX
        ]

    def __bool__(self) -> bool:
        return self._unix or bool(self._networks)

    def __contains__(self, peer: str) -> bool:
        if peer == UNIX:
            return self._unix
        if not self._networks:
            return False
        address = _address(peer)
        return address is not None and any(address in one for one in self._networks)

    def seen(self, direct: Seen, header: Callable[[str], str]) -> Seen:
        """What the client sees, given what the connection shows.

        :param header: the value of a header by its lower-case name; "" without.
        """
        if direct.peer not in self:
            return direct
        scheme = _first(header("x-forwarded-proto")).lower()
        host = _first(header("x-forwarded-host"))
        told = scheme in _DEFAULT_PORTS
        if not told:
            scheme = "https" if direct.secure else "http"
        match = _HOST.fullmatch(host)
        port = _first(header("x-forwarded-port"))
        bare = match is not None and not match[1]
        if bare and _PORT.fullmatch(port) and port != _DEFAULT_PORTS[scheme]:
            host = f"{host}:{port}"
        return Seen(
            peer=self._client(direct.peer, header("x-forwarded-for")),
            secure=scheme == "https",
            connector=host if match else direct.connector,
            forwarded=told or match is not None,
        )

    def _client(self, peer: str, hops: str) -> str:
        """The last hop that is no trusted proxy, read from our side; in its usual form,
        for it is counted and logged by its text."""
        for hop in reversed([text.strip() for text in hops.split(",")][-_MOST_HOPS:]):
            address = _address(hop)
            if address is None:
                break
            peer = str(address).partition("%")[0]  # a zone may be any text
            if peer not in self:
                break
        return peer


def _first(value: str) -> str:
    # With several proxies the first value is the one nearest to the client.
    return value.partition(",")[0].strip()


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return mapped or found
