"""A proxy repository in front of a personality, and what must hold for each."""

import json
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from pullthrough.errors import Miss
from pullthrough.interfaces import IContent
from pullthrough.repository.proxy import ProxyRepository
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.freshness import Freshness
from pullthrough.spec.names import ImageName
from pullthrough.spec.origins import Origin
from pullthrough.spec.pages import Page
from pullthrough.spec.provenance import Source
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
from tests.support.house import House
from tests.support.images import MadeImage, make_image
from tests.support.personalities.hosts import NamedReactor
from tests.support.personalities.registry import Registry

V1 = Tag("v1")
LAYER = bytes(range(256)) * 1024  # 256 KiB
SBOM = "application/spdx+json"


async def whole(content: IContent) -> bytes:
    """All bytes of a content, then close it."""
    pieces = []
    offset = 0
    while offset < content.size:
        end = await content.available(offset)
        piece = await content.read(offset, end - offset)
        pieces.append(piece)
        offset += len(piece)
    await content.available(content.size)
    await content.close()
    return b"".join(pieces)


def artifact_of(subject: MadeImage, artifact_type: str = SBOM) -> MadeImage:
    """An artifact that refers to an image."""
    made = make_image(b"{}", config=b"{}")
    document = json.loads(made.manifest)
    document["artifactType"] = artifact_type
    document["config"]["mediaType"] = "application/vnd.oci.empty.v1+json"
    document["subject"] = {
        "mediaType": subject.media_type,
        "digest": str(subject.digest),
        "size": len(subject.manifest),
    }
    body = json.dumps(document).encode()
    return MadeImage(body, Digest.of(body), made.blobs)


class PersonalityCase(TestCase):
    """One registry, and a proxy of it that asks about a tag each time."""

    personality: type[Registry]

    async def setUp(self) -> None:
        self.registry = self.personality()
        for port in await self.registry.listen():
            self.addCleanup(port.stopListening)
        self.addCleanup(lambda: Deferred.fromCoroutine(self.registry.close()))
        self.image = make_image(LAYER)
        self.artifact = artifact_of(self.image)
        self.registry.push(self.image, "v1")
        self.name = ImageName(self.registry.wanted or self.registry.image)
        self.house = House()
        self.house.clock = reactor  # type: ignore[assignment]
        self.proxy = self.proxy_of(self.registry.login)

    def requests(self, login: Login, url: str = "") -> Requests:
        """What asks the registry, or another of its hosts."""
        url = url or self.registry.front.url
        addresses = self.registry.addresses
        destinations = Destinations([Origin.of(url).host], list(addresses))
        agent = EgressAgent(
            NamedReactor(addresses),
            Way(),
            Trust(b""),
            Patience.of(5.0),
            destinations=destinations,
            persistent=False,
        )
        self.addCleanup(agent.close)
        clock: Any = reactor
        self.limits = Limits(str(Origin.of(url)), clock)
        return Requests(
            url,
            agent,
            login,
            clock,
            lambda: 0.0,
            breakers=Breakers(clock, lambda: 0.0, 5.0),
            limits=self.limits,
            destinations=destinations,
            patience=Patience.of(5.0),
            retries=1,
            agent_name="pullthrough/test",
        )

    def proxy_of(self, login: Login, **more: Any) -> ProxyRepository:
        """A proxy that logs in so; its copies are its own."""
        upstream: Any = RegistryUpstream(
            self.registry.host,
            self.requests(login),
            reactor,  # type: ignore[arg-type]
        )
        proxy = self.house.proxy(
            upstream,
            name=f"proxy-{login.username}",
            library=self.registry.image.startswith("library/"),
            freshness=Freshness(0.0),
            **more,
        )
        self.addCleanup(self.house.fills.close)
        return proxy

    async def misses(self, coroutine: Any) -> Miss:
        """The miss that must come."""
        try:
            await coroutine
        except Miss as error:
            return error
        raise AssertionError("no miss")

    async def pull(self) -> None:
        """Pull the whole image by its tag."""
        found = await self.proxy.manifest(self.name, V1)
        self.assertEqual(found.body, self.image.manifest)
        for digest, content in self.image.blobs.items():
            blob = await self.proxy.blob(self.name, digest)
            self.assertEqual(await whole(blob), content)

    def asked(self, method: str) -> list[str]:
        """Which paths the registry was asked by a method."""
        return [path for asked, path in self.registry.asked if asked == method]


class Everything(PersonalityCase):
    """What holds for every registry."""

    async def test_pull_by_tag(self) -> None:
        """A whole image: its manifest by HEAD and GET, config and layer; what was
        pulled once is never fetched again."""
        resolved = await self.proxy.resolve(self.name, V1)
        self.assertEqual(resolved.descriptor.digest, self.image.digest)
        self.assertEqual(resolved.descriptor.media_type, self.image.media_type)
        for digest, content in self.image.blobs.items():
            size, _ = await self.proxy.blob_size(self.name, digest)
            self.assertEqual(size, len(content))
        await self.pull()
        self.registry.forget()
        for digest in self.image.blobs:
            blob = await self.proxy.blob(self.name, digest)
            self.assertEqual(blob.provenance.source, Source.HIT)
            await blob.close()
        self.assertEqual([host.seen for host in self.registry.hosts if host.seen], [])

    async def test_pull_by_digest(self) -> None:
        """The manifest alone, then a layer that it names; then from the copy."""
        for source in (Source.MISS, Source.HIT):
            found = await self.proxy.manifest(self.name, self.image.digest)
            self.assertEqual(found.body, self.image.manifest)
            self.assertEqual(found.provenance.source, source)
        blob = await self.proxy.blob(self.name, Digest.of(LAYER))
        self.assertEqual(await whole(blob), LAYER)

    async def test_revalidation(self) -> None:
        """A tag that has not moved is confirmed by one HEAD and no GET; one that has
        is fetched."""
        await self.proxy.manifest(self.name, V1)
        self.registry.forget()
        again = await self.proxy.manifest(self.name, V1)
        self.assertEqual(again.provenance.source, Source.HIT)
        self.assertEqual((len(self.asked("HEAD")), self.asked("GET")), (1, []))
        moved = make_image(LAYER, b"another layer")
        self.registry.push(moved, "v1")
        self.assertEqual(
            (await self.proxy.manifest(self.name, V1)).body, moved.manifest
        )

    async def test_tags(self) -> None:
        """All of them, in order, and page by page."""
        for tag in ("v3", "v2"):
            self.registry.put(tag, self.image.media_type, self.image.manifest)
        found = await self.proxy.tags(self.name, Page())
        self.assertEqual((found.names, found.more), (("v1", "v2", "v3"), False))
        first = await self.proxy.tags(self.name, Page(2))
        self.assertEqual((first.names, first.more), (("v1", "v2"), True))
        last = await self.proxy.tags(self.name, Page(2, "v2"))
        self.assertEqual((last.names, last.more), (("v3",), False))

    async def test_no_referrers(self) -> None:
        """None, when the registry plainly has none."""
        found = await self.proxy.referrers(self.name, self.image.digest)
        self.assertEqual(found.records, ())

    async def test_referrers(self) -> None:
        """By the API, by the fallback tag, or none where nothing can be attached."""
        self.registry.attach(self.image.digest, self.artifact, SBOM)
        found = await self.proxy.referrers(self.name, self.image.digest)
        if self.registry.found == "none":
            self.assertEqual(found.records, ())
            return
        listed = [(one.descriptor.digest, one.artifact_type) for one in found.records]
        self.assertEqual(listed, [(self.artifact.digest, SBOM)])
        artifact = await self.proxy.manifest(self.name, self.artifact.digest)
        self.assertEqual(artifact.body, self.artifact.manifest)

    async def test_an_image_that_does_not_exist(self) -> None:
        """A miss, remembered only where the registry says so plainly; of its referrers
        it is not said that there are none, unless they were looked for."""
        none = ImageName(f"{self.registry.image}-none")
        missed = await self.misses(self.proxy.manifest(none, V1))
        self.assertEqual(missed.code, ErrorCode.MANIFEST_UNKNOWN)
        self.assertEqual(missed.certain, self.registry.plain_miss)
        self.registry.forget()
        missed = await self.misses(self.proxy.manifest(none, V1))
        self.assertEqual("known for a while" in missed.detail, self.registry.plain_miss)
        self.assertEqual(self.registry.asked == [], self.registry.plain_miss)
        await self.misses(self.proxy.tags(none, Page()))
        await self.misses(self.proxy.blob(none, Digest.of(b"none")))
        if not self.registry.plain_miss:
            await self.misses(self.proxy.referrers(none, self.image.digest))

    async def test_a_tag_that_does_not_exist(self) -> None:
        """A miss that is certain: we may see the image, and it has no such tag."""
        missed = await self.misses(self.proxy.manifest(self.name, Tag("none")))
        self.assertTrue(missed.certain)

    async def test_credentials_are_confined(self) -> None:
        """The registry and its realm see the password, and no stranger anything."""
        self.registry.attach(self.image.digest, self.artifact, SBOM)
        await self.pull()
        await self.proxy.referrers(self.name, self.image.digest)
        await self.proxy.tags(self.name, Page())
        for host in self.registry.strangers:
            self.assertLessEqual(host.authorizations, {""}, host.name)
        sent = set().union(*(host.authorizations for host in self.registry.hosts))
        self.assertNotEqual(sent, {""})

    async def test_wrong_credentials(self) -> None:
        """They are a miss for clients, which is not remembered, and no outage."""
        if not self.registry.login.password:
            return
        proxy = self.proxy_of(Login(self.registry.login.username, "wrong"))
        missed = await self.misses(proxy.manifest(self.name, V1))
        self.assertFalse(missed.certain)
