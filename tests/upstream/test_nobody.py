"""An upstream that is not to be asked."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.errors import UpstreamBlocked
from pullthrough.interfaces import IUpstream
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.pages import Page
from pullthrough.spec.reference import Tag
from pullthrough.upstream.nobody import NobodyUpstream

APP = ImageName("team/app")
DIGEST = Digest.of(b"x")


class NobodyTests(SynchronousTestCase):
    """blocked = yes, and [http] offline = yes."""

    def test_everything_is_refused(self) -> None:
        """As an outage that was wanted, so that copies of any age are served."""
        nobody = NobodyUpstream("hub asks nobody: blocked = yes")
        self.assertTrue(verifyObject(IUpstream, nobody))
        for asking in (
            nobody.head(APP, Tag("v1")),
            nobody.manifest(APP, DIGEST),
            nobody.blob(APP, DIGEST, 5),
            nobody.blob_size(APP, DIGEST),
            nobody.tags(APP, Page()),
            nobody.referrers(APP, DIGEST),
        ):
            failure = self.failureResultOf(
                Deferred.fromCoroutine(asking),  # type: ignore[arg-type]
                UpstreamBlocked,
            )
            self.assertTrue(failure.value.by_hand)
            self.assertIsNone(failure.value.retry_after)
            self.assertEqual(failure.value.detail, "hub asks nobody: blocked = yes")
