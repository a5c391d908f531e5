"""Docker's V1 API, as much of it as a client still asks for. Pure.

Today's Docker uses ``_ping`` and ``search`` only; images by layers without a manifest
are asked for by no client, and not offered.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from pullthrough.spec.names import ImageName
from pullthrough.spec.numbers import bounded

#: Results of a search when ``n`` does not say, and at most.
USUAL = 25
MOST = 100

_IMAGE = re.compile(r"/v1/repositories/(.+?)/(tags|images)/?")


@dataclass(frozen=True, slots=True)
class Ping:
    """``/v1/_ping``."""


@dataclass(frozen=True, slots=True)
class Users:
    """``/v1/users/``: whether a name and password are right."""


@dataclass(frozen=True, slots=True)
class Search:
    """``/v1/search``."""


@dataclass(frozen=True, slots=True)
class Tags:
    """``/v1/repositories/<name>/tags``."""

    image: ImageName


@dataclass(frozen=True, slots=True)
class Images:
    """``/v1/repositories/<name>/images``: the tags' digests, without layers."""

    image: ImageName


V1Route = Ping | Users | Search | Tags | Images

_FIXED: dict[str, V1Route] = {
    "/v1/_ping": Ping(),
    "/v1/users": Users(),
    "/v1/users/": Users(),
    "/v1/search": Search(),
}


def parse_v1(path: str) -> V1Route | None:
    """What a path of the V1 API means; None when it means nothing here.

    :raises InvalidText: when the name in it is malformed.
    """
    if path in _FIXED:
        return _FIXED[path]
    match = _IMAGE.fullmatch(path)
    if match is None:
        return None
    image = ImageName(match[1])
    return Tags(image) if match[2] == "tags" else Images(image)


def wanted(n: str) -> int:
    """How many results ``n`` asks for; what is no number asks for the usual."""
    if not (n.isascii() and n.isdigit()):
        return USUAL
    return max(1, bounded(n, MOST))


def results(query: str, names: Iterable[ImageName]) -> dict[str, object]:
    """The answer to a search."""
    found = [
        {
            "name": name.text,
            "description": "",
            "star_count": 0,
            "is_official": False,
            "is_automated": False,
        }
        for name in names
    ]
    return {"query": query, "num_results": len(found), "results": found}
