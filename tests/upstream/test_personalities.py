"""The public registries, through a proxy: what all do, and the oddities of each.

Their challenges, redirects and statuses are in ``tests/support/personalities``.
"""

from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from pullthrough.errors import UpstreamLimited, UpstreamOutage
from pullthrough.spec import mediatypes
from pullthrough.spec.digest import Digest
from pullthrough.spec.pages import Page
from pullthrough.spec.provenance import Source
from pullthrough.spec.ratelimit import Budget
from pullthrough.spec.reference import Tag
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.index import SearchIndex
from tests.support.personalities import public
from tests.support.personalities.case import (
    LAYER,
    V1,
    Everything,
    artifact_of,
    whole,
)


class DockerHubTests(Everything):
    """Docker Hub."""

    personality = public.DockerHub
    registry: public.DockerHub

    async def test_the_realm(self) -> None:
        """Another host of the domain: it sees the password, for the service and the
        image as Docker Hub calls it; one token does for the whole image."""
        await self.pull()
        (asked,) = self.registry.realm.asked
        self.assertEqual(asked["service"], ["registry.docker.io"])
        self.assertEqual(asked["scope"], ["repository:library/alpine:pull"])
        (sent,) = self.registry.auth.authorizations
        self.assertTrue(sent.startswith("Basic "))
        front = self.registry.front.authorizations - {""}
        self.assertTrue(all(one.startswith("Bearer ") for one in front))

    async def test_only_pulls_are_counted(self) -> None:
        """A GET of a manifest is one; revalidation by HEAD is none, and works when no
        pull is left."""
        await self.pull()
        self.assertEqual(self.limits.budget, Budget(100, 99, 21600))
        self.registry.remaining = 0
        found = await self.proxy.manifest(self.name, V1)
        self.assertEqual(found.provenance.source, Source.HIT)
        self.assertEqual(self.limits.budget, Budget(100, 0, 21600))

    async def test_used_up(self) -> None:
        """429 to a pull: then nothing is asked for a while, and copies are served."""
        await self.pull()
        self.registry.remaining = 0
        await self.limited(self.proxy.manifest(self.name, Tag("v2")))
        self.registry.forget()
        await self.limited(self.proxy.manifest(self.name, Tag("v3")))
        found = await self.proxy.manifest(self.name, V1)
        self.assertEqual(found.provenance.source, Source.STALE)
        self.assertEqual(self.registry.front.seen, [])

    async def test_the_abuse_limit(self) -> None:
        """A bare 429 to everything is a limit too, and no miss."""
        self.registry.abused = True
        await self.limited(self.proxy.manifest(self.name, V1))
        await self.limited(self.proxy.tags(self.name, Page()))
        await self.limited(self.proxy.referrers(self.name, self.image.digest))

    async def limited(self, coroutine: Any) -> None:
        """It must be limited."""
        try:
            await coroutine
        except UpstreamLimited as error:
            self.assertIsNotNone(error.retry_after)
        else:
            raise AssertionError("not limited")

    async def test_the_index(self) -> None:
        """``docker search`` asks index.docker.io, without a login."""
        requests = self.requests(Login(), self.registry.search.url)
        index = SearchIndex("index", requests, self.house.clock)
        found = await index.search("alpine", 25)
        self.assertEqual([str(name) for name in found], ["alpine", "team/alpine"])


class KubernetesTests(Everything):
    """registry.k8s.io."""

    personality = public.Kubernetes
    registry: public.Kubernetes

    async def test_where_it_leads(self) -> None:
        """Manifests come from a region, blobs from a bucket; it is asked itself each
        time."""
        await self.pull()
        paths = {one.path for one in self.registry.region.seen}
        self.assertEqual(paths, {"/v2/k8s-artifacts-prod/pause/manifests/v1"})
        self.assertEqual(len(self.registry.bucket.seen), 2)
        self.assertEqual(len(self.registry.front.seen), 3)

    async def test_signatures(self) -> None:
        """Tags of cosign's lie on another host than the manifests."""
        tag = Tag(f"sha256-{self.image.digest.hex}.sig")
        self.registry.put(tag.name, self.image.media_type, self.image.manifest)
        found = await self.proxy.manifest(self.name, tag)
        self.assertEqual(found.body, self.image.manifest)
        self.assertEqual(len(self.registry.central.seen), 1)
        self.assertEqual(self.registry.region.seen, [])

    async def test_no_catalogue(self) -> None:
        """The images of a proxy are its copies: the upstream's catalogue is not asked,
        and there is none."""
        await self.pull()
        found = await self.proxy.images(Page())
        self.assertEqual(found.names, ("pause",))
        paths = [one.path for one in self.registry.front.seen]
        self.assertNotIn("/v2/_catalog", paths)


class GcrTests(Everything):
    """gcr.io."""

    personality = public.Gcr
    registry: public.Gcr

    async def test_a_401_without_a_challenge(self) -> None:
        """Then ``/v2/`` is asked once for it, without credentials; with the token all
        else goes by itself."""
        await self.pull()
        pings = [one for one in self.registry.front.seen if one.path == "/v2/"]
        self.assertEqual([one.authorization for one in pings], [""])
        self.assertEqual(len(self.registry.realm.asked), 1)

    async def test_when_the_ping_tells_nothing(self) -> None:
        """Served to everybody: the 401 stands, as a miss that is not remembered;
        failing or limited: an outage, and no miss."""
        self.registry.ping_status = 200
        missed = await self.misses(self.proxy.manifest(self.name, V1))
        self.assertFalse(missed.certain)
        self.registry.ping_status = 503
        with self.assertRaises(UpstreamOutage):
            await self.proxy.manifest(self.name, V1)
        self.registry.ping_status = 429
        with self.assertRaises(UpstreamLimited):
            await self.proxy.manifest(self.name, V1)

    async def test_many_at_once(self) -> None:
        """Ten requests that get a bare 401 together cost one ping and one token."""
        asking = [
            Deferred.fromCoroutine(self.proxy.manifest(self.name, reference))
            for reference in (V1, self.image.digest)
        ]
        asking += [
            Deferred.fromCoroutine(self.proxy.tags(self.name, Page())) for _ in range(8)
        ]
        await gatherResults(asking)
        pings = [one for one in self.registry.front.seen if one.path == "/v2/"]
        self.assertLessEqual(len(pings), 2)
        self.assertLessEqual(len(self.registry.realm.asked), 2)

    async def test_a_key_as_the_password(self) -> None:
        """JSON of several lines goes through Basic as it is."""
        await self.pull()
        (asked,) = self.registry.realm.asked
        self.assertEqual(asked["account"], ["_json_key"])


class GhcrTests(Everything):
    """ghcr.io."""

    personality = public.Ghcr
    registry: public.Ghcr

    async def test_the_odd_artifact_type(self) -> None:
        """cosign writes the type of the empty config into the fallback tag; what the
        artifact itself says is listed, else a filter would find none."""
        artifact = artifact_of(
            self.image, "application/vnd.dev.sigstore.bundle.v0.3+json"
        )
        self.registry.attach(self.image.digest, artifact, mediatypes.EMPTY)
        found = await self.proxy.referrers(self.name, self.image.digest)
        (record,) = found.records
        self.assertEqual(record.descriptor.digest, artifact.digest)
        self.assertEqual(
            record.artifact_type, "application/vnd.dev.sigstore.bundle.v0.3+json"
        )
        asked = [path.rpartition("/")[2] for path in self.asked("GET")]
        self.assertIn(f"sha256-{self.image.digest.hex}", asked)

    async def test_artifacts_that_are_not_there(self) -> None:
        """They are listed as the tag has them; at most twenty are looked at."""
        entries = [
            {
                "mediaType": mediatypes.OCI_MANIFEST,
                "digest": str(Digest.of(b"%d" % number)),
                "size": 9,
                "artifactType": mediatypes.EMPTY,
            }
            for number in range(25)
        ]
        tag = f"sha256-{self.image.digest.hex}"
        self.registry.put(tag, mediatypes.OCI_INDEX, self.registry.index(*entries))
        found = await self.proxy.referrers(self.name, self.image.digest)
        types = [one.artifact_type for one in found.records]
        self.assertEqual(types, [mediatypes.EMPTY] * 25)
        # The API and the tag have been asked, the API twice for want of a token.
        self.assertEqual(len(self.asked("GET")), 3 + 20)

    async def test_an_index(self) -> None:
        """It is sent only to whoever accepts it."""
        entry = {
            "mediaType": self.image.media_type,
            "digest": str(self.image.digest),
            "size": len(self.image.manifest),
        }
        body = self.registry.index(entry)
        self.registry.put("multi", mediatypes.OCI_INDEX, body)
        found = await self.proxy.manifest(self.name, Tag("multi"))
        self.assertEqual(found.descriptor.media_type, mediatypes.OCI_INDEX)


class QuayTests(Everything):
    """quay.io."""

    personality = public.Quay
    registry: public.Quay

    async def test_signed_redirects_are_good_once(self) -> None:
        """A body that breaks off is asked for again at quay.io, not at the CDN."""
        await self.proxy.manifest(self.name, V1)
        self.registry.cut = 100_000
        blob = await self.proxy.blob(self.name, Digest.of(LAYER))
        self.assertEqual(await whole(blob), LAYER)
        signatures = [one.query for one in self.registry.cdn.seen]
        self.assertEqual(signatures, ["signature=1", "signature=2"])

    async def test_nothing_but_pull(self) -> None:
        """The realm refuses a scope with more."""
        await self.pull()
        scopes = [asked["scope"] for asked in self.registry.realm.asked]
        self.assertEqual(scopes, [["repository:org/app:pull"]])

    async def test_referrers_by_the_api(self) -> None:
        """No fallback tag is asked for."""
        await self.proxy.referrers(self.name, self.image.digest)
        self.assertTrue(all("/referrers/" in path for path in self.asked("GET")))


class RedHatTests(Everything):
    """registry.redhat.io."""

    personality = public.RedHat


# A case to derive from, not to run.
del Everything
