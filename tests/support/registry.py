"""A registry on a real socket, for tests of the upstream half.

It has images, asks for Basic or Bearer credentials, redirects blobs to another origin,
and goes wrong on request. ``requests`` keeps what it was asked: method, path and the
``Authorization``.
"""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET, Site

from pullthrough.spec.digest import Digest

USER, PASSWORD = "up", "up-secret"
TOKEN = "opaque-token"


class FakeRegistry(Resource):
    """One registry; ``wrong`` says how it goes wrong.

    :ivar login: ``""``, ``basic`` or ``bearer``.
    :ivar cdn: where blobs are redirected to, ``http://HOST:PORT``; empty: nowhere.
    :ivar realm: the token realm; empty: our own.
    """

    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.login = ""
        self.cdn = ""
        self.realm = ""
        self.wrong = ""
        self.requests: list[tuple[str, str, str]] = []
        self.manifests: dict[str, tuple[str, bytes]] = {}
        self.blobs: dict[str, bytes] = {}
        self.url = ""

    async def listen(self) -> Any:
        """Listen on a free port; the port."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(Site(self))
        self.url = f"http://127.0.0.1:{port.getHost().port}"
        return port

    def add_manifest(
        self, image: str, tag: str, media_type: str, body: bytes
    ) -> Digest:
        """Have a manifest."""
        digest = Digest.of(body)
        for reference in (tag, str(digest)):
            self.manifests[f"/v2/{image}/manifests/{reference}"] = (media_type, body)
        return digest

    def add_blob(self, image: str, content: bytes) -> Digest:
        """Have a blob."""
        digest = Digest.of(content)
        self.blobs[f"/v2/{image}/blobs/{digest}"] = content
        return digest

    # -- requests --

    def render(self, request: Request) -> Any:
        """Answer."""
        path = request.path.decode()
        authorization = request.getHeader("authorization") or ""
        method = request.method.decode()
        self.requests.append((method, path, authorization))
        if path == "/token":
            return self._token(request, authorization)
        if not self._allowed(authorization):
            return self._challenge(request)
        if self.wrong.isdigit():
            request.setResponseCode(int(self.wrong))
            request.setHeader("Retry-After", "7")
            return b""
        if path in self.manifests:
            return self._manifest(request, *self.manifests[path])
        if path in self.blobs:
            return self._blob(request, path)
        if path.endswith("/tags/list"):
            listed = {"name": "x", "tags": ["b", None, "a", "sha256:x"]}
            return json.dumps(listed).encode()
        request.setResponseCode(404)
        return b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'

    def _allowed(self, authorization: str) -> bool:
        if self.login == "basic":
            pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            return authorization == f"Basic {pair}"
        return self.login != "bearer" or authorization == f"Bearer {TOKEN}"

    def _challenge(self, request: Request) -> bytes:
        request.setResponseCode(401)
        value = 'Basic realm="x"'
        if self.login == "bearer":
            realm = self.realm or f"{self.url}/token"
            value = f'Bearer realm="{realm}",service="fake"'
        request.setHeader("WWW-Authenticate", value)
        return b""

    def _token(self, request: Request, authorization: str) -> bytes:
        self.asked = parse_qs(request.uri.partition(b"?")[2].decode())
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if authorization not in ("", f"Basic {pair}"):
            request.setResponseCode(401)
            return b""
        if self.wrong == "token":
            return b"<html>"
        return json.dumps({"token": TOKEN, "expires_in": 300}).encode()

    def _manifest(self, request: Request, media_type: str, body: bytes) -> Any:
        request.setHeader("Content-Type", media_type)
        request.setHeader("Docker-Content-Digest", str(Digest.of(body)))
        if self.wrong == "html":
            request.setHeader("Content-Type", "text/html")
        if self.wrong == "digest":
            request.setHeader("Docker-Content-Digest", str(Digest.of(b"x")))
        if self.wrong == "large":
            body = b" " * (5 * 1024 * 1024)
        if self.wrong == "changed":
            body = b"{}"
        if self.wrong == "headers":
            for number in range(2000):
                request.setHeader(f"X-{number}", "y" * 100)
        if self.wrong == "silent":
            return NOT_DONE_YET
        if request.method == b"HEAD":
            if self.wrong == "405":
                request.setResponseCode(405)
            request.setHeader("Content-Length", str(len(body)))
            return b""
        return body

    def _blob(self, request: Request, path: str) -> Any:
        if self.cdn:
            request.setResponseCode(307)
            request.setHeader("Location", f"{self.cdn}{path}")
            return b""
        body = self.blobs[path]
        request.setHeader("Content-Type", "application/octet-stream")
        if self.wrong == "gzip":
            request.setHeader("Content-Encoding", "gzip")
        value = request.getHeader("range")
        if value and self.wrong != "no-range":
            first, _, last = value.removeprefix("bytes=").partition("-")
            start, end = int(first), int(last) + 1 if last else len(body)
            request.setResponseCode(206)
            shown = start + (1 if self.wrong == "range" else 0)
            until = end - 1 + (1 if self.wrong == "long-range" else 0)
            span = f"bytes {shown}-{until}/{len(body)}"
            request.setHeader("Content-Range", span)
            body = body[start:end]
        request.setHeader("Content-Length", str(len(body)))
        if request.method == b"HEAD":
            return b""
        if self.wrong == "cut":
            request.write(body[:1000])
            request.transport.loseConnection()
            return NOT_DONE_YET
        if self.wrong == "stall":
            request.write(body[: len(body) // 2])
            return NOT_DONE_YET
        return body
