"""Origins: who may see a credential, and where a redirect leads. Pure."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

_PORTS = {"http": 80, "https": 443}

# RFC 3986 section 3.2: authority = [ userinfo "@" ] host [ ":" port ]. Without what two
# readers read differently: userinfo, a port that is empty, escapes and the like.
_AUTHORITY = re.compile(
    r"(?:[A-Za-z0-9._\-]+|\[[0-9A-Fa-f:.]+(?:%[A-Za-z0-9._\-]+)?\])(?::[0-9]{1,5})?"
)

#: Most redirects followed for one request.
MOST_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454 section 4)."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str) -> "Origin":
        """The origin of an absolute http or https URL.

        :raises ValueError: when it has none.
        """
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not _AUTHORITY.fullmatch(parts.netloc):
            raise ValueError("not an absolute http or https URL")
        port = _PORTS[parts.scheme] if parts.port is None else parts.port
        return cls(parts.scheme, parts.hostname or "", port)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def is_visible(url: str) -> bool:
    """Whether it is made of visible ASCII only, as a URL is (RFC 3986 section 2)."""
    return all(0x21 <= ord(char) <= 0x7E for char in url)


def redirected(url: str, location: str) -> str | None:
    """Where a redirect leads; None when it must not be followed.

    RFC 9110 section 10.2.2: a relative reference is resolved against the URL that was
    asked, which is the current one, not the first. From https to http nothing leads.
    """
    if not location:
        return None
    try:
        target = urljoin(url, location)
        there = Origin.of(target)
    except ValueError:
        return None
    if not is_visible(target):
        return None
    if Origin.of(url).scheme == "https" and there.scheme != "https":
        return None
    return target


def trusts_realm(remote: Origin, realm: Origin) -> bool:
    """Whether the credentials for a registry may go to a token realm.

    It must be of the same host, or of the same domain (the last two labels), and as
    safe: CVE-2026-33540 sent them to any realm that the registry named.
    """
    if remote.scheme == "https" and realm.scheme != "https":
        return False
    return remote.host == realm.host or _same_domain(remote.host, realm.host)


def _same_domain(one: str, other: str) -> bool:
    for host in (one, other):
        try:
            ipaddress.ip_address(host)
        except ValueError:
            continue
        return False
    here, there = one.split("."), other.split(".")
    if len(here) < 2 or len(there) < 2 or here[-2:] != there[-2:]:
        return False
    # Under registries such as co.uk two labels are nobody's domain.
    suffix = len(here[-2]) <= 3 and len(here[-1]) == 2
    return not suffix or (len(here) > 2 and here[-3:] == there[-3:])
