"""Foreign layers: fetched by URL, where a glob lets them through."""

from collections.abc import Sequence

from twisted.internet import reactor
from zope.interface.verify import verifyObject

from pullthrough.errors import Miss, UpstreamOutage
from pullthrough.interfaces import IForeignLayers
from pullthrough.spec.digest import Digest
from pullthrough.spec.origins import Origin
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.foreign import ForeignLayers
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import Trust
from tests.support.client import LAYER, ClientCase, Taker

DIGEST = Digest.of(LAYER)


class ForeignTests(ClientCase):
    """A server that has a layer at some URL."""

    def foreign(
        self, *globs: str, private: Sequence[str] = ("127.0.0.1",)
    ) -> ForeignLayers:
        """What fetches from there."""
        destinations = Destinations((), private)
        agent = EgressAgent(
            reactor,
            Way(),
            Trust(b""),
            Patience.of(5.0),
            destinations=destinations,
            persistent=False,
        )
        self.addCleanup(agent.close)

        def requests(url: str) -> Requests:
            return Requests(
                url,
                agent,
                Login(),
                reactor,  # type: ignore[arg-type]
                lambda: 0.0,
                breakers=None,
                limits=Limits(str(Origin.of(url)), reactor),  # type: ignore[arg-type]
                destinations=destinations,
                patience=Patience.of(5.0),
                retries=0,
                agent_name="x",
            )

        made = ForeignLayers(requests, globs or ("http://*",), reactor)  # type: ignore
        self.assertTrue(verifyObject(IForeignLayers, made))
        return made

    def url(self, digest: Digest = DIGEST) -> str:
        """Where the layer is."""
        return f"{self.registry.url}/v2/team/app/blobs/{digest}"

    async def test_fetched(self) -> None:
        """From the first URL that has it, from an offset too, without credentials."""
        none = self.url(Digest.of(b"none"))
        urls = ("ftp://x.test/", "http://x y/", none, self.url())
        foreign = self.foreign()
        for offset in (0, 1000):
            body = await foreign.open(urls, DIGEST, offset)
            taker = Taker()
            await body.deliver(taker)  # type: ignore[arg-type]
            self.assertEqual(taker.data, LAYER[offset:])
        asked = {authorization for *_, authorization in self.registry.requests}
        self.assertEqual(asked, {""})

    async def test_globs(self) -> None:
        """What no glob lets through is not asked."""
        foreign = self.foreign("http://elsewhere.test/*", "https://*")
        self.assertFalse(foreign.permits([self.url(), "no url"]))
        await self.fails(foreign.open([self.url()], DIGEST, 0), Miss)
        self.assertEqual(self.registry.requests, [])
        self.assertTrue(self.foreign().permits([self.url()]))

    async def test_private_addresses(self) -> None:
        """A manifest must not lead us into our own network (threats T3, T4)."""
        foreign = self.foreign(private=())
        error = await self.fails(foreign.open([self.url()], DIGEST, 0), UpstreamOutage)
        self.assertIn("is private", error.detail)
        self.assertEqual(self.registry.requests, [])

    async def test_nobody_has_it(self) -> None:
        """What the last one said."""
        urls = [self.url(Digest.of(b"none"))]
        await self.fails(self.foreign().open(urls, DIGEST, 0), Miss)
        self.registry.wrong = "503"
        await self.fails(self.foreign().open(urls, DIGEST, 0), UpstreamOutage)
