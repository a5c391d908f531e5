"""The registries that people run, or rent."""

import json
from typing import Any
from urllib.parse import parse_qs

from twisted.web.http import Request

from pullthrough.spec.digest import Digest
from pullthrough.spec.pages import Page, cut
from pullthrough.upstream.credentials import Login
from tests.support.personalities.hosts import reply
from tests.support.personalities.realm import Realm, pair_of
from tests.support.personalities.registry import (
    JSON,
    VERSION,
    BearerRegistry,
    Registry,
)


class Ecr(Registry):
    """Amazon ECR: Basic ``AWS:TOKEN`` for twelve hours; then 403; blobs behind a long
    URL of S3, but HEAD is answered.

    :ivar expired: whether the twelve hours are over.
    """

    host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    login = Login("AWS", "eyJwYXlsb2FkIjoi" * 90)

    def __init__(self) -> None:
        super().__init__()
        bucket = "prod-eu-west-1-starport-layer-bucket.s3.eu-west-1.amazonaws.com"
        self.bucket = self.add_host(bucket, self.stored)
        self.expired = False

    def answer(self, request: Request) -> Any:
        """Until the token ends."""
        if self.expired and request.getHeader("authorization"):
            message = "Your authorization token has expired. Reauthenticate."
            return self.error(request, 403, "DENIED", message)
        return super().answer(request)

    def admits(self, request: Request, image: str) -> bool:
        """With the token as a password."""
        return pair_of(request) == (self.login.username, self.login.password)

    def challenge(self, request: Request, image: str) -> bytes:
        """Basic, with parameters that Basic has not."""
        value = f'Basic realm="https://{self.host}/",service="ecr.amazonaws.com"'
        request.setHeader("WWW-Authenticate", value)
        return reply(request, 401, b"Not Authorized\n", "text/plain; charset=utf-8")

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """In a bucket."""
        if (image, digest) not in self.blob_store or request.method == b"HEAD":
            return super().blob(request, image, digest)
        signature = "X-Amz-Security-Token=" + "IQoJb3JpZ2luX2Vj%2B" * 100
        signature += "&X-Amz-Algorithm=AWS4-HMAC-SHA256&signature=abc"
        return self.redirect(request, 307, self.bucket, f"/d/{digest}", signature)


class Acr(BearerRegistry):
    """Azure: the realm is ``/oauth2/token``, for a refresh token as the password of
    the nil user; it answers with ``access_token`` alone."""

    host = "team.azurecr.io"
    plain_miss = False
    login = Login(
        "00000000-0000-0000-0000-000000000000", "eyJhbGciOiJSUzI1NiJ9.refresh"
    )

    def __init__(self) -> None:
        super().__init__()
        self.realm = _AcrRealm(self.host, self.login, self.may, ("access_token",))
        self.data = self.add_host("team.westeurope.data.azurecr.io", self.stored)

    @property
    def realm_url(self) -> str:
        """On the same host."""
        return f"{self.front.url}/oauth2/token"

    def answer(self, request: Request) -> Any:
        """The realm too."""
        if request.path == b"/oauth2/token":
            return self.realm.answer(request)
        return super().answer(request)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """In the data of the region: the same domain, but nobody to log in at."""
        if (image, digest) not in self.blob_store:
            return super().blob(request, image, digest)
        return self.redirect(request, 307, self.data, f"/{digest}", "signature=sv%3D")


class _AcrRealm(Realm):
    def answer(self, request: Request) -> bytes:
        """GET with Basic, or a refresh token by POST; a password by POST is refused."""
        if request.method != b"POST":
            return super().answer(request)
        form = parse_qs(request.content.read().decode())
        if form.get("grant_type") != ["refresh_token"]:
            body = b'{"errors":[{"code":"UNSUPPORTED"}]}'
            return reply(request, 400, body, JSON)
        if form.get("refresh_token") != [self._login.password]:
            return reply(request, 401, b"{}", JSON)
        return self.give(request, form.get("scope", []), self._login.username)


class Harbor(BearerRegistry):
    """Harbor as a proxy cache: HEAD knows only the blobs that it has fetched before
    (distribution#4747); "not found" has the code UNKNOWN."""

    host = "harbor.example.com"
    login = Login("robot$team", "harbor-secret")

    def __init__(self) -> None:
        super().__init__()
        self.realm = Realm("harbor-registry", self.login, self.may)
        self.cached: set[str] = set()

    @property
    def realm_url(self) -> str:
        """On the same host."""
        return f"{self.front.url}/service/token"

    def may(self, image: str, name: str) -> bool:
        """An account of a project may pull whatever it names there."""
        return name == self.login.username and image.startswith("team/")

    def answer(self, request: Request) -> Any:
        """The realm too."""
        if request.path == b"/service/token":
            return self.realm.answer(request)
        return super().answer(request)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """By HEAD only what has been fetched by GET."""
        if request.method == b"HEAD" and digest not in self.cached:
            return self.error(request, 404, "UNKNOWN", f"blob {digest} not found")
        self.cached.add(digest)
        return super().blob(request, image, digest)

    def no_manifest(self, request: Request) -> bytes:
        """Not the code that the specification has."""
        message = "artifact team/app not found: not found"
        return self.error(request, 404, "UNKNOWN", message)


class Distribution2(BearerRegistry):
    """distribution 2.8 with an authorization service beside it; no API of referrers,
    ``charset`` in content types, all tags at once and unsorted, ``null`` for none.

    :ivar basic: whether it has an htpasswd file in place of the service.
    """

    host = "registry.example.com"
    found = "tag"
    charset = "; charset=utf-8"
    plain_miss = False

    def __init__(self) -> None:
        super().__init__()
        self.basic = False
        self.realm = Realm("Authentication", self.login, self.may)
        self.auth = self.add_host("auth.example.com", self.realm.answer, stranger=False)

    @property
    def realm_url(self) -> str:
        """On another host of the same domain."""
        return f"{self.auth.url}/auth"

    def admits(self, request: Request, image: str) -> bool:
        """By token, or by password."""
        if self.basic:
            return pair_of(request) == (self.login.username, self.login.password)
        return super().admits(request, image)

    def challenge(self, request: Request, image: str) -> bytes:
        """The one or the other."""
        if not self.basic:
            return super().challenge(request, image)
        request.setHeader("WWW-Authenticate", 'Basic realm="Registry Realm"')
        return self.error(request, 401, "UNAUTHORIZED", "authentication required")

    def manifest(self, request: Request, image: str, reference: str) -> Any:
        """With an ETag, and a parameter that no media type of a manifest has."""
        kept = self.manifests.get((image, reference))
        if kept is None:
            return self.no_manifest(request)
        media_type, body = kept
        digest = str(Digest.of(body))
        request.setHeader("ETag", f'"{digest}"')
        request.setHeader("Docker-Content-Digest", digest)
        return reply(request, 200, body, f"{media_type}{self.charset}", **VERSION)

    def tags(self, request: Request, image: str, rest: str) -> Any:
        """Whatever ``n`` says."""
        body = json.dumps({"name": image, "tags": self.tag_names(image)[::-1] or None})
        return reply(request, 200, body.encode(), f"{JSON}{self.charset}", **VERSION)


class Distribution3(Distribution2):
    """distribution 3: still no API of referrers; pages of tags with a ``Link``."""

    charset = ""

    def tags(self, request: Request, image: str, rest: str) -> Any:
        """A page; an ``n`` that is no number of names is an error."""
        query = parse_qs(request.uri.partition(b"?")[2].decode())
        n = query.get("n", ["1000"])[0]
        if not n.isdigit() or int(n) < 1:
            return self.error(request, 400, "PAGINATION_NUMBER_INVALID", "invalid n")
        page = Page(int(n), query.get("last", [""])[0])
        found = cut(self.tag_names(image), page)
        if found.more:
            target = f"/v2/{image}/tags/list?last={found.names[-1]}&n={page.n}"
            request.setHeader("Link", f'<{target}>; rel="next"')
        body = json.dumps({"name": image, "tags": found.names})
        return reply(request, 200, body.encode(), JSON, **VERSION)


class GitLab(Distribution2):
    """registry.gitlab.com: the realm is at gitlab.com; a tag that looks like a digest
    is taken for one (oras-go#1396); no API of referrers."""

    host = "registry.gitlab.com"
    found = "none"

    def __init__(self) -> None:
        super().__init__()
        self.realm = Realm("container_registry", self.login, self.may)
        self.auth = self.add_host("gitlab.com", self.realm.answer, stranger=False)

    def manifest(self, request: Request, image: str, reference: str) -> Any:
        """``sha256-HEX`` is ``sha256:HEX``."""
        return super().manifest(request, image, reference.replace("sha256-", "sha256:"))


class Artifactory(Distribution2):
    """One that has no API of referrers, and says so in its own way.

    :ivar says: the status, 200 for a page that stands for everything.
    """

    host = "artifactory.example.com"

    def __init__(self) -> None:
        super().__init__()
        self.says = 406

    def referrers(self, request: Request, image: str, digest: str) -> Any:
        """No list (go-containerregistry#1962)."""
        return reply(request, self.says, b"<html>Artifactory</html>", "text/html")
