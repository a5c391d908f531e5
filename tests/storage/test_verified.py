"""Content that has rotted: found when it is read, and never given out whole."""

import errno
import os
import tempfile
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from pullthrough.errors import Miss, Rotten, StorageOutage
from pullthrough.interfaces import IContent
from pullthrough.repository.manifests import LONGEST_WHOLE
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from pullthrough.storage import verified
from pullthrough.storage.files import Files
from pullthrough.storage.filesystem import FilesystemBlobStore
from pullthrough.storage.memory import MemoryContent
from pullthrough.storage.verified import HELD_BACK, PERIOD, Verdicts, VerifiedContent
from pullthrough.threads import Inline
from tests.repository.test_proxy import whole
from tests.support.house import House
from tests.support.images import make_image
from tests.support.upstream import ScriptedUpstream

T = TypeVar("T")

APP, V1 = ImageName("team/app"), Tag("v1")
SMALL = b"a small layer"
LARGE = bytes(range(256)) * 1024  # 256 KiB


class Counting(Files):
    """Counts what is read; fails on request."""

    def __init__(self) -> None:
        self.read_bytes = 0
        self.broken = False

    def read(self, fd: int, length: int, offset: int) -> bytes:
        """Count it."""
        if self.broken:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        data = super().read(fd, length, offset)
        self.read_bytes += len(data)
        return data


class RotCase(SynchronousTestCase):
    """A store in a folder that was just started: it believes nothing yet."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name) / "blobs"
        self.clock = Clock()
        self.restart()

    def restart(self) -> None:
        """Forget what was verified."""
        self.files = Counting()
        self.store = FilesystemBlobStore(
            "disk", self.root, Inline(), self.files, self.clock.seconds
        )
        self.store.prepare()

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> "Deferred[T]":
        """Begin it."""
        return Deferred.fromCoroutine(coroutine)

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(self.begin(coroutine))

    def fails(self, coroutine: Any, error: type[Exception]) -> Any:
        """The error, which must be there at once."""
        return self.failureResultOf(self.begin(coroutine), error).value

    def put(self, content: bytes) -> Digest:
        """Commit content."""
        digest = Digest.of(content)
        ingest = self.now(self.store.ingest("k"))
        ingest.write(content)
        self.now(ingest.commit(digest))
        self.now(ingest.close())
        return digest

    def path(self, digest: Digest) -> Path:
        """The file of committed content."""
        return self.root / "content" / "sha256" / digest.hex[:2] / digest.hex

    def rot(self, digest: Digest, at: int = 5) -> None:
        """Flip one bit in its file."""
        path = self.path(digest)
        path.chmod(0o600)
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)


class StoreTests(RotCase):
    """The blob store in a folder."""

    def test_rot_is_found(self) -> None:
        """Wherever the bit is, however large it is: it is never read to its end. Then
        it is put aside, and not here."""
        for content in (SMALL, LARGE):
            for at in (0, len(content) // 2, len(content) - 1):
                digest = self.put(content)
                self.restart()
                self.rot(digest, at)
                opened = self.now(self.store.open(digest))
                error = self.fails(whole(opened), Rotten)
                self.assertIn(str(digest), error.detail)
                self.now(opened.close())
                self.assertIsNone(self.now(self.store.stat(digest)))
                self.fails(self.store.open(digest), Miss)
                self.assertEqual(self.store.rotten, 1)

    def test_what_is_put_aside_is_kept(self) -> None:
        """For people to look at; a good copy may come in its place."""
        digest = self.put(SMALL)
        self.restart()
        self.rot(digest)
        self.fails(whole(self.now(self.store.open(digest))), Rotten)
        aside = [path for path in self.root.rglob("*") if path.is_file()]
        self.assertEqual(len(aside), 1)
        self.assertIn(digest.hex, aside[0].name)
        self.put(SMALL)
        self.assertEqual(self.now(whole(self.now(self.store.open(digest)))), SMALL)

    def test_cut_short_or_longer(self) -> None:
        """That is rot as well."""
        for change in (lambda data: data[:-1], lambda data: data + b"!", lambda _: b""):
            digest = self.put(SMALL)
            self.restart()
            path = self.path(digest)
            path.chmod(0o600)
            path.write_bytes(change(SMALL))
            opened = self.now(self.store.open(digest))
            self.fails(opened.available(0), Rotten)

    def test_once_in_a_period(self) -> None:
        """Good content is read once to verify it, then believed for seven days; so is
        what was just committed."""
        digest = self.put(LARGE)
        self.assertEqual(self.read_to_verify(digest), 0)
        self.restart()
        self.assertEqual(self.read_to_verify(digest), len(LARGE))
        self.assertEqual(self.read_to_verify(digest), 0)
        self.clock.advance(PERIOD - 1)
        self.assertEqual(self.read_to_verify(digest), 0)
        self.clock.advance(1)
        self.assertEqual(self.read_to_verify(digest), len(LARGE))

    def read_to_verify(self, digest: Digest) -> int:
        """Bytes read besides those that were given out."""
        before = self.files.read_bytes
        self.assertTrue(self.now(whole(self.now(self.store.open(digest)))) == LARGE)
        return self.files.read_bytes - before - len(LARGE)

    def test_a_disk_that_cannot_read(self) -> None:
        """That is an outage, and no verdict: nothing is put aside."""
        digest = self.put(SMALL)
        self.restart()
        self.files.broken = True
        self.fails(self.now(self.store.open(digest)).available(0), StorageOutage)
        self.files.broken = False
        self.assertEqual(self.now(whole(self.now(self.store.open(digest)))), SMALL)

    def test_deleted_while_it_is_opened(self) -> None:
        """An outage for who reads it; no bug."""
        digest = self.put(SMALL)
        self.restart()
        opened = self.now(self.store.open(digest))
        self.now(self.store.delete(digest))
        error = self.fails(opened.available(0), StorageOutage)
        self.assertNotIsInstance(error, Rotten)
        self.assertEqual(self.flushLoggedErrors(), [])


class ContentTests(SynchronousTestCase):
    """Verified content, with a verification that the test holds."""

    def setUp(self) -> None:
        self.verifying: Deferred[None] = Deferred()
        self.looked = 0
        self.content = VerifiedContent(MemoryContent(LARGE), self.verify)

    async def verify(self) -> None:
        """Wait for the test."""
        self.looked += 1
        await self.verifying

    def available(self, offset: int) -> "Deferred[int]":
        """Ask how far it may be read."""
        return Deferred.fromCoroutine(self.content.available(offset))

    def test_the_tail_is_held_back(self) -> None:
        """Reading begins at once; the last 64 KiB come when all is verified."""
        self.assertTrue(verifyObject(IContent, self.content))
        self.assertEqual(self.looked, 0)
        head = len(LARGE) - HELD_BACK
        self.assertEqual(self.successResultOf(self.available(0)), head)
        self.assertEqual(self.successResultOf(self.available(head - 1)), head)
        waiting = [self.available(head), self.available(len(LARGE))]
        for one in waiting:
            self.assertNoResult(one)
        reading = Deferred.fromCoroutine(self.content.read(5, 3))
        self.assertEqual(self.successResultOf(reading), LARGE[5:8])
        self.verifying.callback(None)
        for one in (*waiting, self.available(0)):
            self.assertEqual(self.successResultOf(one), len(LARGE))
        self.assertEqual(self.looked, 1)
        self.assertIsNone(self.content.fileno())

    def test_a_bad_end(self) -> None:
        """Who waits for the tail gets the reason, and so does everybody later."""
        waiting = self.available(len(LARGE))
        self.verifying.errback(Rotten("it rotted"))
        self.failureResultOf(waiting, Rotten)
        for offset in (0, len(LARGE)):
            self.failureResultOf(self.available(offset), Rotten)

    def test_a_bug(self) -> None:
        """A fault of ours is an outage for readers, and is logged."""
        waiting = self.available(len(LARGE))
        self.verifying.errback(ZeroDivisionError())
        self.failureResultOf(waiting, StorageOutage)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def tearDown(self) -> None:
        closing = Deferred.fromCoroutine(self.content.close())
        self.successResultOf(closing)


class VerdictsTests(SynchronousTestCase):
    """What has been verified lately."""

    def test_bounded(self) -> None:
        """The oldest are forgotten first; what is forgotten twice is no error."""
        clock = Clock()
        verdicts = Verdicts(clock.seconds)
        digests = [
            Digest("sha256", f"{number:064x}") for number in range(verified.MOST)
        ]
        for digest in digests:
            verdicts.note(digest)
        verdicts.note(digests[0])
        verdicts.note(Digest.of(b"x"))
        self.assertTrue(verdicts.good(digests[0]))
        self.assertFalse(verdicts.good(digests[1]))
        for _ in range(2):
            verdicts.forget(digests[2])
        self.assertFalse(verdicts.good(digests[2]))


class RepositoryTests(RotCase):
    """What the repositories make of it."""

    def setUp(self) -> None:
        super().setUp()
        self.house = House()
        self.use()
        self.image = make_image(SMALL, LARGE)

    def use(self) -> None:
        """The house's store is that of the folder."""
        self.house.store = self.store  # type: ignore[assignment]

    def proxied(self) -> Any:
        """A proxy that has fetched the image, after a restart."""
        self.upstream = ScriptedUpstream()
        self.upstream.add("team/app", "v1", self.image.media_type, self.image.manifest)
        for content in self.image.blobs.values():
            self.upstream.add_blob("team/app", content)
        proxy = self.house.proxy(self.upstream)
        self.now(proxy.manifest(APP, V1))
        for digest in self.image.blobs:
            self.now(whole(self.now(proxy.blob(APP, digest))))
        self.restart()
        self.upstream.asked.clear()
        return proxy

    def rotten(self, digest: Digest) -> None:
        """It rots, and was last verified long ago."""
        self.rot(digest)
        self.house.store._verdicts.forget(digest)  # type: ignore[attr-defined]

    def test_a_proxy_heals(self) -> None:
        """Rot that is seen at once is fetched again for the one who asks; the bytes are
        then right, also on the disk."""
        proxy = self.proxied()
        for content in (SMALL, LARGE):
            digest = Digest.of(content)
            self.rotten(digest)
            blob = self.now(proxy.blob(APP, digest))
            self.assertEqual(blob.provenance.source, Source.MISS)
            self.assertTrue(self.now(whole(blob)) == content)
            blob = self.now(proxy.blob(APP, digest))
            self.assertEqual(blob.provenance.source, Source.HIT)
            self.assertTrue(self.now(whole(blob)) == content)
            self.assertTrue(self.path(digest).read_bytes() == content)
        self.assertEqual(self.upstream.asked["blob"], 2)

    def test_another_size_is_seen_at_once(self) -> None:
        """Also of a large blob: no byte of it is given out."""
        proxy = self.proxied()
        large = Digest.of(LARGE)
        self.path(large).chmod(0o600)
        self.path(large).write_bytes(LARGE[:-1])
        self.assertTrue(self.now(whole(self.now(proxy.blob(APP, large)))) == LARGE)

    def test_a_proxys_manifest(self) -> None:
        """It is fetched again, by its digest."""
        proxy = self.proxied()
        self.rotten(self.image.digest)
        found = self.now(proxy.manifest(APP, V1))
        self.assertEqual(found.body, self.image.manifest)
        self.assertEqual(self.upstream.asked["manifest"], 1)

    def test_a_large_manifest(self) -> None:
        """Before anything of it is given out, all of it has been verified."""
        proxy = self.proxied()
        body = self.image.manifest.ljust(LONGEST_WHOLE + 1)
        digest = Digest.of(body)
        self.upstream.add("team/app", "v2", self.image.media_type, body)
        for asked in (1, 2):
            found = self.now(proxy.manifest(APP, Tag("v2")))
            self.assertEqual(found.body, b"")
            self.assertEqual(self.now(whole(found.content)), body)
            self.assertEqual(self.upstream.asked["manifest"], asked)
            self.rotten(digest)

    def test_hosted_never_gives_it_out(self) -> None:
        """Nobody else has it: an outage, each time, and never a miss."""
        hosted = self.house.hosted()
        for content in self.image.blobs.values():
            upload = self.now(hosted.begin_upload(APP, "alice"))
            upload.write(content)
            self.now(upload.commit(Digest.of(content)))
        self.now(
            hosted.put_manifest(APP, V1, self.image.media_type, self.image.manifest)
        )
        large = self.image.manifest.ljust(LONGEST_WHOLE + 1)
        self.now(hosted.put_manifest(APP, Tag("v2"), self.image.media_type, large))
        for digest in (Digest.of(SMALL), self.image.digest, Digest.of(large)):
            self.rotten(digest)
        blob = self.now(hosted.blob(APP, Digest.of(SMALL)))
        self.fails(blob.available(0), StorageOutage)
        self.now(blob.close())
        for _ in range(2):
            self.fails(hosted.blob(APP, Digest.of(SMALL)), StorageOutage)
            for tag in (V1, Tag("v2")):
                self.fails(hosted.manifest(APP, tag), StorageOutage)
