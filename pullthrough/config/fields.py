"""What the texts of options mean. Each function returns a value or says why not."""

import ipaddress
import math
import re
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit

from pullthrough.config.model import Egress
from pullthrough.config.secrets import Secret
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.spec.namespaces import parse_namespace
from pullthrough.spec.origins import Origin, is_visible

_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"([0-9]{1,9})([smhd])")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,62}")
_HOST_GLOB = re.compile(r"[A-Za-z0-9*.\-_]+")

#: The kinds of Twisted endpoint that a connector may be.
ENDPOINTS = ("tcp", "tcp6", "unix", "systemd")


class FieldError(ValueError):
    """Why a text is not taken; never has a secret in it."""


def printable(value: str) -> str:
    """Printable ASCII on one line."""
    if not (value.isascii() and value.isprintable()):
        raise FieldError("must be printable ASCII")
    return value


def name(value: str) -> str:
    """A name of a repository or a blob store."""
    if not _NAME.fullmatch(value):
        raise FieldError("a name has lower-case letters, digits, '.', '_' and '-'")
    return value


def boolean(value: str) -> bool:
    """``yes`` or ``no``."""
    known = {"yes": True, "true": True, "on": True}
    known |= {"no": False, "false": False, "off": False}
    if value.lower() not in known:
        raise FieldError("say yes or no")
    return known[value.lower()]


def duration(least: float, most: float) -> Callable[[str], float]:
    """Seconds, written with a unit, within bounds."""

    def parse(value: str) -> float:
        match = _DURATION.fullmatch(value)
        if match is None:
            if value.isdigit():
                raise FieldError(f"a duration has a unit: {value}s, {value}m, …")
            raise FieldError("a duration is written like 30s, 10m, 24h or 7d")
        seconds = int(match[1]) * _UNITS[match[2]]
        if not least <= seconds <= most:
            raise FieldError(f"must be from {least:g}s to {most:g}s")
        return seconds

    return parse


def age(value: str) -> float:
    """How long something may be used without asking, in seconds.

    ``never`` asks never again, ``always`` each time.
    """
    special = {"never": math.inf, "always": 0.0}
    if value in special:
        return special[value]
    return duration(0, 3650 * 86400)(value)


def number(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds."""

    def parse(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise FieldError("must be a whole number")
        if not least <= int(value) <= most:
            raise FieldError(f"must be from {least} to {most}")
        return int(value)

    return parse


def items(value: str) -> tuple[str, ...]:
    """A list, separated by commas or lines; each item once."""
    found = [item.strip() for item in re.split(r"[,\n]", value)]
    return tuple(dict.fromkeys(item for item in found if item))


def hosts(value: str) -> tuple[str, ...]:
    """Hosts, globs of hosts, addresses and networks."""
    found = items(value)
    for item in found:
        try:
            ipaddress.ip_network(item, strict=False)
        except ValueError:
            if not _HOST_GLOB.fullmatch(item):
                raise FieldError(
                    f"{item!r} is no host, glob, address or network"
                ) from None
    return found


def proxies(value: str) -> tuple[str, ...]:
    """Addresses and networks of reverse proxies, and ``unix``."""
    found = items(value)
    try:
        TrustedProxies(found)
    except ValueError as error:
        raise FieldError(f"{error}; say addresses, networks or unix") from None
    return found


def endpoint(value: str) -> str:
    """A port, or a Twisted endpoint description."""
    if value.isdigit():
        return f"tcp:{number(1, 65535)(value)}"
    kind, colon, rest = value.partition(":")
    if kind not in ENDPOINTS or not colon or not rest:
        raise FieldError(
            "must be a port, or an endpoint such as tcp:8090:interface=127.0.0.1,"
            " tcp6:…, unix:… or systemd:…"
        )
    if kind.startswith("tcp"):
        number(0, 65535)(rest.partition(":")[0])
    return value


def remote(value: str) -> str:
    """The URL of a registry, without a slash at its end."""
    parts = _url(value, ("http", "https"))
    if parts.username is not None or parts.password is not None:
        raise FieldError("credentials belong into username and password")
    if not is_visible(value):
        raise FieldError("must be ASCII, with %XX for anything else")
    return value.rstrip("/")


def namespaces(value: str) -> tuple[str, ...]:
    """Hosts, perhaps with ports, as ``?ns=`` names them."""
    try:
        return tuple(parse_namespace(item) for item in items(value))
    except ValueError:
        raise FieldError("must be HOST or HOST:PORT, several with commas") from None


def egress(value: str) -> Egress:
    """``direct``, or an HTTP or SOCKS5 proxy with or without credentials."""
    if value == "direct":
        return Egress()
    parts = _url(value, ("http", "socks5"))
    if parts.path not in ("", "/"):
        raise FieldError("a proxy has no path")
    if parts.port is None:
        raise FieldError("the proxy's port is missing")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return Egress(
        proxy=f"{parts.scheme}://{host}:{parts.port}",
        username=unquote(parts.username or ""),
        password=Secret(unquote(parts.password or "")),
    )


def _url(value: str, schemes: tuple[str, ...]) -> SplitResult:
    known = " or ".join(f"{scheme}://" for scheme in schemes)
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise FieldError("is no URL") from None
    if parts.scheme not in schemes or not parts.hostname:
        raise FieldError(f"must begin with {known} and name a host")
    if set("?#") & set(value) or any(char.isspace() for char in value):
        raise FieldError("must have no query, fragment or space")
    if port == 0:
        raise FieldError("must not have port 0")
    try:
        Origin.of(f"http://{parts.netloc.rpartition('@')[2]}")
    except ValueError:
        raise FieldError("must name a host, perhaps with a port") from None
    return parts
