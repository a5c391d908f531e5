"""What refers to a manifest of an upstream."""

import json
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.errors import (
    Miss,
    Outage,
    Refused,
    UpstreamBlocked,
    UpstreamOutage,
)
from pullthrough.interfaces import IReferrers
from pullthrough.repository.group import GroupRepository
from pullthrough.spec.descriptor import Descriptor
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.mediatypes import OCI_INDEX, OCI_MANIFEST
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.reference import fallback_tag
from pullthrough.values import ENOUGH, ManifestRecord, Referrers, Wanted
from tests.support.house import House
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream

APP = ImageName("team/app")
SUBJECT = Digest.of(b"subject")
SBOM, SIGNATURE = Digest.of(b"sbom"), Digest.of(b"signature")
DAY = 86400.0


def record(digest: Digest) -> ManifestRecord:
    """One referrer."""
    return ManifestRecord(
        Descriptor(OCI_MANIFEST, digest, 5),
        artifact_type="application/x",
        annotations='{"k":"v"}',
    )


class ReferrersCase(SynchronousTestCase):
    """A proxy; its upstream has the API, with one referrer."""

    def setUp(self) -> None:
        self.house = House()
        self.upstream = ScriptedUpstream()
        self.upstream.referring = [record(SBOM)]
        self.proxy = self.house.proxy(self.upstream)

    def begin(self, repository: Any = None) -> "Deferred[Referrers]":
        """Ask for the list."""
        asked = repository or self.proxy
        return Deferred.fromCoroutine(asked.referrers(APP, SUBJECT))

    def found(self, repository: Any = None) -> tuple[list[Digest], str]:
        """The digests that are listed, and the warning."""
        listed = self.successResultOf(self.begin(repository))
        return [one.descriptor.digest for one in listed.records], listed.warning

    def tag(self, body: bytes, media_type: str = OCI_INDEX) -> None:
        """The upstream has a fallback tag, and no API."""
        self.upstream.referring = None
        self.upstream.add("team/app", fallback_tag(SUBJECT).name, media_type, body)

    def index(self, *digests: Digest) -> bytes:
        """An index as clients push it under the fallback tag."""
        listed: Sequence[dict[str, Any]] = [
            {
                "mediaType": OCI_MANIFEST,
                "digest": str(one),
                "size": 5,
                "artifactType": "a/b",
            }
            for one in digests
        ]
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
        return json.dumps(document).encode()


class ProxiedTests(ReferrersCase):
    """One proxy."""

    def test_the_api(self) -> None:
        """What it lists, whole: type, artifact type, annotations."""
        self.assertTrue(verifyObject(IReferrers, self.proxy))
        listed = self.successResultOf(self.begin())
        self.assertEqual(listed, Referrers((record(SBOM),)))

    def test_fresh(self) -> None:
        """It is kept as long as a tag is; then a new one comes."""
        self.found()
        self.upstream.referring = [record(SBOM), record(SIGNATURE)]
        self.house.clock.advance(3200)
        self.assertEqual(self.found(), ([SBOM], ""))
        self.assertEqual(self.upstream.asked["referrers"], 1)
        self.house.clock.advance(401)
        self.assertEqual(self.found(), (sorted([SBOM, SIGNATURE]), ""))
        self.assertEqual(self.upstream.asked["referrers"], 2)

    def test_none_is_kept_as_well(self) -> None:
        """An answered "none" is an answer."""
        self.upstream.referring = []
        for _ in range(2):
            self.assertEqual(self.found(), ([], ""))
        self.assertEqual(self.upstream.asked["referrers"], 1)

    def test_the_fallback_tag(self) -> None:
        """Without the API the tag tells; what it lists is kept likewise."""
        self.tag(self.index(SIGNATURE, SBOM))
        for _ in range(2):
            digests, warning = self.found()
            self.assertEqual((set(digests), warning), ({SBOM, SIGNATURE}, ""))
        self.assertEqual(self.upstream.asked["manifest"], 1)

    def test_neither(self) -> None:
        """No API and no tag: there are none."""
        self.upstream.referring = None
        self.assertEqual(self.found(), ([], ""))

    def test_a_tag_that_is_no_index(self) -> None:
        """It lists none."""
        image = make_image(b"x")
        self.tag(image.manifest, image.media_type)
        self.assertEqual(self.found(), ([], ""))

    def test_a_tag_with_junk(self) -> None:
        """That is an outage, never "none"."""
        for body in (b"{}", b'{"manifests": 5}', b'{"manifests": [{}]}', b"<html>"):
            self.setUp()
            self.tag(body)
            self.failureResultOf(self.begin(), UpstreamOutage)

    def test_unknown_is_never_none(self) -> None:
        """An upstream that fails, denies, or wants other credentials for the tag: no
        list, and nothing is kept of it."""
        unsure = Miss(ErrorCode.MANIFEST_UNKNOWN, "401", certain=False)
        for failure, error in (
            (UpstreamOutage("down"), Outage),
            (UpstreamBlocked("by hand", by_hand=True), Outage),
            (Refused(ErrorCode.DENIED, "403"), Miss),
            (unsure, Miss),
        ):
            self.upstream.failure = failure
            self.failureResultOf(self.begin(), error)
        self.upstream.failure = None
        self.assertEqual(self.found(), ([SBOM], ""))

    def test_an_unsure_tag(self) -> None:
        """No API, and the tag asked in vain: a 401 is no proof that there are none."""

        class Unsure(ScriptedUpstream):
            async def manifest(self, image: Any, reference: Any) -> Any:
                raise Miss(ErrorCode.MANIFEST_UNKNOWN, "401", certain=False)

        self.upstream.__class__ = Unsure
        self.upstream.referring = None
        self.failureResultOf(self.begin(), Miss)

    def test_stale_with_a_warning(self) -> None:
        """While the upstream cannot tell the old list is served, up to its age; by hand
        there is none."""
        self.found()
        for failure in (
            UpstreamOutage("down"),
            Refused(ErrorCode.DENIED, "403"),
            Miss(ErrorCode.MANIFEST_UNKNOWN, "401", certain=False),
        ):
            self.upstream.failure = failure
            self.house.clock.rightNow = 1_000_000 + 7 * DAY
            digests, warning = self.found()
            self.assertEqual(digests, [SBOM])
            self.assertIn("hub serves its list of referrers", warning)
            self.assertIn(failure.detail, warning)
            self.house.clock.advance(1)
            self.failureResultOf(self.begin())
        self.upstream.failure = UpstreamBlocked("blocked = yes", by_hand=True)
        self.house.clock.advance(1000 * DAY)
        digests, warning = self.found()
        self.assertEqual(digests, [SBOM])
        self.assertIn("blocked = yes", warning)

    def test_together(self) -> None:
        """Ten questions at once are one."""
        waiting: Deferred[None] = Deferred()

        class Slow(ScriptedUpstream):
            async def referrers(self, image: Any, subject: Any) -> Any:
                self._ask("referrers")
                await waiting
                return self.referring

        self.upstream.__class__ = Slow
        asking = [self.begin() for _ in range(10)]
        waiting.callback(None)
        for one in asking:
            self.assertEqual(self.successResultOf(one).records, (record(SBOM),))
        self.assertEqual(self.upstream.asked["referrers"], 1)


class GroupTests(ReferrersCase):
    """Several members."""

    def setUp(self) -> None:
        super().setUp()
        self.hosted = self.house.hosted()
        self.other = ScriptedUpstream()
        self.other.referring = [record(SIGNATURE), record(SBOM)]
        second = self.house.proxy(self.other, name="second")
        self.group = GroupRepository("all", [self.hosted, self.proxy, second])

    def test_all_of_them(self) -> None:
        """Each once, sorted by digest."""
        self.assertTrue(verifyObject(IReferrers, self.group))
        expected = sorted([SBOM, SIGNATURE])
        self.assertEqual(self.found(self.group), (expected, ""))

    def test_pages(self) -> None:
        """However they are cut, one page after the other lists each of them once; no
        page lists what follows where a member's own page was cut."""
        records = [record(Digest.of(bytes([number]))) for number in range(9)]
        self.upstream.referring = records[:6]
        self.other.referring = records[3:]
        expected = sorted(one.descriptor.digest for one in records)
        cost = records[0].cost
        for n, room in ((1, ENOUGH), (2, ENOUGH), (9, 4 * cost), (9, cost), (4, cost)):
            found: list[Digest] = []
            more = True
            while more:
                last = str(found[-1]) if found else ""
                wanted = Wanted(Page(n, last), "application/x", room)
                coroutine = self.group.referrers(APP, SUBJECT, wanted)
                page = self.successResultOf(Deferred.fromCoroutine(coroutine))
                more = page.more
                self.assertTrue(page.records)
                self.assertLessEqual(len(page.records), min(n, room // cost))
                found += [one.descriptor.digest for one in page.records]
            self.assertEqual(found, expected)
        self.other.failure = UpstreamOutage("second is down")
        self.house.clock.advance(100 * DAY)
        small = self.group.referrers(APP, SUBJECT, Wanted(room=cost - 1))
        page = self.successResultOf(Deferred.fromCoroutine(small))
        self.assertEqual(page, Referrers((), "second is down", True))

    def test_one_that_cannot_tell(self) -> None:
        """The others' are listed, and the warning names it; a miss is passed over."""
        self.other.failure = UpstreamOutage("second is down")
        self.assertEqual(self.found(self.group), ([SBOM], "second is down"))
        self.other.failure = Miss(ErrorCode.NAME_UNKNOWN, "404")
        self.assertEqual(self.found(self.group), ([SBOM], ""))

    def test_stale_lists(self) -> None:
        """Their warnings are handed on."""
        self.found(self.group)
        self.house.clock.advance(3601)
        for upstream, why in ((self.upstream, "one down"), (self.other, "two down")):
            upstream.failure = UpstreamOutage(why)
        digests, warning = self.found(self.group)
        self.assertEqual(len(digests), 2)
        self.assertIn("one down; second serves", warning)

    def test_nobody_knows_any(self) -> None:
        """If one could not tell, that is no proof: an outage. Else there are none."""
        self.upstream.referring = self.other.referring = ()
        self.assertEqual(self.found(self.group), ([], ""))
        self.house.clock.advance(100 * DAY)
        self.other.failure = UpstreamOutage("down")
        self.failureResultOf(self.begin(self.group), UpstreamOutage)

    def test_members_without_the_list(self) -> None:
        """They are passed over."""

        class Plain:
            name, kind = "plain", "proxy"

            async def owns(self, image: ImageName) -> bool:
                return False

        group = GroupRepository("all", [Plain(), self.proxy])  # type: ignore[list-item]
        self.assertEqual(self.found(group), ([SBOM], ""))
