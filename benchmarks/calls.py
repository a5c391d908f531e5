"""Single requests: pushes, tokens, and whether the bytes are right."""

import base64
import hashlib
import http.client
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.content import MANIFEST_TYPE, Blob, Contents, Manifest
from benchmarks.tls import context

USER, PASSWORD = "alice", "s3cret"
ACCEPT = f"{MANIFEST_TYPE}, */*"

#: Seconds for one answer.
PATIENCE = 120


class Wrong(Exception):
    """A server has answered wrongly, or not at all: nothing of it counts."""


@dataclass(frozen=True, slots=True)
class Target:
    """A way in to a server that is measured.

    :ivar name: as it stands in the table.
    :ivar pids: of the server, for its CPU and memory.
    :ivar headers: that each request sends.
    """

    name: str
    port: int
    pid: int
    tls: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Without a path."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def with_headers(self, name: str, **headers: str) -> "Target":
        """The same, named and asked in another way."""
        return Target(name, self.port, self.pid, self.tls, {**self.headers, **headers})


def basic() -> str:
    """An Authorization header."""
    return f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"


def bearer(target: Target, image: str) -> str:
    """An Authorization header with a fresh token that may push and pull."""
    path = f"/v2/token?service=x&scope=repository:{image}:pull,push"
    answer = ask(target, "GET", path, headers={"Authorization": basic()})
    return f"Bearer {json.loads(answer.body)['token']}"


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def connect(target: Target) -> http.client.HTTPConnection:
    """A connection to it."""
    if target.tls:
        return http.client.HTTPSConnection(
            "127.0.0.1", target.port, timeout=PATIENCE, context=context()
        )
    return http.client.HTTPConnection("127.0.0.1", target.port, timeout=PATIENCE)


def ask(
    target: Target,
    method: str,
    path: str,
    body: "bytes | Iterable[memoryview] | None" = None,
    headers: Mapping[str, str] = {},
    expected: int = 200,
) -> Answer:
    """One request.

    :raises Wrong: when the status is not the expected one.
    """
    connection = connect(target)
    sent = {"Accept": ACCEPT, **target.headers, **headers}
    try:
        connection.request(method, path, body=body, headers=sent)
        response = connection.getresponse()
        found: dict[str, Any] = {
            name.lower(): value for name, value in response.getheaders()
        }
        answer = Answer(response.status, found, response.read())
    finally:
        connection.close()
    if answer.status != expected:
        said = answer.body[:300].decode("utf-8", "replace")
        raise Wrong(f"{target.name}: {method} {path}: {answer.status} {said}")
    return answer


def path_of(location: str) -> str:
    """The path and query of a Location, which may be a whole URL."""
    return "/" + location.split("/", 3)[3] if "://" in location else location


def with_digest(location: str, digest: str) -> str:
    """Where an upload ends."""
    path = path_of(location)
    return f"{path}{'&' if '?' in path else '?'}digest={digest}"


def push_blob(target: Target, image: str, blob: Blob, contents: Contents) -> None:
    """Push a blob, in one PUT."""
    begun = ask(target, "POST", f"/v2/{image}/blobs/uploads/", expected=202)
    ask(
        target,
        "PUT",
        with_digest(begun.headers["location"], blob.digest),
        contents.pieces(blob),
        {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(blob.size),
        },
        expected=201,
    )


def push_manifest(target: Target, manifest: Manifest) -> None:
    """Push a manifest by its tag."""
    ask(
        target,
        "PUT",
        f"/v2/{manifest.image}/manifests/{manifest.tag}",
        manifest.content,
        {"Content-Type": MANIFEST_TYPE},
        expected=201,
    )


def check(target: Target, path: str, digest: str) -> None:
    """Read all of something, and hash it.

    :raises Wrong: when the bytes are not what the digest says.
    """
    connection = connect(target)
    hashed = hashlib.sha256()
    try:
        connection.request("GET", path, headers={"Accept": ACCEPT, **target.headers})
        response = connection.getresponse()
        if response.status != 200:
            raise Wrong(f"{target.name}: GET {path}: {response.status}")
        while piece := response.read(1 << 20):
            hashed.update(piece)
    finally:
        connection.close()
    if f"sha256:{hashed.hexdigest()}" != digest:
        raise Wrong(f"{target.name}: GET {path}: wrong bytes")


def repeat(target: Target, path: str, times: int) -> None:
    """Ask for something so often over one connection, so that it is warm.

    :raises Wrong: when an answer is not 200.
    """
    connection = connect(target)
    try:
        for _ in range(times):
            connection.request(
                "GET", path, headers={"Accept": ACCEPT, **target.headers}
            )
            response = connection.getresponse()
            response.read()
            if response.status != 200:
                raise Wrong(f"{target.name}: GET {path}: {response.status}")
    finally:
        connection.close()
