"""A registry, its token realm and its CDN in a network in memory, with a fault in them.

The fault sits at one stage of a pull; everything else answers as it should.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pullthrough.spec.digest import Digest
from tests.support.images import MadeImage
from tests.support.lines import Dial, Host, Steps
from tests.support.network import Network
from tests.support.replies import Asked, HttpHost, Reply, part, reply

REGISTRY = "registry.upstream.test"
REALM = "auth.upstream.test"
CDN = "cdn.stranger.test"
INSIDE = "inside.stranger.test"

#: Seconds that a token lives.
LIFETIME = 300

USER, PASSWORD = "up", "up-secret"


class Stage(Enum):
    """Where in a pull the fault is."""

    TOKEN = "token"
    HEAD = "HEAD"
    MANIFEST = "manifest"
    BLOB = "blob"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong.

    :ivar answer: makes the answer out of the right one; the float is the time.
    :ivar dial: what becomes of connections.
    :ivar challenge: a ``WWW-Authenticate`` that comes with 401. At the stage of the
        token it takes the place of the registry's own.
    :ivar times: how often it happens; 0: always.
    """

    answer: Callable[[Reply, Asked, float], Steps] | None = None
    dial: Dial = Dial.ACCEPT
    challenge: str | None = None
    times: int = 0


class FaultyRegistry:
    """The hosts of an upstream; :meth:`break_at` breaks one of them.

    :ivar tags: what its tags stand for.
    :ivar whim: says what goes wrong with the next answer, if no fault is set.
    :ivar ranges: whether parts of blobs are given out.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.tags: dict[str, MadeImage] = {}
        self.images: list[MadeImage] = []
        self.registry = HttpHost(network, REGISTRY, "10.0.0.1", self._registry)
        self.realm = HttpHost(network, REALM, "1.0.0.2", self._realm)
        self.cdn = HttpHost(network, CDN, "1.0.0.3", self._cdn)
        self.inside = HttpHost(network, INSIDE, "10.0.0.4", lambda asked: ())
        self.redirects = False
        self.ranges = True
        self.whim: Callable[[Stage], Fault | None] = lambda stage: None
        self._fault: Fault | None = None
        self._stage = Stage.TOKEN
        self._left = 0
        self._tokens: dict[str, float] = {}

    def tag(self, name: str, image: MadeImage) -> None:
        """Let a tag stand for an image."""
        self.tags[name] = image
        self.images.append(image)

    # -- what goes wrong --

    def break_at(self, stage: Stage, fault: Fault) -> None:
        """From now on something goes wrong."""
        self._stage, self._fault, self._left = stage, fault, fault.times
        host = self._host(stage)
        host.dial = fault.dial
        if fault.dial is not Dial.ACCEPT:
            host.hang_up()

    def heal(self) -> None:
        """Everything is right again."""
        self._fault = None
        self.whim = lambda stage: None
        for stage in Stage:
            self._host(stage).dial = Dial.ACCEPT

    def _host(self, stage: Stage) -> Host:
        at = {Stage.TOKEN: self.realm, Stage.REDIRECT: self.cdn}
        return at.get(stage, self.registry).host

    def _wrong(self, stage: Stage, asked: Asked, right: Reply) -> Steps:
        """The answer, as the fault makes it."""
        fault = self._fault if stage is self._stage else None
        if self._fault is None:
            fault = self.whim(stage)
        if fault is None:
            return right.steps()
        if fault.times and fault is self._fault:
            if not self._left:
                return right.steps()
            self._left -= 1
        if fault.challenge is not None and stage is not Stage.TOKEN:
            return self._challenge(asked, fault.challenge).steps()
        if fault.answer is None:
            return right.steps()
        return fault.answer(right, asked, self._network.seconds())

    # -- the registry --

    def _registry(self, asked: Asked) -> Steps:
        token = asked.headers.get("authorization", "").removeprefix("Bearer ")
        if self._tokens.get(token, 0) < self._network.seconds():
            challenge = f'Bearer realm="http://{REALM}/token",service="upstream"'
            fault = self._fault
            if fault and fault.challenge is not None and self._stage is Stage.TOKEN:
                challenge = fault.challenge
            return self._challenge(asked, challenge).steps()
        if asked.path == "/v2/":
            return reply(asked, 200, b"{}").steps()
        what = asked.path.split("/")[-2]
        if what == "blobs" and self.redirects:
            there = f"http://{CDN}{asked.path}?signature=x"
            return reply(asked, 307, b"", ("Location", there)).steps()
        stage = Stage.BLOB if what == "blobs" else Stage.MANIFEST
        if asked.method == "HEAD":
            stage = Stage.HEAD
        right = self._blob(asked) if what == "blobs" else self._manifest(asked)
        return self._wrong(stage, asked, right)

    def _challenge(self, asked: Asked, challenge: str) -> Reply:
        body = b'{"errors":[{"code":"UNAUTHORIZED"}]}'
        headers = [("WWW-Authenticate", challenge)] if challenge else []
        return reply(asked, 401, body, ("Content-Type", "application/json"), *headers)

    def _manifest(self, asked: Asked) -> Reply:
        reference = asked.path.rpartition("/")[2]
        found = self.tags.get(reference)
        for image in self.images:
            if reference == str(image.digest):
                found = image
        if found is None:
            return missing(asked)
        return reply(
            asked,
            200,
            found.manifest,
            ("Content-Type", found.media_type),
            ("Docker-Content-Digest", str(found.digest)),
        )

    def _blob(self, asked: Asked) -> Reply:
        digest = Digest.parse(asked.path.rpartition("/")[2])
        for image in self.images:
            if digest in image.blobs:
                octets = ("Content-Type", "application/octet-stream")
                whole = reply(
                    asked,
                    200,
                    image.blobs[digest],
                    octets,
                    ("Docker-Content-Digest", str(digest)),
                )
                return part(asked, whole) if self.ranges else whole
        return missing(asked)

    # -- the others --

    def _cdn(self, asked: Asked) -> Steps:
        assert "authorization" not in asked.headers, "I11: a stranger is told"
        return self._wrong(Stage.REDIRECT, asked, self._blob(asked))

    def _realm(self, asked: Asked) -> Steps:
        text = f"token-{len(self._tokens)}"
        self._tokens[text] = self._network.seconds() + LIFETIME
        body = json.dumps({"token": text, "expires_in": LIFETIME}).encode()
        right = reply(asked, 200, body, ("Content-Type", "application/json"))
        return self._wrong(Stage.TOKEN, asked, right)


def missing(asked: Asked) -> Reply:
    """404, as a registry says it."""
    body = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"not here"}]}'
    return reply(asked, 404, body, ("Content-Type", "application/json"))
