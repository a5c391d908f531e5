"""Paths and queries: routes, the V1 API, the ways in, namespaces."""

import re
from pathlib import Path
from urllib.parse import unquote_plus, urlsplit

from pullthrough.spec import routes, v1
from pullthrough.spec.errorcodes import InvalidText
from pullthrough.spec.names import LONGEST_NAME
from pullthrough.spec.namespaces import (
    DOCKER_HUB,
    LONGEST,
    namespaces_of,
    parse_namespace,
)
from pullthrough.spec.ways import ROOT, Way, lead_of, split_name, ways_to
from pullthrough.storage.layout import Layout
from tests.fuzz.feed import Target, latin, text
from tests.fuzz.names import DIGEST, NAME, TAG

# distribution-spec v1.1, "Endpoints", with identifiers as we make them.
_KNOWN = re.compile(
    rf"/v2/(?P<name>{NAME.pattern})/(?:manifests/(?:{TAG.pattern}|{DIGEST.pattern})"
    rf"|(?:blobs|referrers)/(?:{DIGEST.pattern})|tags/list"
    r"|blobs/uploads/?(?:(?<=/)[a-f0-9]{32})?)"
)


def _rendered(route: routes.Route) -> str:
    """The path of a route, by the specification's table of endpoints."""
    match route:
        case routes.Base():
            return "/v2/"
        case routes.Token():
            return "/v2/token"
        case routes.Catalog():
            return "/v2/_catalog"
        case routes.ManifestRoute(image, reference):
            return f"/v2/{image}/manifests/{reference}"
        case routes.BlobRoute(image, digest):
            return f"/v2/{image}/blobs/{digest}"
        case routes.UploadsRoute(image):
            return f"/v2/{image}/blobs/uploads/"
        case routes.UploadRoute(image, identifier):
            return f"/v2/{image}/blobs/uploads/{identifier}"
        case routes.TagsRoute(image):
            return f"/v2/{image}/tags/list"
        case routes.ReferrersRoute(image, digest):
            return f"/v2/{image}/referrers/{digest}"


def paths(data: bytes) -> None:
    """A path that is taken is that of its route, which is read from it again, by each
    way in; every route has its methods. What the specification knows is taken."""
    path = text(data)
    known = _KNOWN.fullmatch(path)
    fits = known is not None and len(known["name"]) <= LONGEST_NAME
    try:
        route = routes.parse_route(path)
    except InvalidText:
        assert not fits, "a path of the specification was refused"
        return
    if route is None:
        assert not fits, "a path of the specification means nothing"
        return
    rendered = _rendered(route)
    assert rendered.rstrip("/") == path.rstrip("/")
    assert routes.parse_route(rendered) == route
    assert routes.METHODS[type(route)]
    if isinstance(route, routes.UploadRoute):
        Layout(Path("/srv")).ingest(route.identifier)
    for way in (ROOT, *ways_to("hub")):
        outer = way.outer(rendered)
        assert way.inner(outer) == rendered
        image = getattr(route, "image", None)
        if way.base or (way.prefix and image is not None):
            assert lead_of(outer) == way.lead, outer


def leads(data: bytes) -> None:
    """Whatever leads to a repository is one part of the path, and what is left is a
    path of the API below it."""
    path = "/" + text(data)
    lead = lead_of(path)
    if not lead:
        return
    prefixed = not lead.startswith("/")
    way = Way(prefix=lead) if prefixed else Way(base=lead)
    inner = way.inner(path)
    assert way.outer(inner) == path
    assert inner.startswith(("/v1", "/v2"))
    name = lead.removeprefix("/").removeprefix("repository/").rstrip("/")
    assert "/" not in name
    assert name or lead == "repository/"  # which no repository is called
    if prefixed:
        repository, image = split_name(path.removeprefix("/v2/"))
        assert not name or (repository == name and image)


def firsts(data: bytes) -> None:
    """A path of the V1 API is that of its route."""
    path = text(data)
    try:
        route = v1.parse_v1(path)
    except InvalidText:
        return
    if isinstance(route, v1.Tags | v1.Images):
        kind = "tags" if isinstance(route, v1.Tags) else "images"
        assert path.rstrip("/") == f"/v1/repositories/{route.image}/{kind}"
    digits = path.rpartition("/")[2]
    n = v1.wanted(digits)
    assert 1 <= n <= v1.MOST
    if re.fullmatch("[0-9]+", digits):
        assert n == min(max(int(digits[-4000:]), 1), v1.MOST)
    else:
        assert n == v1.USUAL


def queries(data: bytes) -> None:
    """The same as a plain reader: pairs parted by ``&``, escapes undone once."""
    query = latin(data)
    try:
        found = routes.parse_query(query)
    except InvalidText:
        assert query.count("&") + 1 > 100
        return
    expected: dict[str, list[str]] = {}
    for pair in filter(None, query.split("&")):
        key, _, value = pair.partition("=")
        expected.setdefault(unquote_plus(key), []).append(unquote_plus(value))
    assert found == expected
    assert sum(map(len, found.values())) <= 100


def namespaces(data: bytes) -> None:
    """What ``ns`` may name is a host as it stands in a URL, and whoever configures
    that URL is found by it."""
    given = text(data)
    try:
        named = parse_namespace(given)
    except InvalidText:
        return
    assert named == given.lower()
    assert parse_namespace(named) == named
    assert len(named) <= LONGEST
    assert re.fullmatch(r"[a-z0-9._\-\[\]:]+", named)
    host, port = re.fullmatch("(.*?)(?::([0-9]+))?", named).groups()  # type: ignore[union-attr]
    url = f"https://{host}:{int(port)}" if port else f"https://{host}"
    try:
        usable = urlsplit(url).port != 0 and urlsplit(url).hostname
    except ValueError:
        usable = None
    if usable:
        known = namespaces_of(url)
        assert url.removeprefix("https://") in known or host in DOCKER_HUB, known
        for one in known:
            assert len(one) > LONGEST or parse_namespace(one) == one


_DIGEST = b"sha256:" + b"0123456789abcdef" * 4

TARGETS = (
    Target(
        paths,
        (
            b"/v2",
            b"/v2/",
            b"/v2/token",
            b"/v2/_catalog",
            b"/v2/a/b/manifests/latest",
            b"/v2/a/manifests/" + _DIGEST,
            b"/v2/a/blobs/" + _DIGEST,
            b"/v2/a/blobs/uploads",
            b"/v2/a/blobs/uploads/",
            b"/v2/a/blobs/uploads/0123456789abcdef",
            b"/v2/a/tags/list",
            b"/v2/a/referrers/" + _DIGEST,
            b"/v2/manifests/blobs/tags/list",
            b"/v2/blobs/uploads/blobs/uploads/",
            b"/v2/tags/list/manifests/list",
            b"/v2/a/manifests/",
            b"/v2/repository/x/y/tags/list",
            b"/v2/A/tags/list",
        ),
        (
            b"/v2/",
            b"/manifests/",
            b"/blobs/",
            b"/uploads",
            b"/tags/list",
            b"/referrers/",
        ),
    ),
    Target(
        leads,
        (
            b"v2/hub/library/a/manifests/x",
            b"v2/repository/hub/a/tags/list",
            b"repository/hub/v2/",
            b"repository/hub/v1/_ping",
            b"v2/a/manifests/latest",
            b"v2/a/blobs/uploads/",
            b"v2/hub/tags/list",
            b"v2/repository/manifests/x",
        ),
        (b"repository/", b"v2/", b"/v1", b"manifests/", b"blobs/uploads/", b"tags/"),
    ),
    Target(
        firsts,
        (
            b"/v1/_ping",
            b"/v1/search",
            b"/v1/repositories/a/b/tags",
            b"/v1/repositories/a/images/",
            b"/v1/repositories/a/tags/images",
            b"/v1/x/25",
            b"/0000000000000000000007",
            b"/\xc2\xb2",
            b"/999999999999999999999",
        ),
        (b"/v1/", b"repositories/", b"/tags", b"/images", b"/"),
    ),
    Target(
        queries,
        (
            b"n=10&last=a%2Fb",
            b"scope=a&scope=b&&x",
            b"a+b=c+d&%3D=%26",
            b"a=%zz&b=%C3%A4",
            b"a;b=c",
            b"&" * 120,
            b"=&=",
        ),
        (b"&", b"=", b"%", b"+", b";", b"%26"),
    ),
    Target(
        namespaces,
        (
            b"docker.io",
            b"Registry-1.docker.io",
            b"ghcr.io:443",
            b"[::1]:5000",
            b"[2001:db8::1]",
            b"10.0.0.1:80",
            b"a:080",
            b"..",
            b"a:99999",
            b"http://a",
            b"a" * 262,
            b"a\n",
        ),
        (b":", b"[", b"]", b"::", b".docker.io", b":443"),
    ),
)
