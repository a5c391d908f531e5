"""Namespaces: which registry a client means with ``?ns=`` (containerd). Pure.

A key to look up, never a place to connect to.
"""

import re
from urllib.parse import urlsplit

from pullthrough.spec.errorcodes import ErrorCode, InvalidText

#: Longest namespace taken, in characters: a host name (RFC 1035) with a port.
LONGEST = 261

# RFC 9110 section 7.2: uri-host [ ":" port ]
_HOST = re.compile(r"(?:[A-Za-z0-9.\-_]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

#: The hosts that all mean Docker Hub; there a one-part name means ``library/NAME``.
DOCKER_HUB = frozenset({"registry-1.docker.io", "index.docker.io", "docker.io"})


def namespaces_of(url: str) -> tuple[str, ...]:
    """What clients may call the registry at a URL: HOST, and HOST:PORT."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if host in DOCKER_HUB:
        return tuple(sorted(DOCKER_HUB))
    if ":" in host:
        host = f"[{host}]"  # as it stands in names of images, and in ns
    if parts.port is not None:
        return (f"{host}:{parts.port}",)
    default = 443 if parts.scheme == "https" else 80
    return host, f"{host}:{default}"


def parse_namespace(text: str) -> str:
    """The host, perhaps with a port, that ``ns`` names, in lower case.

    :raises InvalidText: when it is none.
    """
    if len(text) > LONGEST or not _HOST.fullmatch(text):
        raise InvalidText(ErrorCode.NAME_INVALID, "ns must be HOST or HOST:PORT")
    return text.lower()
