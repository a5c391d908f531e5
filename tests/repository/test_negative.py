"""What an upstream has plainly said that it does not have."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import Miss
from pullthrough.repository import negative
from pullthrough.repository.negative import Key, KnownMisses
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode
from pullthrough.spec.names import ImageName
from pullthrough.spec.reference import Tag

APP = ImageName("team/app")
KEY: Key = (APP, Tag("v1"))
MISS = Miss(ErrorCode.MANIFEST_UNKNOWN, "the upstream does not have it")


class KnownMissesTests(SynchronousTestCase):
    """Misses that are remembered."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.misses = KnownMisses(600.0, self.clock.seconds)

    def test_for_a_while(self) -> None:
        """A miss is known until its time is over; it says that it is remembered."""
        self.assertIsNone(self.misses.get(KEY))
        self.misses.note(KEY, MISS)
        self.clock.advance(599)
        known = self.misses.get(KEY)
        assert known is not None
        self.assertEqual(known.code, MISS.code)
        self.assertEqual(known.detail, f"{MISS.detail} (known for a while)")
        self.clock.advance(1)
        self.assertIsNone(self.misses.get(KEY))

    def test_keys(self) -> None:
        """An image and a reference; no other tag, image or digest is meant."""
        self.misses.note(KEY, MISS)
        for key in (
            (APP, Tag("v2")),
            (ImageName("team/app2"), Tag("v1")),
            (APP, Digest.of(b"v1")),
        ):
            self.assertIsNone(self.misses.get(key))

    def test_only_certain_ones(self) -> None:
        """A 401, or a 404 that is no registry's, is not remembered (I15)."""
        self.misses.note(KEY, Miss(MISS.code, "401", certain=False))
        self.assertIsNone(self.misses.get(KEY))

    def test_cleared(self) -> None:
        """What is there now is no miss any more; that may be said twice."""
        self.misses.note(KEY, MISS)
        self.misses.clear(KEY)
        self.misses.clear(KEY)
        self.assertIsNone(self.misses.get(KEY))

    def test_switched_off(self) -> None:
        """A time of 0 remembers nothing."""
        misses = KnownMisses(0.0, self.clock.seconds)
        misses.note(KEY, MISS)
        self.assertIsNone(misses.get(KEY))

    def test_they_are_bounded(self) -> None:
        """The oldest go first; one that was noted again is young."""
        keys = [(APP, Tag(f"v{number}")) for number in range(negative.MOST)]
        for key in keys:
            self.misses.note(key, MISS)
        self.misses.note(keys[0], MISS)
        self.misses.note((APP, Tag("one-more")), MISS)
        self.assertIsNotNone(self.misses.get(keys[0]))
        self.assertIsNone(self.misses.get(keys[1]))
        self.assertIsNotNone(self.misses.get(keys[2]))
