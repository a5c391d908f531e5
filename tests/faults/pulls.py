"""A proxy of a faulty registry, what clients ask of it, and how that ends."""

from collections.abc import Awaitable, Callable
from typing import Any

from twisted.internet.defer import Deferred

from pullthrough.errors import (
    Miss,
    Outage,
    Refused,
    RegistryError,
    UpstreamBlocked,
    UpstreamLimited,
    UpstreamTimeout,
)
from pullthrough.interfaces import IContent
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Provenance, Source
from pullthrough.spec.reference import Tag
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.limits import Limits
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import Trust
from tests.faults.registry import PASSWORD, REGISTRY, USER, FaultyRegistry
from tests.support.house import House
from tests.support.images import MadeImage
from tests.support.network import Network

APP = ImageName("team/app")
LATEST = Tag("latest")

#: Seconds that a tag is fresh.
FRESH = 3600.0

_TRUST = Trust(b"")


#: How a request may end. In small letters: when some of the blob had come already.
LETTERS: tuple[tuple[type[BaseException], str], ...] = (
    (Miss, "M"),
    (Refused, "F"),
    (UpstreamTimeout, "T"),
    (UpstreamLimited, "L"),
    (UpstreamBlocked, "B"),
    (Outage, "O"),
)


def letter(error: RegistryError) -> str:
    """The letter of an error."""
    return next(short for kind, short in LETTERS if isinstance(error, kind))


class Pulls:
    """A proxy repository on stores in memory, and its faulty upstream.

    :param random: a number from 0 to 1.
    """

    def __init__(
        self, random: Callable[[], float] = lambda: 0.5, store: Any = None
    ) -> None:
        self.network = Network()
        self.house = House(self.network, store)
        self.upstream = FaultyRegistry(self.network)
        destinations = Destinations([REGISTRY])
        agent = EgressAgent(
            self.network, Way(), _TRUST, Patience(), destinations=destinations
        )
        requests = Requests(
            f"http://{REGISTRY}",
            agent,
            Login(USER, PASSWORD),
            self.network,
            random,
            breakers=Breakers(self.network, random, Patience().answer),
            limits=Limits(REGISTRY, self.network),
            destinations=destinations,
            patience=Patience(),
            retries=2,
            agent_name="pullthrough/test",
        )
        self._client = RegistryUpstream(REGISTRY, requests, self.network)
        self.proxy: ProxyRepository = self.house.proxy(self._client)

    # -- what clients ask for; each ends in a letter, or in a wrong answer --

    def ends(self, asking: Awaitable[str]) -> str:
        """The letter with which a request ends."""

        async def ask() -> str:
            try:
                return await asking
            except RegistryError as error:
                return letter(error)

        return self.network.settle(Deferred.fromCoroutine(ask()))

    async def tag(self) -> str:
        """GET the manifest of the tag."""
        found = await self.proxy.manifest(APP, LATEST)
        assert Digest.of(found.body) == found.descriptor.digest, "I7: wrong manifest"
        assert len(found.body) == found.descriptor.size, "I7: wrong size"
        return self._judge(found.descriptor.digest, found.provenance)

    async def head_tag(self) -> str:
        """HEAD the manifest of the tag."""
        found = await self.proxy.resolve(APP, LATEST)
        return self._judge(found.descriptor.digest, found.provenance)

    def _judge(self, digest: Digest, provenance: Provenance) -> str:
        known = [image.digest for image in self.upstream.images]
        assert digest in known, "I7: a manifest that the upstream never had"
        if provenance.source is Source.STALE:
            assert provenance.warning, "I14: stale, and does not say so"
            return "S"
        assert digest == self.upstream.tags["latest"].digest, "I14: an old manifest"
        return "R"

    async def size(self, digest: Digest) -> str:
        """HEAD a blob."""
        size, _ = await self.proxy.blob_size(APP, digest)
        return "R" if size == len(self._content(digest)) else "W"

    async def blob(self, digest: Digest) -> str:
        """GET a blob."""
        content = await self.proxy.blob(APP, digest)
        try:
            await self._read(content, digest)
        except RegistryError as error:
            return letter(error).lower()
        finally:
            await content.close()
        return "R"

    async def _read(self, content: IContent, digest: Digest) -> None:
        """All of it, as the web half reads it: it waits for the first byte, also of an
        empty blob, and ends at the last."""
        got = b""
        end = await content.available(0)
        while len(got) < content.size:
            got += await content.read(len(got), end - len(got))
            if len(got) < content.size:
                end = await content.available(len(got))
        self.check_whole(got, digest)

    def check_whole(self, got: bytes, digest: Digest) -> None:
        """I7: who has so many bytes as were promised takes them for the blob."""
        assert got == self._content(digest), "I7: a complete wrong blob"

    def _content(self, digest: Digest) -> bytes:
        return next(
            image.blobs[digest]
            for image in self.upstream.images
            if digest in image.blobs
        )

    def pull(self, image: MadeImage) -> str:
        """The tag, then all blobs of the image: their letters."""
        letters = self.ends(self.tag())
        for digest in image.blobs:
            letters += self.ends(self.blob(digest))
        return letters

    # -- what must hold at any time, and in the end --

    def check_store(self) -> None:
        """I1: every name is its content's; and what is inside was never asked."""

        async def look() -> None:
            async for digest in self.house.store.scan():
                content = await self.house.store.open(digest)
                found = Digest.of(await content.read(0, content.size))
                assert found == digest, f"I1: {digest} has {found}"

        self.network.settle(Deferred.fromCoroutine(look()))
        assert not self.upstream.inside.heard, "T4: led into our own network"

    def check_nothing_left(self) -> None:
        """In time all is quiet: no call, connection, ingest or turn is left."""
        self.network.pass_time(700)
        assert self.network.lines == [], "an open connection"
        assert self.network.getDelayedCalls() == [], "a delayed call"
        assert self.house.store.open_ingests == frozenset(), "an open ingest"
        # There is no public way to see that every turn has been given back.
        turns = (self._client._bodies.used, self._client._metadata.used)
        assert turns == (0, 0), f"turns are taken: {turns}"
