"""The ways in to a repository, and back the same way. Pure.

A connector of its own and a subdomain have the API at the root. On the main connector
a repository is the first part of an image's name (``/v2/<repository>/<image>/…``,
also ``/v2/repository/<repository>/<image>/…``), or has its whole API below
``/repository/<repository>``, Nexus's base path.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

#: What no repository is called, since on the main connector it means something else.
RESERVED = frozenset({"repository", "token", "v1", "v2"})

#: The service that tokens of the main connector are for; no repository is called so.
MAIN = "Pullthrough"

# "/v2/<repository>/<image>/<kind>/<reference>"; a rest without an image is none.
_NAMED = re.compile(r"/v2/((?:repository/)?[^/]+/)(.+/.*)")
_NO_IMAGE = re.compile(r"(?:manifests|blobs(?:/uploads)?|tags|referrers)/[^/]*")
_BASE = re.compile(r"(/repository/[^/]+)/v[12](?:/.*)?")

# What the configuration takes for a repository's name.
_REPOSITORY = re.compile(r"[a-z0-9][a-z0-9_.\-]{0,62}")

# RFC 1035 section 2.3.1: <label> ::= <letter> [ [ <ldh-str> ] <let-dig> ], "labels
# must be 63 characters or less". It begins with a letter: an address has none in front.
_LABEL = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class Way:
    """How clients come to a repository.

    :ivar base: what stands in front of ``/v2`` in a path, such as ``/repository/hub``.
    :ivar prefix: what stands in front of an image's name, such as ``hub/``.
    """

    base: str = ""
    prefix: str = ""

    @property
    def lead(self) -> str:
        """What leads to the repository; see :func:`lead_of`."""
        return self.prefix or self.base

    def inner(self, path: str) -> str:
        """A path as it is on a connector of the repository's own."""
        if self.prefix:
            return f"/v2/{path[len('/v2/') + len(self.prefix) :]}"
        return path[len(self.base) :]

    def outer(self, path: str) -> str:
        """A path of the repository's API as it is for clients who come this way."""
        if self.prefix:
            return f"/v2/{self.prefix}{path.removeprefix('/v2/')}"
        return f"{self.base}{path}"


#: The way to what is served at the root.
ROOT = Way()


def ways_to(repository: str) -> Iterable[Way]:
    """The ways to a repository on the main connector, by path."""
    return (
        Way(prefix=f"{repository}/"),
        Way(prefix=f"repository/{repository}/"),
        Way(base=f"/repository/{repository}"),
    )


def lead_of(path: str) -> str:
    """What in a path leads to a repository, as :attr:`Way.lead`; empty: nothing."""
    named = _NAMED.fullmatch(path)
    if named is not None and not _NO_IMAGE.fullmatch(named[2]):
        return named[1]
    based = _BASE.fullmatch(path)
    return based[1] if based else ""


def way_of(lead: str) -> tuple[str, Way] | None:
    """The name of the repository to which something leads, whether it is there or not,
    and the way to it.

    :param lead: see :func:`lead_of`.
    :returns: None where no repository can be called so.
    """
    name = lead.strip("/").removeprefix("repository/")
    if name in RESERVED or not _REPOSITORY.fullmatch(name):
        return None
    return name, Way(base=lead) if lead.startswith("/") else Way(prefix=lead)


def split_name(name: str) -> tuple[str, str]:
    """Repository and image of a name on the main connector; without an image the
    second is empty."""
    repository, _, image = name.removeprefix("repository/").partition("/")
    return repository, image


def is_label(text: str) -> bool:
    """Whether it is a label of a host name, in lower case."""
    return _LABEL.fullmatch(text) is not None


def first_label(host: str) -> str:
    """The first label of ``HOST`` or ``HOST:PORT``, in lower case."""
    return host.partition(":")[0].partition(".")[0].lower()
