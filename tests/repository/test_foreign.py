"""Foreign layers through a proxy."""

import json
from collections.abc import Iterable

from zope.interface import implementer

from pullthrough.errors import Miss, UpstreamOutage
from pullthrough.interfaces import IForeignLayers, IUpstreamBody
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_MANIFEST
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from tests.repository.test_proxy import REDIS, ProxyCase, whole
from tests.support.upstream import AtOnce, ScriptedBody

FOREIGN = b"foreign" * 1000
DIGEST = Digest.of(FOREIGN)
URLS = ("https://x.test/layer",)


@implementer(IForeignLayers)
class Elsewhere:
    """Gives a layer."""

    def __init__(self) -> None:
        self.content = FOREIGN
        self.asked = 0
        self.open_to_us = True

    def permits(self, urls: Iterable[str]) -> bool:
        """See :meth:`IForeignLayers.permits`."""
        assert tuple(urls) == URLS
        return self.open_to_us

    async def open(
        self, urls: Iterable[str], digest: Digest, offset: int
    ) -> IUpstreamBody:
        """See :meth:`IForeignLayers.open`."""
        self.asked += 1
        return AtOnce(ScriptedBody(self.content, offset, len(self.content)))


class ForeignTests(ProxyCase):
    """An image with a layer that its registry does not have."""

    def setUp(self) -> None:
        super().setUp()
        document = json.loads(self.image.manifest)
        document["layers"].append(
            {
                "mediaType": "a/b",
                "digest": str(DIGEST),
                "size": len(FOREIGN),
                "urls": list(URLS),
            }
        )
        manifest = json.dumps(document).encode()
        self.upstream.add("library/redis", "foreign", OCI_MANIFEST, manifest)
        self.elsewhere = Elsewhere()
        self.proxy = self.house.proxy(self.upstream, foreign=self.elsewhere)
        self.now(self.proxy.manifest(REDIS, Tag("foreign")))

    def test_fetched_and_kept(self) -> None:
        """From elsewhere, once; HEAD tells what the manifest says."""
        self.assertEqual(self.now(self.proxy.blob_size(REDIS, DIGEST))[0], len(FOREIGN))
        self.assertEqual(self.elsewhere.asked, 0)
        blob = self.now(self.proxy.blob(REDIS, DIGEST))
        self.assertEqual(self.now(whole(blob)), FOREIGN)
        blob = self.now(self.proxy.blob(REDIS, DIGEST))
        self.assertEqual(blob.provenance.source, Source.HIT)
        self.assertEqual(self.now(whole(blob)), FOREIGN)
        self.assertEqual(self.elsewhere.asked, 1)

    def test_the_registry_first(self) -> None:
        """One that has it is asked."""
        self.upstream.add_blob("library/redis", FOREIGN)
        self.now(self.now(self.proxy.blob(REDIS, DIGEST)).close())
        self.assertEqual(self.elsewhere.asked, 0)

    def test_something_else(self) -> None:
        """What is not the layer is not given out, and not kept."""
        for self.elsewhere.content in (FOREIGN[:-1] + b"!", FOREIGN + b"!"):
            opening = self.begin(self.proxy.blob(REDIS, DIGEST))
            self.failureResultOf(opening, UpstreamOutage)
            self.assertIsNone(self.now(self.house.store.stat(DIGEST)))

    def test_not_permitted(self) -> None:
        """By no glob, or because it is switched off: the layer is not there."""
        self.elsewhere.open_to_us = False
        off = self.house.proxy(self.upstream)
        self.now(off.manifest(REDIS, Tag("foreign")))
        for proxy in (self.proxy, off):
            self.failureResultOf(self.begin(proxy.blob_size(REDIS, DIGEST)), Miss)
            self.failureResultOf(self.begin(proxy.blob(REDIS, DIGEST)), Miss)
        self.assertEqual(self.elsewhere.asked, 0)

    def test_only_of_its_image(self) -> None:
        """Another image has no such layer (invariant I10)."""
        other = self.proxy.blob(type(REDIS)("library/other"), DIGEST)
        self.failureResultOf(self.begin(other), Miss)
        self.assertEqual(self.elsewhere.asked, 0)
