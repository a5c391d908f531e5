"""What a client gets for each thing that an upstream may answer (nexus.md 2.4)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Closed
from twisted.internet.error import DNSLookupError
from twisted.internet.error import TimeoutError as Silent
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.errors import RegistryError
from pullthrough.interfaces import IUpstream
from pullthrough.spec.freshness import Freshness
from pullthrough.spec.names import ImageName
from pullthrough.spec.provenance import Source
from pullthrough.spec.reference import Tag
from pullthrough.upstream.breakers import Breakers
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.nobody import NobodyUpstream
from pullthrough.web.failures import tell
from tests.support.agent import Answer, scripted
from tests.support.house import House
from tests.support.images import MadeImage, make_image

APP = ImageName("team/app")
V1 = Tag("v1")
FIRST, SECOND = make_image(b"first"), make_image(b"second")
JSON = {"Content-Type": "application/json"}
MISSING = b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}'
PAGE = {"Content-Type": "text/html"}


@dataclass(frozen=True)
class Row:
    """One row of the table.

    :ivar answer: of the upstream, to GET and HEAD.
    :ivar copy: how an old copy is served: by it, or its content.
    :ivar status: what a client is told when there is no copy.
    :ivar remembered: whether a miss is told again without asking.
    """

    name: str
    answer: Callable[[], Answer | Exception]
    copy: Source
    status: int
    remembered: bool = False


def gives(image: MadeImage) -> Callable[[], Answer]:
    """The upstream has that."""
    headers = {
        "Content-Type": image.media_type,
        "Docker-Content-Digest": str(image.digest),
        "Content-Length": str(len(image.manifest)),
    }
    return lambda: Answer(200, image.manifest, headers)


def says(code: int, body: bytes = b"", **headers: str) -> Callable[[], Answer]:
    """The upstream answers with a status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: Answer(code, body, named)


# Where Nexus tells a client 404 for 429 and for what it blocks itself, we tell what it
# is: an outage is never a miss.
ROWS = (
    Row("200, moved", gives(SECOND), Source.MISS, 200),
    Row("200, the same", gives(FIRST), Source.HIT, 200),
    Row("404", says(404, MISSING, **JSON), Source.STALE, 404, True),
    Row("404 of no registry", says(404, b"<html>", **PAGE), Source.STALE, 404),
    Row("403", says(403), Source.STALE, 404),
    Row("429", says(429, Retry_After="30"), Source.STALE, 429),
    Row("400", says(400), Source.STALE, 502),
    Row("418", says(418), Source.STALE, 502),
    Row("401", says(401), Source.STALE, 404),
    Row("402", says(402), Source.STALE, 502),
    Row("407", says(407), Source.STALE, 502),
    Row("500", says(500), Source.STALE, 502),
    Row("503", says(503), Source.STALE, 502),
    Row("a web page", says(200, b"<html>", **PAGE), Source.STALE, 502),
    Row("refused", lambda: Closed("x"), Source.STALE, 502),
    Row("no such name", lambda: DNSLookupError("x"), Source.STALE, 502),
    Row("time-out", lambda: Silent("x"), Source.STALE, 504),
)


class OutcomeTests(SynchronousTestCase):
    """The table, with a copy and without, from HTTP to the client's status."""

    def setUp(self) -> None:
        self.house = House()
        self.answer: Callable[[], Answer | Exception] = gives(FIRST)
        self.breakers = Breakers(self.house.clock, lambda: 0.5, 40.0)
        requests, self.agent = scripted(
            lambda *_: self.answer(), self.house.clock, breakers=self.breakers
        )
        upstream = RegistryUpstream("hub.test:443", requests, self.house.clock)
        self.proxy = self.make(upstream)

    def make(self, upstream: IUpstream) -> Any:
        """A proxy of an upstream, on the house's stores."""
        return self.house.proxy(
            upstream,  # type: ignore[arg-type]
            freshness=Freshness(3600.0),
        )

    def pull(self) -> tuple[int, Any]:
        """The status, and the manifest or the error."""
        found: list[Any] = []
        pulling = Deferred.fromCoroutine(self.proxy.manifest(APP, V1))
        pulling.addBoth(found.append)
        if not hasattr(found[0], "value"):
            return 200, found[0]
        self.assertIsInstance(found[0].value, RegistryError)
        return tell(found[0].value).status, found[0].value

    def test_with_a_copy(self) -> None:
        """Whatever the upstream answers, a copy is served; a warning tells what
        is wrong."""
        for row in ROWS:
            self.setUp()
            self.assertEqual(self.pull()[0], 200)
            self.house.clock.advance(3601)
            self.answer = row.answer
            status, found = self.pull()
            self.assertEqual(status, 200, row.name)
            source = found.provenance.source
            expected = SECOND if source is Source.MISS else FIRST
            self.assertEqual((source, found.body), (row.copy, expected.manifest), row)
            self.assertEqual(bool(found.provenance.warning), source is Source.STALE)

    def test_without_a_copy(self) -> None:
        """A miss is a miss, what cannot be told is an outage; only a plain 404 of a
        registry is remembered."""
        for row in ROWS:
            self.setUp()
            self.answer = row.answer
            status, _ = self.pull()
            self.assertEqual(status, row.status, row.name)
            self.house.clock.advance(60)
            before = len(self.agent.asked)
            self.pull()
            if row.status != 200:
                again = len(self.agent.asked) > before
                self.assertEqual(again, not row.remembered, row.name)

    def test_stale_copies_come_to_an_end(self) -> None:
        """After seven days the copy's answer is the one without a copy, except for what
        the upstream has plainly no more."""
        for row in ROWS:
            if row.status == 200:
                continue
            self.setUp()
            self.pull()
            self.house.clock.advance(8 * 86400)
            self.answer = row.answer
            status, _ = self.pull()
            self.assertEqual(status, 200 if row.remembered else row.status, row.name)

    def test_auto_blocked(self) -> None:
        """Nothing goes out; a copy is served, without one it is 503 with when to come
        back."""
        self.pull()
        self.house.clock.advance(3601)
        self.answer = says(503)
        for _ in range(5):
            self.assertEqual(self.pull()[1].provenance.source, Source.STALE)
        self.assertEqual(len(self.agent.asked), 1 + 3)
        pulling = Deferred.fromCoroutine(self.proxy.manifest(APP, Tag("v2")))
        told = tell(self.failureResultOf(pulling).value)
        self.assertEqual((told.status, dict(told.headers)["Retry-After"]), (503, "40"))
        self.answer = gives(FIRST)
        self.house.clock.advance(40)
        self.assertEqual(self.pull()[1].provenance.source, Source.HIT)

    def test_limited(self) -> None:
        """429: nothing goes out until it may; then the copy is fresh again."""
        self.pull()
        self.house.clock.advance(3601)
        self.answer = says(429, Retry_After="30")
        for _ in range(5):
            self.assertEqual(self.pull()[1].provenance.source, Source.STALE)
        self.assertEqual(len(self.agent.asked), 1 + 1)
        self.answer = gives(FIRST)
        self.house.clock.advance(31)
        self.assertEqual(self.pull()[1].provenance.source, Source.HIT)

    def test_blocked_by_hand(self) -> None:
        """Nothing goes out; a copy of any age is served, without one it is 503."""
        self.proxy = self.make(NobodyUpstream("hub asks nobody: blocked = yes"))
        status, error = self.pull()
        self.assertEqual((status, error.by_hand), (503, True))
        self.assertEqual(self.agent.asked, [])
