"""The registries that people rent or run, as in ``test_personalities``."""

from pullthrough.errors import UpstreamOutage
from pullthrough.spec import mediatypes
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from tests.support.personalities import ours, private
from tests.support.personalities.case import (
    LAYER,
    SBOM,
    V1,
    Everything,
    PersonalityCase,
)


class EcrTests(Everything):
    """Amazon ECR."""

    personality = private.Ecr
    registry: private.Ecr

    async def test_long_redirects(self) -> None:
        """Two kilobytes of signature arrive as they were sent."""
        await self.pull()
        (query, _) = [one.query for one in self.registry.bucket.seen]
        self.assertGreater(len(query), 1600)
        self.assertIn("IQoJb3JpZ2luX2Vj%2BIQoJ", query)

    async def test_an_expired_token(self) -> None:
        """403 is no miss to remember; copies are served with a warning."""
        await self.pull()
        self.registry.expired = True
        found = await self.proxy.manifest(self.name, V1)
        self.assertEqual(found.provenance.source, Source.STALE)
        self.assertIn("403", found.provenance.warning)
        missed = await self.misses(self.proxy.manifest(self.name, Tag("v2")))
        self.assertFalse(missed.certain)
        await self.misses(self.proxy.referrers(self.name, self.image.digest))


class AcrTests(Everything):
    """Azure."""

    personality = private.Acr
    registry: private.Acr

    async def test_a_refresh_token(self) -> None:
        """It is the password of the nil user; the answer has ``access_token`` only."""
        await self.pull()
        (asked,) = self.registry.realm.asked
        self.assertEqual(asked["service"], ["team.azurecr.io"])
        self.assertEqual(asked["account"], [self.registry.login.username])


class HarborTests(Everything):
    """Harbor as a proxy of its own."""

    personality = private.Harbor
    registry: private.Harbor

    async def test_head_of_a_blob_that_it_has_not_cached(self) -> None:
        """404, though GET works: a blob that a manifest names is asked by GET; one
        that nothing names is a miss."""
        digest = Digest.of(LAYER)
        other = await self.misses(self.proxy.blob_size(self.name, Digest.of(b"{}")))
        self.assertTrue(other.certain)
        await self.proxy.manifest(self.name, V1)
        self.registry.forget()
        size, _ = await self.proxy.blob_size(self.name, digest)
        self.assertEqual(size, len(LAYER))
        asked = [method for method, _ in self.registry.asked]
        self.assertEqual(asked, ["HEAD", "GET"])


class Distribution2Tests(Everything):
    """distribution 2.8, with tokens."""

    personality = private.Distribution2
    registry: private.Distribution2

    async def test_content_types(self) -> None:
        """Parameters of a media type are not passed on."""
        found = await self.proxy.resolve(self.name, V1)
        self.assertEqual(found.descriptor.media_type, self.image.media_type)

    async def test_an_image_without_tags(self) -> None:
        """``null`` for the list: an empty one."""
        empty = ImageName("team/empty")
        self.registry.manifests["team/empty", str(self.image.digest)] = ("", b"")
        found = await self.proxy.tags(empty, Page())
        self.assertEqual(found.names, ())


class BasicDistributionTests(PersonalityCase):
    """distribution 2.8, with an htpasswd file."""

    personality = private.Distribution2
    registry: private.Distribution2

    async def test_basic(self) -> None:
        """The password goes to the registry, and no realm is asked; then a miss is
        plain."""
        self.registry.basic = True
        await self.pull()
        self.assertEqual(self.registry.auth.seen, [])
        missed = await self.misses(self.proxy.manifest(ImageName("team/none"), V1))
        self.assertTrue(missed.certain)


class Distribution3Tests(Everything):
    """distribution 3."""

    personality = private.Distribution3


class GitLabTests(Everything):
    """registry.gitlab.com."""

    personality = private.GitLab
    registry: private.GitLab

    async def test_the_fallback_tag_of_an_index(self) -> None:
        """It is the index itself, whose platforms are no referrers."""
        entry = {
            "mediaType": self.image.media_type,
            "digest": str(self.image.digest),
            "size": len(self.image.manifest),
        }
        subject = self.registry.put(
            "multi", mediatypes.OCI_INDEX, self.registry.index(entry)
        )
        found = await self.proxy.referrers(self.name, subject)
        self.assertEqual(found.records, ())


class PullthroughTests(Everything):
    """Another pullthrough, by tokens."""

    personality = ours.Pullthrough


class ForcedBasicTests(Everything):
    """Another pullthrough, by Basic only."""

    personality = ours.ForcedBasic


class ArtifactoryTests(Everything):
    """Other ways to have no API of referrers."""

    personality = private.Artifactory
    registry: private.Artifactory

    async def test_by_status_or_page(self) -> None:
        """406, 400, 405, 501, or a page for everything: the fallback tag is asked."""
        self.registry.attach(self.image.digest, self.artifact, SBOM)
        for self.registry.says in (406, 400, 405, 501, 200):
            proxy = self.proxy_of(self.registry.login)  # one without a list
            found = await proxy.referrers(self.name, self.image.digest)
            (record,) = found.records
            self.assertEqual(record.descriptor.digest, self.artifact.digest)

    async def test_not_knowing_is_not_none(self) -> None:
        """A registry that denies or fails has not said that there are none."""
        self.registry.says = 403
        missed = await self.misses(self.proxy.referrers(self.name, self.image.digest))
        self.assertFalse(missed.certain)
        self.registry.says = 500
        with self.assertRaises(UpstreamOutage):
            await self.proxy.referrers(self.name, self.image.digest)


# Cases to derive from, not to run.
del Everything, PersonalityCase
