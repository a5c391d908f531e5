"""Upload sessions into which nothing has come: known in memory, as far as that goes."""

from pullthrough.errors import Miss
from pullthrough.interfaces import IUpload
from pullthrough.repository import uploads
from pullthrough.spec.digest import Digest
from tests.repository.test_hosted import APP, HostedCase


class FreshSessionTests(HostedCase):
    """Begun by POST, not yet written to."""

    def begin(self, principal: str = "alice") -> str:
        """As a POST does; the session rests."""
        upload = self.now(self.hosted.begin_upload(APP, principal))
        self.assertEqual(self.now(upload.checkpoint()), 0)
        return upload.identifier

    def open(self, identifier: str) -> IUpload:
        """As the next request does."""
        return self.now(self.hosted.upload(APP, identifier, "alice"))

    def recorded(self, identifier: str) -> bool:
        """Whether it is in the metadata store, and so outlives a crash."""
        return self.now(self.house.metadata.upload(identifier)) is not None

    def test_the_first_byte_records_it(self) -> None:
        """Nothing is written down before, and then what is durable."""
        identifier = self.begin()
        self.assertFalse(self.recorded(identifier))
        self.now(self.open(identifier).checkpoint())
        self.assertFalse(self.recorded(identifier))
        again = self.open(identifier)
        again.write(b"some")
        self.assertEqual(self.now(again.checkpoint()), 4)
        record = self.now(self.house.metadata.upload(identifier))
        assert record is not None
        self.assertEqual(record.offset, 4)

    def test_in_one_piece_it_is_never_recorded(self) -> None:
        """And nothing is left of it afterwards."""
        upload = self.open(self.begin())
        upload.write(b"all of it")
        self.now(upload.commit(Digest.of(b"all of it")))
        self.assertFalse(self.recorded(upload.identifier))
        self.fails(self.hosted.upload(APP, upload.identifier, "alice"), Miss)
        self.assertEqual(self.house.store.open_ingests, frozenset())
        size, _ = self.now(self.hosted.blob_size(APP, Digest.of(b"all of it")))
        self.assertEqual(size, 9)

    def test_it_stands_at_nothing(self) -> None:
        """Also while a request has it open, and only for its owner."""
        identifier = self.begin()
        for opened in (False, True):
            if opened:
                self.open(identifier)
            self.assertEqual(
                self.now(self.hosted.upload_offset(APP, identifier, "alice")), 0
            )
            self.fails(self.hosted.upload_offset(APP, identifier, "bob"), Miss)

    def test_too_many_are_recorded(self) -> None:
        """What memory has no room for goes on as any other session."""
        fresh = [self.begin(f"user {number}") for number in range(uploads.FRESH)]
        self.assertFalse(self.recorded(fresh[-1]))
        identifiers = [self.begin() for _ in range(2)]
        for identifier in identifiers:
            self.assertTrue(self.recorded(identifier))
            upload = self.open(identifier)
            upload.write(b"x")
            self.now(upload.commit(Digest.of(b"x")))
            self.assertFalse(self.recorded(identifier))

    def test_an_orderly_end_records_them(self) -> None:
        """After it they go on, with nothing but their record."""
        identifier = self.begin()
        self.now(self.house.uploads.close())
        self.assertTrue(self.recorded(identifier))
        self.now(self.house.store.discard(identifier))  # as the sweep at a start
        upload = self.open(identifier)
        upload.write(b"x")
        self.now(upload.checkpoint())
        self.now(self.open(identifier).commit(Digest.of(b"x")))

    def test_they_expire(self) -> None:
        """After an hour; a request that looks in extends that."""
        old, touched = self.begin(), self.begin()
        self.house.clock.advance(uploads.IDLE - 1)
        self.now(self.open(touched).checkpoint())
        self.house.clock.advance(2)
        self.fails(self.hosted.upload(APP, old, "alice"), Miss)
        self.assertEqual(self.now(self.house.uploads.sweep()), 1)
        self.assertEqual(self.house.store.open_ingests, {touched})
        self.now(self.open(touched).cancel())
        self.assertEqual(self.house.store.open_ingests, frozenset())
        self.fails(self.hosted.upload(APP, touched, "alice"), Miss)
