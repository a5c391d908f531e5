"""A client of a registry on a real socket."""

from collections.abc import Sequence
from typing import Any

from twisted.internet import reactor
from twisted.internet.interfaces import IProducer
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from pullthrough.interfaces import IUpstreamBody
from pullthrough.spec.names import ImageName
from pullthrough.spec.origins import Origin
from pullthrough.spec.reference import Tag
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import ClientCertificate, Trust
from tests.support.images import make_image
from tests.support.registry import PASSWORD, USER, FakeRegistry

APP = ImageName("team/app")
V1 = Tag("v1")
LAYER = bytes(range(256)) * 4096  # 1 MiB
LOGIN = Login(USER, PASSWORD)


class Taker:
    """A consumer that holds its producer now and then."""

    def __init__(self) -> None:
        self.data = b""
        self.producer: Any = None
        self.pauses = 0

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Keep it."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Let go of it."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Keep it, and hold the producer for a turn of the reactor."""
        self.data += data
        self.pauses += 1
        producer = self.producer
        producer.pauseProducing()
        reactor.callLater(0, producer.resumeProducing)  # type: ignore[attr-defined]


class ClientCase(TestCase):
    """A registry and a client of it."""

    private: Sequence[str] = ()

    async def setUp(self) -> None:
        self.registry = FakeRegistry()
        port = await self.registry.listen()
        self.addCleanup(port.stopListening)
        self.image = make_image(LAYER)
        self.digest = self.registry.add_manifest(
            "team/app", "v1", self.image.media_type, self.image.manifest
        )
        self.layer = self.registry.add_blob("team/app", LAYER)

    def client(
        self,
        url: str = "",
        login: Login = LOGIN,
        way: Way = Way(),  # noqa: B008
        trust: bytes = b"",
        seconds: float = 5.0,
        retries: int = 0,
        certificate: ClientCertificate | None = None,
    ) -> RegistryUpstream:
        """A client."""
        url = url or self.registry.url
        patience = Patience.of(seconds)
        destinations = Destinations([Origin.of(url).host], self.private)
        agent = EgressAgent(
            reactor,
            way,
            Trust(trust),
            patience,
            destinations=destinations,
            certificate=certificate,
            persistent=False,
        )
        self.addCleanup(agent.close)
        requests = Requests(
            url,
            agent,
            login,
            reactor,  # type: ignore[arg-type]
            lambda: 0.0,
            breakers=None,
            limits=Limits(str(Origin.of(url)), reactor),  # type: ignore[arg-type]
            destinations=destinations,
            patience=patience,
            retries=retries,
            agent_name="pullthrough/test",
        )
        name = str(Origin.of(url))
        return RegistryUpstream(name, requests, reactor)  # type: ignore[arg-type]

    async def fails(self, coroutine: Any, error: type[Exception]) -> Any:
        """The error that must come."""
        try:
            await coroutine
        except error as found:
            return found
        raise AssertionError(f"no {error.__name__}")

    async def download(self, upstream: RegistryUpstream, offset: int = 0) -> bytes:
        """A blob's bytes."""
        body = await upstream.blob(APP, self.layer, offset)
        self.assertTrue(verifyObject(IUpstreamBody, body))
        self.assertEqual((body.size, body.offset), (len(LAYER), offset))
        taker = Taker()
        await body.deliver(taker)  # type: ignore[arg-type]
        self.assertGreater(taker.pauses, 0)
        return taker.data
