"""How many upload sessions somebody may have open."""

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.allowance import PATIENCE
from pullthrough.errors import Miss, StorageOutage, Throttled
from pullthrough.interfaces import IUpload
from pullthrough.repository.sessions import FORSAKEN, PER_IMAGE
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from tests.support.house import House

APP, OTHER = ImageName("team/app"), ImageName("team/other")


class SessionTests(SynchronousTestCase):
    """Sixteen of one user for one image."""

    def setUp(self) -> None:
        self.house = House()
        self.hosted = self.house.hosted()

    def ask(self, work: Awaitable[Any]) -> "Deferred[Any]":
        """Begin some work."""
        return Deferred.fromCoroutine(work)  # type: ignore[arg-type]

    def now(self, work: Awaitable[Any]) -> Any:
        """The result of work that waits for nothing."""
        return self.successResultOf(self.ask(work))

    def begin(self, user: str = "alice", image: ImageName = APP) -> IUpload:
        """A new session, which a request has open."""
        made: IUpload = self.now(self.hosted.begin_upload(image, user))
        return made

    def full(self) -> list[IUpload]:
        """All that one may have, each open."""
        return [self.begin() for _ in range(PER_IMAGE)]

    def test_one_more(self) -> None:
        """It waits for half a minute and is refused; other users and images are not
        held up."""
        self.assertEqual(PER_IMAGE, 16)
        self.full()
        more = self.ask(self.hosted.begin_upload(APP, "alice"))
        self.begin("bob")
        self.begin(image=OTHER)
        self.assertNoResult(more)
        self.house.clock.advance(PATIENCE)
        self.failureResultOf(more, Throttled)
        self.assertEqual(self.house.sessions.refused, 1)

    def test_every_end_makes_room(self) -> None:
        """Committed, cancelled, with a wrong digest, expired."""
        first, second, third, *others = self.full()

        def waits() -> "Deferred[Any]":
            more = self.ask(self.hosted.begin_upload(APP, "alice"))
            self.assertNoResult(more)
            return more

        more = waits()
        first.write(b"x")
        self.now(first.commit(Digest.of(b"x")))
        self.successResultOf(more)
        more = waits()
        self.now(second.cancel())
        self.successResultOf(more)
        more = waits()
        self.failureResultOf(self.ask(third.commit(Digest.of(b"x"))))
        self.successResultOf(more)
        for upload in others:
            upload.write(b"y")
            self.now(upload.checkpoint())
        self.house.clock.advance(3601)
        self.assertEqual(self.now(self.house.uploads.sweep()), len(others))
        self.assertEqual(self.house.sessions.count, 3)

    def test_a_store_that_fails(self) -> None:
        """What never began counts for nothing."""

        async def fails(*_: object) -> None:
            raise StorageOutage("full")

        opened, self.house.store.ingest = self.house.store.ingest, fails
        for _ in range(PER_IMAGE + 1):
            begun = self.ask(self.hosted.begin_upload(APP, "alice"))
            self.failureResultOf(begun, StorageOutage)
        self.house.store.ingest = opened
        self.assertEqual(self.house.sessions.count, 0)

    def test_what_is_forsaken(self) -> None:
        """The one that has rested longest, for five minutes, makes room at once; one
        that a request has open never does."""
        open_long, *others = self.full()
        rested = others[:2]
        for upload in rested:
            upload.write(b"x")
            self.now(upload.checkpoint())
        again = self.now(self.hosted.upload(APP, rested[0].identifier, "alice"))
        self.house.clock.advance(FORSAKEN)
        self.now(again.checkpoint())
        self.begin()
        gone = self.ask(self.hosted.upload(APP, rested[1].identifier, "alice"))
        self.failureResultOf(gone, Miss)
        self.now(self.hosted.upload(APP, rested[0].identifier, "alice"))
        self.now(open_long.checkpoint())
        more = self.ask(self.hosted.begin_upload(APP, "alice"))
        self.assertNoResult(more)
        self.now(others[-1].cancel())
        self.successResultOf(more)

    def test_after_a_restart(self) -> None:
        """Those that the daemon finds are resumed, and not counted."""
        upload = self.begin()
        upload.write(b"x")
        self.now(upload.checkpoint())
        self.now(self.house.uploads.close())
        number = self.house.uploads._repository
        del self.house.uploads._sessions._owners[upload.identifier]
        again = self.now(self.hosted.upload(APP, upload.identifier, "alice"))
        self.now(again.checkpoint())
        again = self.now(self.hosted.upload(APP, upload.identifier, "alice"))
        self.now(again.cancel())
        self.house.sessions.give_back((number, APP, "alice"))
        self.assertEqual(self.house.sessions.count, 0)
