"""The protocol as the specification has it, for personalities to depart from."""

import json
import re
from typing import Any
from urllib.parse import parse_qs

from twisted.web.http import Request

from pullthrough.spec import mediatypes
from pullthrough.spec.digest import Digest
from pullthrough.upstream.credentials import Login
from tests.support.images import MadeImage
from tests.support.personalities.hosts import Host, reply

_ROUTE = re.compile(r"/v2/(.+)/(manifests|blobs|tags|referrers)/([^/]+)")

JSON = "application/json"

VERSION = {"Docker_Distribution_Api_Version": "registry/2.0"}


class Registry:
    """One registry with its hosts; a subclass for each that is out there.

    :cvar host: the name of the registry.
    :cvar login: what an operator would configure.
    :cvar image: the image as the registry calls it; only ``login`` may pull it.
    :cvar wanted: the image as clients of the proxy call it.
    :cvar found: how its referrers are learned: ``api``, ``tag`` or ``none``.
    :cvar plain_miss: whether it tells plainly that an image is not there; else it
        answers 401 or 403.
    """

    host = "registry.test"
    login = Login("robot", "registry-password")
    image = "team/app"
    wanted = ""
    found = "api"
    plain_miss = True

    def __init__(self) -> None:
        self.manifests: dict[tuple[str, str], tuple[str, bytes]] = {}
        self.blob_store: dict[tuple[str, str], bytes] = {}
        self.referring: dict[str, list[dict[str, Any]]] = {}
        self.hosts: list[Host] = []
        self.strangers: list[Host] = []
        self.front = self.add_host(self.host, self.answer, stranger=False)

    # -- hosts --

    def add_host(self, name: str, answer: Any, stranger: bool = True) -> Host:
        """A further host.

        :param stranger: whether it must never see a credential.
        """
        host = Host(name, answer)
        self.hosts.append(host)
        if stranger:
            self.strangers.append(host)
        return host

    async def listen(self) -> list[Any]:
        """Listen with all hosts; the ports."""
        return [
            await host.listen(f"127.0.0.{number}")
            for number, host in enumerate(self.hosts, 2)
        ]

    async def close(self) -> None:
        """Wait until every connection has ended: a response that nobody has read or
        let go of would keep its own."""
        for host in self.hosts:
            await host.close()

    @property
    def addresses(self) -> dict[str, str]:
        """Where each host is."""
        return {host.name: host.address for host in self.hosts}

    @property
    def asked(self) -> list[tuple[str, str]]:
        """Method and path of what the registry itself was asked, without logins."""
        return [
            (one.method, one.path)
            for one in self.front.seen
            if _ROUTE.fullmatch(one.path)
        ]

    def forget(self) -> None:
        """Forget what was asked."""
        for host in self.hosts:
            host.seen.clear()

    # -- content --

    def push(self, made: MadeImage, tag: str) -> None:
        """Have an image."""
        self.put(tag, made.media_type, made.manifest)
        for digest, content in made.blobs.items():
            self.blob_store[self.image, str(digest)] = content

    def put(self, tag: str, media_type: str, body: bytes) -> Digest:
        """Have a manifest."""
        digest = Digest.of(body)
        for reference in (tag, str(digest)):
            self.manifests[self.image, reference] = (media_type, body)
        return digest

    def attach(self, subject: Digest, artifact: MadeImage, artifact_type: str) -> None:
        """Have an artifact that refers to a manifest, as this registry tells it."""
        self.push(artifact, "artifact")
        entry = {
            "mediaType": artifact.media_type,
            "digest": str(artifact.digest),
            "size": len(artifact.manifest),
            "artifactType": artifact_type,
        }
        if self.found == "api":
            self.referring[str(subject)] = [entry]
        elif self.found == "tag":
            tag = f"sha256-{subject.hex}"
            self.put(tag, mediatypes.OCI_INDEX, self.index(entry))

    def index(self, *entries: dict[str, Any]) -> bytes:
        """An index of referrers."""
        document = {
            "schemaVersion": 2,
            "mediaType": mediatypes.OCI_INDEX,
            "manifests": list(entries),
        }
        return json.dumps(document).encode()

    # -- requests --

    def answer(self, request: Request) -> Any:
        """Answer what the registry itself is asked."""
        path = request.path.decode()
        if path == "/v2/":
            return self.ping(request)
        match = _ROUTE.fullmatch(path)
        if match is None:
            return self.no_page(request)
        image, kind, rest = match.groups()
        if not self.admits(request, image):
            return self.challenge(request, image)
        answers = {
            "manifests": self.manifest,
            "blobs": self.blob,
            "tags": self.tags,
            "referrers": self.referrers,
        }
        return answers[kind](request, image, rest)

    def ping(self, request: Request) -> bytes:
        """``/v2/``."""
        if not self.admits(request, ""):
            return self.challenge(request, "")
        return reply(request, 200, b"{}", JSON, **VERSION)

    def admits(self, request: Request, image: str) -> bool:
        """Whether a request may be answered at all."""
        return True

    def challenge(self, request: Request, image: str) -> bytes:
        """401."""
        raise NotImplementedError

    def error(self, request: Request, status: int, code: str, message: str) -> bytes:
        """An error as registries tell them."""
        body = json.dumps({"errors": [{"code": code, "message": message}]})
        return reply(request, status, body.encode(), JSON, **VERSION)

    def no_page(self, request: Request) -> bytes:
        """What a Go server says to a path that it does not have."""
        return reply(request, 404, b"404 page not found\n", "text/plain; charset=utf-8")

    def no_manifest(self, request: Request) -> bytes:
        """404 for a manifest."""
        return self.error(request, 404, "MANIFEST_UNKNOWN", "manifest unknown")

    def manifest(self, request: Request, image: str, reference: str) -> Any:
        """A manifest, by HEAD or GET."""
        kept = self.manifests.get((image, reference))
        if kept is None:
            return self.no_manifest(request)
        media_type, body = kept
        digest = str(Digest.of(body))
        return reply(
            request, 200, body, media_type, Docker_Content_Digest=digest, **VERSION
        )

    def blob(self, request: Request, image: str, digest: str) -> Any:
        """A blob, by HEAD or GET."""
        content = self.blob_store.get((image, digest))
        if content is None:
            return self.error(request, 404, "BLOB_UNKNOWN", "blob unknown to registry")
        return self.send(request, content)

    def send(self, request: Request, content: bytes) -> bytes:
        """The bytes of a blob, or those from an offset."""
        asked = request.getHeader("range")
        media_type = mediatypes.OCTET_STREAM
        if not asked:
            return reply(request, 200, content, media_type, Accept_Ranges="bytes")
        start = int(asked.removeprefix("bytes=").removesuffix("-"))
        span = f"bytes {start}-{len(content) - 1}/{len(content)}"
        return reply(request, 206, content[start:], media_type, Content_Range=span)

    def tag_names(self, image: str) -> list[Any]:
        """What the list of tags has."""
        return sorted(
            reference
            for name, reference in self.manifests
            if name == image and ":" not in reference
        )

    def tags(self, request: Request, image: str, rest: str) -> Any:
        """The list of tags."""
        if not any(name == image for name, _ in self.manifests):
            return self.error(request, 404, "NAME_UNKNOWN", "repository not known")
        body = json.dumps({"name": image, "tags": self.tag_names(image)})
        return reply(request, 200, body.encode(), JSON, **VERSION)

    def referrers(self, request: Request, image: str, digest: str) -> Any:
        """The list of referrers."""
        if self.found != "api":
            return self.no_page(request)
        body = self.index(*self.referring.get(digest, []))
        return reply(request, 200, body, mediatypes.OCI_INDEX)

    # -- what several do --

    def redirect(
        self, request: Request, status: int, host: Host, path: str, signature: str = ""
    ) -> bytes:
        """Send a client to another host."""
        query = f"?{signature}" if signature else ""
        return reply(request, status, b"", Location=f"{host.url}{path}{query}")

    def stored(self, request: Request) -> bytes:
        """A store behind signed URLs: S3 and its likes take one way to log in, and
        answer 400 to a second one."""
        if request.getHeader("authorization"):
            body = (
                b"<Error><Code>InvalidArgument</Code><Message>Only one auth mechanism"
            )
            return reply(request, 400, body, "application/xml")
        if "signature" not in parse_qs(request.uri.partition(b"?")[2].decode()):
            body = b"<Error><Code>AccessDenied</Code></Error>"
            return reply(request, 403, body, "application/xml")
        digest = request.path.decode().rpartition("/")[2]
        for (_, known), content in self.blob_store.items():
            if known == digest:
                return self.send(request, content)
        return reply(request, 404, b"<Error><Code>NoSuchKey</Code>", "application/xml")


class BearerRegistry(Registry):
    """One with a token realm."""

    realm: Any

    @property
    def realm_url(self) -> str:
        """What its challenge names."""
        raise NotImplementedError

    def may(self, image: str, name: str) -> bool:
        """Whether an account may pull an image: ours, and it exists."""
        exists = any(known == image for known, _ in self.manifests)
        return exists and name == self.login.username

    def admits(self, request: Request, image: str) -> bool:
        """Whether the token covers the image."""
        authorization = request.getHeader("authorization") or ""
        if not image:
            return bool(self.realm.knows(authorization))
        return bool(self.realm.grants(authorization, image))

    def challenge(self, request: Request, image: str) -> bytes:
        """401, with the realm."""
        value = f'Bearer realm="{self.realm_url}",service="{self.realm.service}"'
        if image:
            value += f',scope="repository:{image}:pull"'
        if request.getHeader("authorization"):
            value += ',error="insufficient_scope"'
        request.setHeader("WWW-Authenticate", value)
        return self.error(request, 401, "UNAUTHORIZED", "authentication required")
