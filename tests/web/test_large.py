"""Large documents: so many at once, at the client's pace, and not for ever."""

import json
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from pullthrough.allowance import PATIENCE as TRANSFER_PATIENCE
from pullthrough.interfaces import IContent
from pullthrough.repository.manifests import LONGEST_WHOLE
from pullthrough.spec.digest import Digest
from pullthrough.spec.forwarded import TrustedProxies
from pullthrough.spec.mediatypes import OCI_INDEX
from pullthrough.web.exchange import Disconnected, Headers
from pullthrough.web.large import AT_ONCE, LONGEST, PATIENCE, WHOLE
from tests.support.exchange import FakeExchange
from tests.support.site import SiteCase

MANIFEST = "/v2/team/app/manifests/v1"
SUBJECT = Digest.of(b"subject")
REFERRERS = f"/v2/team/app/referrers/{SUBJECT}"


def index(size: int) -> bytes:
    """A manifest of so many bytes."""
    start = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []})
    return start.encode().ljust(size)


class Slow(FakeExchange):
    """A client that takes a stream, or sends a body, when the test says."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.turn: Deferred[None] = Deferred()
        self.streamed = False

    async def stream(
        self, status: int, headers: Headers, content: IContent, start: int, end: int
    ) -> None:
        """Only then; cut off it is gone."""
        self.streamed = True
        try:
            await self.turn
        except CancelledError:
            raise Disconnected from None
        await super().stream(status, headers, content, start, end)

    async def read(self, limit: int) -> bytes:
        """Only then."""
        self.streamed = True
        await self.turn
        return await super().read(limit)


class LargeCase(SiteCase):
    """Clients that take their time."""

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual((AT_ONCE, WHOLE, LONGEST_WHOLE), (8, *2 * (256 * 1024,)))
        self.large = self.site._transfers.large
        self.doing: list[Deferred[None]] = []

    def put(self, target: str, body: bytes) -> None:
        """Push a manifest."""
        headers = {"Content-Type": OCI_INDEX}
        put = self.ask("PUT", target, headers=headers, body=body)
        self.assertEqual(put.status, 201)

    def begin(self, method: str = "GET", target: str = MANIFEST, **more: Any) -> Slow:
        """A request, and as much of its answer as comes at once."""
        exchange = Slow(method, target, user="alice", **more)
        self.doing.append(Deferred.fromCoroutine(self.site(exchange)))
        return exchange

    def finish(self, *exchanges: Slow) -> None:
        """They take what there is."""
        for exchange in exchanges:
            exchange.turn.callback(None)


class ManifestTests(LargeCase):
    """A manifest of more than 256 KiB goes out as a blob does."""

    def setUp(self) -> None:
        super().setUp()
        self.body = index(WHOLE + 1)
        self.put(MANIFEST, self.body)

    def test_one(self) -> None:
        """It is whole, as a stream; its head is like that of a small one."""
        one = self.begin()
        self.assertTrue(one.streamed)
        self.assertEqual(self.site._transfers.count, 1)
        self.finish(one)
        self.assertEqual((one.status, one.sent), (200, self.body))
        self.assertEqual(
            one.headers["Docker-Content-Digest"], str(Digest.of(self.body))
        )
        self.assertEqual(one.headers["Content-Type"], OCI_INDEX)
        self.assertNotIn("Content-Length", one.headers)  # the connection says it
        self.assertEqual(self.lines[-1].sent, len(self.body))
        head = self.begin("HEAD")
        self.assertEqual(head.headers["Content-Length"], str(len(self.body)))
        unchanged = {"If-None-Match": f'"{Digest.of(self.body)}"'}
        self.assertEqual(self.ask("GET", MANIFEST, headers=unchanged).status, 304)
        self.assertEqual(self.site._transfers.count, 0)

    def test_never_whole(self) -> None:
        """However many want it, none has it in memory; each lets go of its file."""
        closed: list[IContent] = []
        manifest = self.hosted.manifest

        async def noted(*args: Any) -> Any:
            found = await manifest(*args)
            self.assertEqual(found.body, b"")
            content: Any = found.content
            close = content.close

            async def noted_close() -> None:
                closed.append(content)
                await close()

            content.close = noted_close
            return found

        self.hosted.manifest = noted  # type: ignore[method-assign]
        many = [self.begin() for _ in range(3 * AT_ONCE)]
        self.assertTrue(all(one.streamed for one in many))
        self.finish(*many)
        self.assertEqual({one.sent for one in many}, {self.body})
        self.assertEqual(len(closed), len(many))
        unchanged = {"If-None-Match": "*"}
        self.assertEqual(self.ask("GET", MANIFEST, headers=unchanged).status, 304)
        self.assertEqual(len(closed), len(many) + 1)

    def test_a_transfer(self) -> None:
        """It counts as one of the client's; a small one does not."""
        self.put(MANIFEST.replace("v1", "small"), index(WHOLE))
        self.site._transfers.limit(1, 9, TrustedProxies())
        one, two = self.begin(), self.begin()
        self.assertEqual((one.streamed, two.streamed), (True, False))
        small = self.ask("GET", MANIFEST.replace("v1", "small"))
        self.assertEqual(small.sent, index(WHOLE))
        self.house.clock.advance(TRANSFER_PATIENCE)
        self.assertEqual(two.status, 429)
        self.finish(one)
        self.assertEqual(self.site._transfers.count, 0)


class ReferrersTests(LargeCase):
    """A page of referrers may be as large, and is made for each."""

    def setUp(self) -> None:
        super().setUp()
        for number in range(2):
            document = {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [],
                "subject": {"mediaType": "a/b", "digest": str(SUBJECT), "size": 7},
                "annotations": {"x": f"{number}" * (WHOLE // 2)},
            }
            body = json.dumps(document).encode()
            self.digest = Digest.of(body)
            self.put(f"/v2/team/app/manifests/{self.digest}", body)

    def list(self) -> Slow:
        """Ask for them."""
        return self.begin(target=REFERRERS)

    def test_many(self) -> None:
        """Eight at once; the ninth waits, and is refused in half a minute. What is
        small does not notice."""
        eight = [self.list() for _ in range(AT_ONCE)]
        self.assertTrue(all(one.streamed for one in eight))
        ninth, tenth = self.list(), self.list()
        self.assertFalse(ninth.streamed)
        small = REFERRERS + "?artifactType=none"
        self.assertEqual(self.ask("GET", small).json()["manifests"], [])
        self.finish(eight[0])
        self.assertTrue(ninth.streamed)
        self.house.clock.advance(PATIENCE)
        self.assertEqual((tenth.status, tenth.headers["Retry-After"]), (503, "5"))
        self.finish(*eight[1:], ninth)
        self.assertEqual(len(ninth.json()["manifests"]), 2)
        self.assertEqual(self.large.out.used, 0)

    def test_what_goes_meanwhile(self) -> None:
        """It is made when its turn comes: what is then small goes out as such."""
        eight = [self.list() for _ in range(AT_ONCE)]
        ninth = self.list()
        target = f"/v2/team/app/manifests/{self.digest}"
        self.assertEqual(self.ask("DELETE", target).status, 202)
        self.finish(*eight)
        self.finish(ninth)
        self.assertEqual(len(ninth.json()["manifests"]), 1)
        self.assertEqual(self.large.out.used, 0)

    def test_not_for_ever(self) -> None:
        """Two minutes, and a client that has not taken it all is cut off."""
        slow = self.list()
        self.house.clock.advance(LONGEST - 1)
        self.assertNoResult(self.doing[-1])
        self.house.clock.advance(1)
        self.failureResultOf(self.doing[-1], Disconnected)
        self.assertEqual((slow.status, self.large.out.used), (0, 0))


class PushTests(LargeCase):
    """Manifests that come in are held whole."""

    def test_pushes(self) -> None:
        """Eight large ones at once, before their bodies are read; small ones pass."""
        headers = {"Content-Type": OCI_INDEX}
        more: dict[str, Any] = {"headers": headers, "body": index(WHOLE + 1)}
        eight = [self.begin("PUT", **more) for _ in range(AT_ONCE)]
        ninth = self.begin("PUT", **more)
        self.assertEqual([one.streamed for one in eight], [True] * AT_ONCE)
        self.assertFalse(ninth.streamed)
        small = self.begin("PUT", headers=headers, body=index(WHOLE))
        self.assertTrue(small.streamed)
        self.house.clock.advance(PATIENCE)
        self.assertEqual(ninth.status, 503)
        self.finish(*eight, small)
        self.assertEqual([one.status for one in (*eight, small)], [201] * 9)
        self.assertEqual(self.large.into.used, 0)
