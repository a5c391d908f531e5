"""What every blob store must do; a mixin for its test case."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer
from zope.interface.verify import verifyObject

from pullthrough.errors import Invalid, Miss, StorageOutage
from pullthrough.interfaces import IBlobStore, IContent, IIngest
from pullthrough.spec.digest import Digest
from pullthrough.spec.errorcodes import ErrorCode

T = TypeVar("T")

HELLO = b"hello, world"
DIGEST = Digest.of(HELLO)


@implementer(IPushProducer)
class Producer:
    """Remembers whether it is held."""

    def __init__(self) -> None:
        self.paused = False
        self.pauses = 0

    def pauseProducing(self) -> None:
        """Held."""
        self.paused = True
        self.pauses += 1

    def resumeProducing(self) -> None:
        """Free."""
        self.paused = False

    def stopProducing(self) -> None:
        """An ingest never stops its producer."""
        raise AssertionError


class BlobStoreContract:
    """The rules; ``make_store`` gives a fresh store."""

    store: Any

    def now(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The result, which must be there at once."""
        return self.successResultOf(Deferred.fromCoroutine(coroutine))  # type: ignore

    def fails(self, coroutine: Coroutine[Any, Any, Any], error: type[Exception]) -> Any:
        """The error, which must be there at once."""
        found = self.failureResultOf(Deferred.fromCoroutine(coroutine), error)  # type: ignore
        return found.value

    def put(self, content: bytes, key: str = "k", algorithm: str = "sha256") -> Digest:
        """Commit content."""
        ingest = self.now(self.store.ingest(key, algorithm))
        ingest.write(content)
        digest = Digest.of(content, algorithm)
        self.assertEqual(self.now(ingest.commit(digest, len(content))), len(content))
        self.now(ingest.close())
        return digest

    def get(self, digest: Digest) -> bytes:
        """Read content."""
        content = self.now(self.store.open(digest))
        self.assertTrue(verifyObject(IContent, content))
        data = b""
        while len(data) < content.size:
            self.assertEqual(self.now(content.available(len(data))), content.size)
            data += self.now(content.read(len(data), content.size))
        self.now(content.close())
        self.now(content.close())
        return data

    def all(self) -> set[Digest]:
        """Everything committed."""

        async def collect() -> set[Digest]:
            return {digest async for digest in self.store.scan()}

        return self.now(collect())

    # -- the rules --

    def test_interfaces(self) -> None:
        """Store and ingest provide what they say."""
        self.assertTrue(verifyObject(IBlobStore, self.store))
        ingest = self.now(self.store.ingest("k"))
        self.assertTrue(verifyObject(IIngest, ingest))
        self.now(ingest.abort())

    def test_round_trip(self) -> None:
        """What was committed is read back, in either algorithm, empty too."""
        for number, content in enumerate((HELLO, b"", b"x" * 3_000_000)):
            for algorithm in ("sha256", "sha512"):
                digest = self.put(content, f"k{number}-{algorithm}", algorithm)
                self.assertEqual(self.get(digest), content)
                self.assertEqual(self.now(self.store.stat(digest)), len(content))

    def test_the_other_algorithm(self) -> None:
        """A commit under another algorithm than was likely."""
        ingest = self.now(self.store.ingest("k", "sha256"))
        ingest.write(HELLO)
        self.now(ingest.commit(Digest.of(HELLO, "sha512")))
        self.now(ingest.close())
        self.assertEqual(self.get(Digest.of(HELLO, "sha512")), HELLO)
        self.assertEqual(self.all(), {Digest.of(HELLO, "sha512")})

    def test_nothing_is_visible_before_commit(self) -> None:
        """Neither what is on its way, nor what was aborted."""
        ingest = self.now(self.store.ingest("k"))
        ingest.write(HELLO)
        self.now(ingest.flush())
        self.assertIsNone(self.now(self.store.stat(DIGEST)))
        self.assertEqual(
            self.fails(self.store.open(DIGEST), Miss).code, ErrorCode.BLOB_UNKNOWN
        )
        self.now(ingest.abort())
        self.now(ingest.abort())
        self.assertEqual(self.all(), set())
        self.fails(self.store.resume("k", 0), Miss)

    def test_wrong_digest(self) -> None:
        """DIGEST_INVALID; nothing is stored."""
        ingest = self.now(self.store.ingest("k"))
        ingest.write(HELLO)
        error = self.fails(ingest.commit(Digest.of(b"other")), Invalid)
        self.assertEqual(error.code, ErrorCode.DIGEST_INVALID)
        self.now(ingest.abort())
        self.assertEqual(self.all(), set())

    def test_wrong_size(self) -> None:
        """SIZE_INVALID; nothing is stored."""
        ingest = self.now(self.store.ingest("k"))
        ingest.write(HELLO)
        error = self.fails(ingest.commit(DIGEST, len(HELLO) + 1), Invalid)
        self.assertEqual(error.code, ErrorCode.SIZE_INVALID)
        self.now(ingest.abort())
        self.assertEqual(self.all(), set())

    def test_verified_before_commit(self) -> None:
        """The same check, with nothing visible yet; what is right can be read whole."""
        ingest = self.now(self.store.ingest("k"))
        ingest.write(HELLO)
        self.assertEqual(self.now(ingest.verify(DIGEST, len(HELLO))), len(HELLO))
        self.assertEqual(ingest.written, len(HELLO))
        self.assertEqual(self.now(ingest.read(0, 100)), HELLO)
        self.assertIsNone(self.now(self.store.stat(DIGEST)))
        wrong = self.fails(ingest.verify(DIGEST, 5), Invalid)
        self.assertEqual(wrong.code, ErrorCode.SIZE_INVALID)
        wrong = self.fails(ingest.verify(Digest.of(b"x")), Invalid)
        self.assertEqual(wrong.code, ErrorCode.DIGEST_INVALID)
        self.assertEqual(self.now(ingest.commit(DIGEST, len(HELLO))), len(HELLO))
        self.now(ingest.close())
        self.assertEqual(self.get(DIGEST), HELLO)

    def test_commit_twice_and_abort_after(self) -> None:
        """Commit is idempotent; abort after it removes nothing."""
        ingest = self.now(self.store.ingest("k"))
        ingest.write(HELLO)
        self.now(ingest.commit(DIGEST))
        self.assertEqual(self.now(ingest.commit(DIGEST)), len(HELLO))
        self.now(ingest.abort())
        self.assertEqual(self.get(DIGEST), HELLO)

    def test_two_ingests_of_one_content(self) -> None:
        """Both succeed; it is there once."""
        self.put(HELLO, "k1")
        self.put(HELLO, "k2")
        self.assertEqual(self.all(), {DIGEST})
        self.assertEqual(self.get(DIGEST), HELLO)

    def test_reading_while_it_grows(self) -> None:
        """What is written can be read, also after commit, until close."""
        grown = []
        ingest = self.now(self.store.ingest("k"))
        ingest.observe(lambda: grown.append(ingest.written))
        ingest.write(HELLO[:5])
        self.now(ingest.flush())
        self.assertEqual((ingest.offset, ingest.written), (5, 5))
        self.assertEqual(self.now(ingest.read(0, 5)), HELLO[:5])
        ingest.write(HELLO[5:])
        self.now(ingest.commit(DIGEST))
        self.assertEqual(grown, [5, len(HELLO)])
        self.assertEqual(self.now(ingest.read(7, 5)), b"world")
        self.now(ingest.close())
        self.fails(ingest.read(0, 5), StorageOutage)

    def test_suspend_and_resume(self) -> None:
        """A suspended ingest goes on where it is told, and the hash with it."""
        ingest = self.now(self.store.ingest("k"))
        ingest.write(HELLO + b"lost")
        self.assertEqual(self.now(ingest.sync()), len(HELLO) + 4)
        self.assertEqual(self.now(ingest.suspend()), len(HELLO) + 4)
        again = self.now(self.store.resume("k", len(HELLO)))
        self.assertEqual((again.offset, again.written), (len(HELLO), len(HELLO)))
        again.write(b"!")
        self.now(again.commit(Digest.of(HELLO + b"!")))
        self.now(again.close())
        self.assertEqual(self.get(Digest.of(HELLO + b"!")), HELLO + b"!")

    def test_resume_what_is_not_there(self) -> None:
        """A key that is unknown, or a file that is shorter, is a miss."""
        self.fails(self.store.resume("k", 0), Miss)
        ingest = self.now(self.store.ingest("k"))
        ingest.write(b"abc")
        self.now(ingest.suspend())
        error = self.fails(self.store.resume("k", 4), Miss)
        self.assertEqual(error.code, ErrorCode.BLOB_UPLOAD_UNKNOWN)
        self.now(self.store.discard("k"))
        self.now(self.store.discard("k"))
        self.fails(self.store.resume("k", 0), Miss)

    def test_delete(self) -> None:
        """It is gone, and that is said."""
        self.put(HELLO)
        self.assertTrue(self.now(self.store.delete(DIGEST)))
        self.assertFalse(self.now(self.store.delete(DIGEST)))
        self.assertIsNone(self.now(self.store.stat(DIGEST)))

    def test_quarantine(self) -> None:
        """What is put aside is not here any more; a good copy may come in its place.
        Content that is not here may be put aside, too."""
        self.now(self.store.quarantine(DIGEST))
        self.put(HELLO, "k1")
        for _ in range(2):
            self.now(self.store.quarantine(DIGEST))
            self.assertIsNone(self.now(self.store.stat(DIGEST)))
            self.fails(self.store.open(DIGEST), Miss)
            self.assertEqual(self.all(), set())
            self.assertFalse(self.now(self.store.delete(DIGEST)))
        self.put(HELLO, "k2")
        self.assertEqual(self.get(DIGEST), HELLO)

    def test_one_producer_at_a_time(self) -> None:
        """Push producers only, and one of them."""
        ingest = self.now(self.store.ingest("k"))
        self.assertRaises(ValueError, ingest.registerProducer, Producer(), False)
        ingest.registerProducer(Producer(), True)
        self.assertRaises(RuntimeError, ingest.registerProducer, Producer(), True)
        ingest.unregisterProducer()
        ingest.registerProducer(Producer(), True)
        self.now(ingest.abort())
