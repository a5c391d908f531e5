"""Routes: what a path of the registry API means. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode, InvalidText
from pullthrough.spec.names import ImageName
from pullthrough.spec.numbers import bounded
from pullthrough.spec.pages import LARGEST_PAGE, Page
from pullthrough.spec.reference import Reference, parse_reference

#: Upload identifiers, as we make them.
_IDENTIFIER = re.compile(r"[a-f0-9-]{16,64}")

#: Most parameters read from a query.
_MOST_PARAMETERS = 100


@dataclass(frozen=True, slots=True)
class Base:
    """``/v2/`` (end-1)."""


@dataclass(frozen=True, slots=True)
class Token:
    """``/v2/token``, our token realm."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """``/v2/_catalog``, Docker's list of images."""


@dataclass(frozen=True, slots=True)
class ManifestRoute:
    """``/v2/<name>/manifests/<reference>`` (end-3, 7, 9)."""

    image: ImageName
    reference: Reference


@dataclass(frozen=True, slots=True)
class BlobRoute:
    """``/v2/<name>/blobs/<digest>`` (end-2, 10)."""

    image: ImageName
    digest: Digest


@dataclass(frozen=True, slots=True)
class UploadsRoute:
    """``/v2/<name>/blobs/uploads/`` (end-4, 11)."""

    image: ImageName


@dataclass(frozen=True, slots=True)
class UploadRoute:
    """``/v2/<name>/blobs/uploads/<identifier>`` (end-5, 6, 13, 14)."""

    image: ImageName
    identifier: str


@dataclass(frozen=True, slots=True)
class TagsRoute:
    """``/v2/<name>/tags/list`` (end-8)."""

    image: ImageName


@dataclass(frozen=True, slots=True)
class ReferrersRoute:
    """``/v2/<name>/referrers/<digest>`` (end-12)."""

    image: ImageName
    digest: Digest


Route = (
    Base
    | Token
    | Catalog
    | ManifestRoute
    | BlobRoute
    | UploadsRoute
    | UploadRoute
    | TagsRoute
    | ReferrersRoute
)

#: The methods that each route knows.
METHODS: Mapping[type, frozenset[str]] = {
    Base: frozenset({"GET", "HEAD"}),
    Token: frozenset({"GET", "POST"}),
    Catalog: frozenset({"GET"}),
    ManifestRoute: frozenset({"GET", "HEAD", "PUT", "DELETE"}),
    BlobRoute: frozenset({"GET", "HEAD", "DELETE"}),
    UploadsRoute: frozenset({"POST"}),
    UploadRoute: frozenset({"GET", "PATCH", "PUT", "DELETE"}),
    TagsRoute: frozenset({"GET"}),
    ReferrersRoute: frozenset({"GET"}),
}

_FIXED: Mapping[str, Route] = {
    "/v2": Base(),
    "/v2/": Base(),
    "/v2/token": Token(),
    "/v2/_catalog": Catalog(),
}

# A name may hold "blobs" or "manifests" itself: the last one in the path counts. The
# lazy name leaves "blobs/uploads" to the kind.
_IMAGE = re.compile(r"/v2/(.+?)/(manifests|blobs/uploads|blobs|tags|referrers)/([^/]*)")


def parse_route(path: str) -> Route | None:
    """What a decoded path means; None when it means nothing here.

    :raises InvalidText: when a name, a digest or a tag in it is malformed.
    """
    fixed = _FIXED.get(path)
    if fixed is not None:
        return fixed
    match = _IMAGE.fullmatch(path)
    if match is None:
        return None
    name, kind, rest = match.groups()
    if kind == "blobs/uploads" or (kind == "blobs" and rest == "uploads"):
        return _upload_route(ImageName(name), "" if kind == "blobs" else rest)
    if not rest:
        return None
    image = ImageName(name)
    if kind == "manifests":
        return ManifestRoute(image, parse_reference(rest))
    if kind == "blobs":
        return BlobRoute(image, Digest.parse(rest))
    if kind == "referrers":
        return ReferrersRoute(image, Digest.parse(rest))
    return TagsRoute(image) if rest == "list" else None


def _upload_route(image: ImageName, identifier: str) -> Route:
    if not identifier:
        return UploadsRoute(image)
    if not _IDENTIFIER.fullmatch(identifier):
        raise InvalidText(
            ErrorCode.BLOB_UPLOAD_UNKNOWN, "there is no such upload session"
        )
    return UploadRoute(image, identifier)


def parse_query(query: str) -> dict[str, list[str]]:
    """The parameters of a query, each with its values in order.

    :raises InvalidText: when there are too many of them.
    """
    found: dict[str, list[str]] = {}
    try:
        pairs = parse_qsl(
            query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS
        )
    except ValueError as error:
        raise InvalidText(
            ErrorCode.UNSUPPORTED, f"a query has at most {_MOST_PARAMETERS} parameters"
        ) from error
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return found


def parse_page(parameters: Mapping[str, list[str]]) -> Page:
    """The page that ``n`` and ``last`` ask for; what is too large is cut.

    :raises InvalidText: when ``n`` is no number.
    """
    n = parameters.get("n", [""])[0]
    last = parameters.get("last", [""])[0]
    if not n:
        return Page(LARGEST_PAGE, last)
    if not (n.isascii() and n.isdigit()):
        raise InvalidText(ErrorCode.UNSUPPORTED, "n must be a number")
    return Page(bounded(n, LARGEST_PAGE), last)
