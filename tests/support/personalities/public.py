"""The registries that everybody pulls from."""

import itertools
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from twisted.web.http import Request
from twisted.web.server import NOT_DONE_YET

from pullthrough.spec import mediatypes
from pullthrough.upstream.credentials import Login
from tests.support.personalities.hosts import reply
from tests.support.personalities.realm import Realm
from tests.support.personalities.registry import JSON, BearerRegistry, Registry


class DockerHub(BearerRegistry):
    """Docker Hub: the realm, the CDN and the index are hosts of their own; pulls are
    counted, and a pull is a GET of a manifest.

    :ivar remaining: pulls that are left.
    :ivar abused: whether its abuse limit has struck: 429 to everything, by address.
    """

    host = "registry-1.docker.io"
    image = "library/alpine"
    wanted = "alpine"
    found = "tag"
    plain_miss = False

    def __init__(self) -> None:
        super().__init__()
        self.realm = Realm("registry.docker.io", self.login, self.may)
        self.auth = self.add_host("auth.docker.io", self.realm.answer, stranger=False)
        self.cdn = self.add_host("production.cloudflare.docker.com", self.stored)
        self.search = self.add_host("index.docker.io", self.searched)
        self.remaining = 100
        self.abused = False

    @property
    def realm_url(self) -> str:
        """On another host of the same domain."""
        return f"{self.auth.url}/token"

    def answer(self, request: Request) -> Any:
        """Unless the abuse limit has struck."""
        if self.abused:
            return reply(request, 429, b"Too Many Requests\n", "text/plain")
        return super().answer(request)

    def manifest(self, request: Request, image: str, reference: str) -> Any:
        """GET counts and HEAD does not; both tell what is left."""
        if request.method == b"GET":
            if self.remaining == 0:
                message = "You have reached your pull rate limit."
                return self.error(request, 429, "TOOMANYREQUESTS", message)
            self.remaining -= 1
        request.setHeader("ratelimit-limit", "100;w=21600")
        request.setHeader("ratelimit-remaining", f"{self.remaining};w=21600")
        request.setHeader("docker-ratelimit-source", self.login.username)
        return super().manifest(request, image, reference)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """On the CDN."""
        if (image, digest) not in self.blob_store:
            return super().blob(request, image, digest)
        return self.redirect(
            request, 307, self.cdn, f"/registry-v2/blobs/{digest}", "signature=a%2Bb%3D"
        )

    def searched(self, request: Request) -> bytes:
        """``/v1/search`` of the index: its own images without a namespace."""
        results = [{"name": "alpine", "is_official": True}, {"name": "team/alpine"}]
        body = json.dumps({"num_results": 2, "results": results})
        return reply(request, 200, body.encode(), JSON)


class Kubernetes(Registry):
    """registry.k8s.io: it serves nothing itself, and asks for no login."""

    host = "registry.k8s.io"
    login = Login(bearer_token="configured-for-nothing")
    image = "pause"

    def __init__(self) -> None:
        super().__init__()
        self.region = self.add_host("europe-west1-docker.pkg.dev", self.regional)
        self.central = self.add_host("us-central1-docker.pkg.dev", self.regional)
        self.bucket = self.add_host(
            "prod-registry-k8s-io-eu-west-1.s3.dualstack.eu-west-1.amazonaws.com",
            self.stored,
        )

    def answer(self, request: Request) -> Any:
        """307 to wherever is near; signatures are in one place only."""
        path = request.path.decode()
        if path == "/v2/_catalog":
            return self.no_page(request)
        if path == "/v2/":
            return reply(request, 200)
        if "/blobs/" in path:
            digest = path.rpartition("/")[2]
            where = f"/containers/images/{digest}"
            return self.redirect(request, 307, self.bucket, where, "signature=s")
        signature = path.endswith((".sig", ".att"))
        host = self.central if signature else self.region
        inner = path.removeprefix("/v2/")
        return self.redirect(request, 307, host, f"/v2/k8s-artifacts-prod/{inner}")

    def regional(self, request: Request) -> Any:
        """An Artifact Registry: public, so that a token of another is refused."""
        if request.getHeader("authorization"):
            return self.error(request, 401, "UNAUTHORIZED", "invalid token")
        path = request.path.decode().replace("/k8s-artifacts-prod", "")
        image, _, rest = path.removeprefix("/v2/").partition("/")
        if rest == "tags/list":
            return self.tags(request, image, "list")
        kind, _, reference = rest.partition("/")
        if kind == "referrers":
            return self.referrers(request, image, reference)
        return self.manifest(request, image, reference)


class Gcr(BearerRegistry):
    """gcr.io: the challenge is at ``/v2/`` only; blobs by 302; no API of referrers,
    but a page of Google's.

    :ivar ping_status: what ``/v2/`` answers.
    """

    host = "gcr.io"
    login = Login("_json_key", '{"type": "service_account",\n "key": "-----"}')
    image = "project/app"
    found = "tag"
    plain_miss = False

    def __init__(self) -> None:
        super().__init__()
        fields = ("token", "expires_in", "issued_at")
        self.realm = Realm("gcr.io", self.login, self.may, fields)
        self.storage = self.add_host("storage.googleapis.com", self.stored)
        self.ping_status = 401

    @property
    def realm_url(self) -> str:
        """Below ``/v2/``."""
        return f"{self.front.url}/v2/token"

    def answer(self, request: Request) -> Any:
        """The realm too."""
        if request.path == b"/v2/token":
            return self.realm.answer(request)
        return super().answer(request)

    def ping(self, request: Request) -> bytes:
        """The challenge, or whatever the test wants."""
        if self.ping_status != 401:
            return reply(request, self.ping_status)
        return super().ping(request)

    def challenge(self, request: Request, image: str) -> bytes:
        """None with what was really asked."""
        if image:
            return self.error(request, 401, "UNAUTHORIZED", "permission denied")
        return super().challenge(request, image)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """In the storage."""
        if (image, digest) not in self.blob_store:
            return super().blob(request, image, digest)
        path = f"/artifacts-downloads/{digest}"
        return self.redirect(request, 302, self.storage, path, "signature=g")

    def tags(self, request: Request, image: str, rest: str) -> Any:
        """With more than the specification has."""
        document = {
            "child": [],
            "manifest": {"sha256:0": {"tag": self.tag_names(image)}},
            "name": image,
            "tags": self.tag_names(image),
        }
        return reply(request, 200, json.dumps(document).encode(), JSON)

    def no_page(self, request: Request) -> bytes:
        """In HTML."""
        body = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"
        return reply(request, 404, body, "text/html; charset=UTF-8")


class Ghcr(BearerRegistry):
    """ghcr.io: 404 MANIFEST_UNKNOWN to referrers; an index only to whoever accepts
    one; the realm answers with ``token`` alone, and 403 for what it does not know."""

    host = "ghcr.io"
    image = "owner/app"
    found = "tag"
    plain_miss = False

    def __init__(self) -> None:
        super().__init__()
        self.realm = _GhcrRealm("ghcr.io", self.login, self.may, ("token",))
        self.packages = self.add_host(
            "pkg-containers.githubusercontent.com", self.stored
        )

    @property
    def realm_url(self) -> str:
        """On the same host."""
        return f"{self.front.url}/token"

    def answer(self, request: Request) -> Any:
        """The realm too."""
        if request.path == b"/token":
            return self.realm.answer(request)
        return super().answer(request)

    def manifest(self, request: Request, image: str, reference: str) -> Any:
        """Nothing is changed into what a client accepts."""
        media_type, _ = self.manifests.get((image, reference), ("", b""))
        accepted = request.getHeader("accept") or ""
        if media_type == mediatypes.OCI_INDEX and media_type not in accepted:
            message = "OCI index found, but Accept header does not support OCI indexes"
            return self.error(request, 404, "MANIFEST_UNKNOWN", message)
        return super().manifest(request, image, reference)

    def referrers(self, request: Request, image: str, digest: str) -> Any:
        """As of a manifest that is not there (NVIDIA/aicr#1957)."""
        return self.no_manifest(request)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """At the packages."""
        if (image, digest) not in self.blob_store:
            return super().blob(request, image, digest)
        path = f"/ghcr1/blobs/{digest}"
        return self.redirect(request, 307, self.packages, path, "signature=h")


class _GhcrRealm(Realm):
    def give(self, request: Request, scopes: Sequence[str], name: str) -> bytes:
        """Nothing for what the account may not have."""
        if not all(self._may(scope.split(":")[1], name) for scope in scopes):
            message = "requested access to the resource is denied"
            body = json.dumps({"errors": [{"code": "DENIED", "message": message}]})
            return reply(request, 403, body.encode(), JSON)
        return super().give(request, scopes, name)


class Quay(BearerRegistry):
    """quay.io: a realm that takes nothing but pull; redirects that are good once; a
    401 for what does not exist."""

    host = "quay.io"
    login = Login("org+robot", "quay-secret")
    image = "org/app"
    plain_miss = False

    def __init__(self) -> None:
        super().__init__()
        self.realm = _QuayRealm("quay.io", self.login, self.may, ("token",))
        self.cdn = self.add_host("cdn03.quay.io", self.once)
        self.cut = 0
        self._numbers = itertools.count(1)
        self._good: set[str] = set()

    @property
    def realm_url(self) -> str:
        """Below ``/v2/``."""
        return f"{self.front.url}/v2/auth"

    def answer(self, request: Request) -> Any:
        """The realm too."""
        if request.path == b"/v2/auth":
            return self.realm.answer(request)
        return super().answer(request)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """HEAD is answered, GET is sent away with a new signature."""
        if (image, digest) not in self.blob_store or request.method == b"HEAD":
            return super().blob(request, image, digest)
        signature = f"{next(self._numbers)}"
        self._good.add(signature)
        path = f"/quayio-production-s3/{digest}"
        return self.redirect(request, 302, self.cdn, path, f"signature={signature}")

    def once(self, request: Request) -> Any:
        """A signature is taken once; ``cut`` breaks the next body off there."""
        query = parse_qs(request.uri.partition(b"?")[2].decode())
        signature = query.get("signature", [""])[0]
        if signature not in self._good:
            body = b"<Error><Code>AccessDenied</Code><Message>Request has expired"
            return reply(request, 403, body, "application/xml")
        self._good.remove(signature)
        body = self.stored(request)
        if not self.cut:
            return body
        part, self.cut = body[: self.cut], 0
        request.write(part)
        # The channel is the transport's producer, and would keep it open.
        request.transport.unregisterProducer()
        request.transport.loseConnection()
        return NOT_DONE_YET

    def no_manifest(self, request: Request) -> bytes:
        """With what became of it."""
        message = "Tag was deleted or has expired. To pull, revive via time machine"
        return self.error(request, 404, "MANIFEST_UNKNOWN", message)


class _QuayRealm(Realm):
    def give(self, request: Request, scopes: Sequence[str], name: str) -> bytes:
        """Nothing at all when a scope has more than pull."""
        if any(scope.split(":")[2] != "pull" for scope in scopes):
            body = b'{"error": "Unable to decode repository and actions"}'
            return reply(request, 400, body, JSON)
        return super().give(request, scopes, name)


class RedHat(BearerRegistry):
    """registry.redhat.io: "not found" comes with the code UNKNOWN; the realm lies on a
    long path; blobs are quay.io's."""

    host = "registry.redhat.io"
    login = Login("12345|robot", "eyJhbGciOiJSUzUxMiJ9")
    image = "ubi9/ubi"
    found = "none"

    def __init__(self) -> None:
        super().__init__()
        self.realm = Realm("docker-registry", self.login, self.may)
        self.cdn = self.add_host("cdn01.quay.io", self.stored)

    @property
    def realm_url(self) -> str:
        """Where Keycloak has it."""
        return f"{self.front.url}/auth/realms/rhcc/protocol/redhat-docker-v2/auth"

    def may(self, image: str, name: str) -> bool:
        """An account may pull whatever it names."""
        return name == self.login.username

    def answer(self, request: Request) -> Any:
        """The realm too."""
        if request.path.startswith(b"/auth/realms/"):
            return self.realm.answer(request)
        return super().answer(request)

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """At quay.io."""
        if (image, digest) not in self.blob_store:
            return super().blob(request, image, digest)
        return self.redirect(request, 302, self.cdn, f"/sha256/{digest}", "signature=r")

    def no_manifest(self, request: Request) -> bytes:
        """Not the code that the specification has."""
        return self.error(request, 404, "UNKNOWN", "Not Found")
