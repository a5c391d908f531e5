"""Another pullthrough: our own site on a hosted repository, behind a real listener."""

from typing import Any

from twisted.internet import reactor
from twisted.internet.endpoints import TCP4ServerEndpoint

from pullthrough.access.policy import SimplePolicy
from pullthrough.spec.digest import Digest
from pullthrough.upstream.credentials import Login
from pullthrough.web.exchange import IExchange
from pullthrough.web.guard import Guard
from pullthrough.web.listener import Listener
from pullthrough.web.site import Site
from tests.support.authenticators import make_authenticator
from tests.support.exchange import FakeExchange, run
from tests.support.house import House
from tests.support.images import MadeImage
from tests.support.personalities.hosts import Seen
from tests.support.personalities.registry import Registry
from tests.support.site import USERS


class Pullthrough(Registry):
    """It tells everything as the specification has it: referrers, digests, sizes.

    :cvar force: whether it takes Basic only.
    """

    host = "pullthrough.example.com"
    login = Login("alice", "pw-alice")
    force = False

    def __init__(self) -> None:
        super().__init__()
        house = House()
        house.clock = reactor  # type: ignore[assignment]
        authenticator = make_authenticator(USERS, house.clock)
        guard = Guard("own", authenticator, SimplePolicy(False), self.force)
        self._site = Site(
            house.hosted("own"),
            guard,
            lambda line: None,
            house.clock,
            house.clock.seconds,
        )
        self._listener = Listener(self._serve, house.clock)

    async def _serve(self, exchange: IExchange) -> None:
        head = exchange.head
        authorization = head.get("authorization")
        self.front.seen.append(Seen(head.method, head.path, head.query, authorization))
        await self._site(exchange)

    async def listen(self) -> list[Any]:
        """Our listener in place of Twisted's site."""
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.2")
        port = await endpoint.listen(self._listener)
        self.front.address = "127.0.0.2"
        self.front.url = f"http://{self.host}:{port.getHost().port}"
        return [port]

    async def close(self) -> None:
        """Likewise, at our own listener."""
        await self._listener.drain()

    def _put(self, target: str, body: bytes, media_type: str) -> None:
        method = "POST" if "/uploads/" in target else "PUT"
        headers = {"Content-Type": media_type}
        exchange = FakeExchange(method, target, headers, body, user="alice")
        assert run(self._site, exchange).status == 201, exchange.sent

    def push(self, made: MadeImage, tag: str) -> None:
        """As a client does."""
        for digest, content in made.blobs.items():
            target = f"/v2/{self.image}/blobs/uploads/?digest={digest}"
            self._put(target, content, "application/octet-stream")
        self.put(tag, made.media_type, made.manifest)

    def put(self, tag: str, media_type: str, body: bytes) -> Digest:
        """As a client does."""
        self._put(f"/v2/{self.image}/manifests/{tag}", body, media_type)
        return Digest.of(body)

    def attach(self, subject: Digest, artifact: MadeImage, artifact_type: str) -> None:
        """Its subject tells to what it belongs."""
        self.push(artifact, "artifact")


class ForcedBasic(Pullthrough):
    """With ``force_basic_auth``."""

    force = True
