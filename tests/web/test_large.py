"""Large documents: so many at once, at the client's pace, and not for ever."""

import json
from typing import Any

from twisted.internet.defer import CancelledError, Deferred

from pullthrough.interfaces import IContent
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_INDEX
from pullthrough.web.exchange import Disconnected, Headers
from pullthrough.web.large import AT_ONCE, LONGEST, PATIENCE, WHOLE
from tests.support.exchange import FakeExchange
from tests.support.site import SiteCase

MANIFEST = "/v2/team/app/manifests/v1"


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


class LargeTests(SiteCase):
    """A manifest of more than 256 KiB."""

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual((AT_ONCE, WHOLE), (8, 256 * 1024))
        self.large = self.site._transfers.large
        self.body = index(WHOLE + 1)
        headers = {"Content-Type": OCI_INDEX}
        put = self.ask("PUT", MANIFEST, headers=headers, body=self.body)
        self.assertEqual(put.status, 201)
        self.doing: list[Deferred[None]] = []

    def begin(self, method: str = "GET", target: str = MANIFEST, **more: Any) -> Slow:
        """A request, and as much of its answer as comes at once."""
        exchange = Slow(method, target, user="alice", **more)
        self.doing.append(Deferred.fromCoroutine(self.site(exchange)))
        return exchange

    def finish(self, *exchanges: Slow) -> None:
        """They take what there is."""
        for exchange in exchanges:
            exchange.turn.callback(None)

    def test_one(self) -> None:
        """It is whole, as a stream; its head is like that of a small one."""
        one = self.begin()
        self.assertTrue(one.streamed)
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
        self.assertEqual((self.large.out.used, self.large.into.used), (0, 0))

    def test_many(self) -> None:
        """Eight at once; the ninth waits, without a copy in memory, and is refused in
        half a minute. What is small, or not read, does not notice."""
        made: list[bytes] = []
        manifest = self.hosted.manifest

        async def noted(*args: Any) -> Any:
            found = await manifest(*args)
            made.append(found.body)
            return found

        self.hosted.manifest = noted  # type: ignore[method-assign]
        eight = [self.begin() for _ in range(AT_ONCE)]
        self.assertEqual(len(made), 2 * AT_ONCE)
        ninth, tenth = self.begin(), self.begin()
        self.assertFalse(ninth.streamed)
        self.assertEqual(len(made), 2 * AT_ONCE + 2)
        small = index(WHOLE)
        headers = {"Content-Type": OCI_INDEX}
        target = MANIFEST.replace("v1", "small")
        self.assertEqual(
            self.ask("PUT", target, headers=headers, body=small).status, 201
        )
        self.assertEqual(self.ask("GET", target).sent, small)
        self.assertEqual(self.ask("HEAD", MANIFEST).status, 200)
        unchanged = {"If-None-Match": f'"{Digest.of(self.body)}"'}
        self.assertEqual(self.ask("GET", MANIFEST, headers=unchanged).status, 304)
        self.finish(eight[0])
        self.assertTrue(ninth.streamed)
        self.house.clock.advance(PATIENCE)
        self.assertEqual((tenth.status, tenth.headers["Retry-After"]), (503, "5"))
        self.finish(*eight[1:], ninth)
        self.assertEqual(ninth.sent, self.body)
        self.assertEqual(self.large.out.used, 0)

    def test_what_goes_meanwhile(self) -> None:
        """Deleted while it waits: 404, and the turn is free."""
        eight = [self.begin() for _ in range(AT_ONCE)]
        ninth = self.begin()
        self.assertEqual(self.ask("DELETE", MANIFEST).status, 202)
        self.finish(*eight)
        self.assertEqual((ninth.status, ninth.error), (404, "MANIFEST_UNKNOWN"))
        self.assertEqual(self.large.out.used, 0)

    def test_not_for_ever(self) -> None:
        """Two minutes, and a client that has not taken it all is cut off."""
        slow = self.begin()
        self.house.clock.advance(LONGEST - 1)
        self.assertNoResult(self.doing[-1])
        self.house.clock.advance(1)
        self.failureResultOf(self.doing[-1], Disconnected)
        self.assertEqual((slow.status, self.large.out.used), (0, 0))

    def test_referrers(self) -> None:
        """A page of them may be as large."""
        subject = Digest.of(b"subject")
        for number in range(2):
            document = {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [],
                "subject": {"mediaType": "a/b", "digest": str(subject), "size": 7},
                "annotations": {"x": f"{number}" * (WHOLE // 2)},
            }
            body = json.dumps(document).encode()
            target = f"/v2/team/app/manifests/{Digest.of(body)}"
            headers = {"Content-Type": OCI_INDEX}
            self.assertEqual(
                self.ask("PUT", target, headers=headers, body=body).status, 201
            )
        one = self.begin(target=f"/v2/team/app/referrers/{subject}")
        self.assertEqual(self.large.out.used, 1)
        self.finish(one)
        self.assertEqual(len(one.json()["manifests"]), 2)
        self.assertEqual(self.large.out.used, 0)

    def test_pushes(self) -> None:
        """Eight large ones at once, before their bodies are read; small ones pass."""
        headers = {"Content-Type": OCI_INDEX}
        more: dict[str, Any] = {"headers": headers, "body": self.body}
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
