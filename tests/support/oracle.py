"""Questions about a secret image, and the same about what is nowhere."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import product
from typing import NamedTuple

from pullthrough.access.roles import RolePolicy
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_INDEX, OCI_MANIFEST
from pullthrough.spec.rights import Right, Role
from tests.support.exactly import answer_bytes
from tests.support.images import make_image
from tests.support.main import MainCase

#: What is in the secret image; and something as long that is nowhere.
LAYER, NO_LAYER = b"a secret layer", b"never has been"
MADE, NEVER = make_image(LAYER), make_image(NO_LAYER)
BLOB, NO_BLOB = Digest.of(LAYER), Digest.of(NO_LAYER)
THERE, NOT_THERE = "secret/app", "secret/non"

#: The ways to a repository on the main connector; and the one of its own connector.
LEADS = ("/v2/own/", "/v2/repository/own/", "/repository/own/v2/", "/v2/all/")
OWN = "/v2/"

TYPED = {"Content-Type": OCI_MANIFEST}


class Question(NamedTuple):
    """A request; its target begins with the image."""

    method: str
    target: str
    headers: Mapping[str, str] = {}
    body: bytes = b""


def questions(
    image: str, tag: str, manifest: Digest, blob: Digest
) -> Iterator[Question]:
    """One of each kind."""
    blobs, manifests = f"{image}/blobs/{blob}", f"{image}/manifests"
    uploads = f"{image}/blobs/uploads/"
    for method, reference in product(("GET", "HEAD"), (tag, manifest)):
        yield Question(method, f"{manifests}/{reference}")
    known = {"If-None-Match": f'"{MADE.digest}"'}
    yield Question("GET", f"{manifests}/{tag}", known)
    yield Question("GET", f"{manifests}/{tag}", {"X-Pullthrough-Explain": "1"})
    yield Question("GET", f"{manifests}/{tag}?ns=docker.io")
    yield Question("GET", blobs)
    yield Question("HEAD", blobs)
    yield Question("GET", blobs, {"Range": "bytes=0-3"})
    yield Question("GET", blobs, {"Range": "bytes=900-"})
    yield Question("GET", blobs, {"If-None-Match": f'"{BLOB}"'})
    yield Question("GET", f"{image}/tags/list")
    yield Question("GET", f"{image}/tags/list?n=1&last=a")
    yield Question("GET", f"{image}/referrers/{manifest}")
    yield Question("GET", f"{image}/referrers/{manifest}?artifactType=x")
    yield Question("POST", uploads)
    yield Question("POST", f"{uploads}?digest={BLOB}", {}, LAYER)
    yield Question("POST", f"{uploads}?mount={blob}&from={image}")
    yield Question("POST", f"{uploads}?mount={blob}")
    yield Question("PUT", f"{manifests}/{tag}", TYPED, MADE.manifest)
    yield Question("PUT", f"{manifests}/{manifest}?tag=new", TYPED, MADE.manifest)
    yield Question("DELETE", f"{manifests}/{tag}")
    yield Question("DELETE", f"{manifests}/{manifest}")
    yield Question("DELETE", blobs)


#: Each kind as often as something in it can be there or not.
KINDS: tuple[tuple[Question, ...], ...] = tuple(
    zip(
        *(
            questions(image, tag, *digests)
            for image in (THERE, NOT_THERE)
            for tag in ("v1", "v2")
            for digests in ((MADE.digest, BLOB), (NEVER.digest, NO_BLOB))
        ),
        strict=True,
    )
)

#: What stands for the other in an answer that repeats what was asked.
_ALIKE = (
    (NOT_THERE, THERE),
    (str(NO_BLOB), str(BLOB)),
    (str(NEVER.digest), str(MADE.digest)),
)
_SESSION = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
_TOKEN = re.compile(rb'"(token|access_token)": "[^"]*"')


def alike(answered: bytes) -> bytes:
    """An answer without what differs by chance, or because it was asked."""
    for one, other in _ALIKE:
        answered = answered.replace(one.encode(), other.encode())
    return _TOKEN.sub(b"TOKEN", _SESSION.sub(b"SESSION", answered))


class OracleCase(MainCase):
    """A secret image in the repository `own`, and in the copies of `hub`. Alice has all
    rights; Bob has them for ``open/*``."""

    def setUp(self) -> None:
        super().setUp()
        for content in MADE.blobs.values():
            target = f"/v2/own/{THERE}/blobs/uploads/?digest={Digest.of(content)}"
            self.assertEqual(self.ask("POST", target, body=content).status, 201)
        self.put(f"/v2/own/{THERE}/manifests/v1", OCI_MANIFEST, MADE.manifest)
        subject = {
            "mediaType": OCI_MANIFEST,
            "digest": str(MADE.digest),
            "size": len(MADE.manifest),
        }
        attached = {"schemaVersion": 2, "manifests": [], "artifactType": "x"}
        body = json.dumps({**attached, "subject": subject}).encode()
        self.put(f"/v2/own/{THERE}/manifests/ref", OCI_INDEX, body)
        self.upstream.add(THERE, "v1", MADE.media_type, MADE.manifest)
        cached = self.ask("GET", f"/v2/hub/{THERE}/manifests/v1")
        self.assertEqual(cached.sent, MADE.manifest)
        for content in MADE.blobs.values():
            digest = self.upstream.add_blob(THERE, content)
            cached = self.ask("GET", f"/v2/hub/{THERE}/blobs/{digest}")
            self.assertEqual(cached.sent, content)
        self.roles()

    def put(self, target: str, media_type: str, body: bytes) -> None:
        """Push a manifest."""
        headers = {"Content-Type": media_type}
        got = self.ask("PUT", target, headers=headers, body=body)
        self.assertEqual(got.status, 201, got.sent)

    def roles(self, *roles: Role) -> None:
        """These as well."""
        everything = frozenset(Right)
        alice = Role("alice", frozenset({"alice"}), everything)
        bob = Role("bob", frozenset({"bob"}), everything, images=("open/*",))
        self.policy = RolePolicy(True, [alice, bob, *roles])
        self.main = self.make()

    def seen(self, lead: str, headers: Mapping[str, str], asked: Question) -> bytes:
        """An answer, without what may differ."""
        application = self.sites["own"] if lead == OWN else self.main
        got = answer_bytes(
            application,
            self.house.clock,
            asked.method,
            f"{lead}{asked.target}",
            {**headers, **asked.headers},
            asked.body,
        )
        return alike(got)
