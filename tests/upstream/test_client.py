"""A client and a registry on a real socket: what is right, and what goes wrong."""

from twisted.internet.defer import Deferred, gatherResults
from zope.interface.verify import verifyObject

from pullthrough.errors import (
    Miss,
    Outage,
    Refused,
    UpstreamLimited,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.interfaces import IUpstream
from pullthrough.spec.digest import Digest
from pullthrough.spec.origins import Origin
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
from pullthrough.upstream.credentials import Login
from pullthrough.values import UpstreamHead
from tests.support.client import APP, LAYER, V1, ClientCase, Taker
from tests.support.registry import TOKEN, USER, FakeRegistry


class ReadingTests(ClientCase):
    """Manifests, blobs, tags."""

    async def test_manifests(self) -> None:
        """By tag and digest, by GET and HEAD."""
        upstream = self.client()
        self.assertTrue(verifyObject(IUpstream, upstream))
        for reference in (V1, self.digest):
            found = await upstream.manifest(APP, reference)
            self.assertEqual(found.body, self.image.manifest)
            self.assertEqual(found.descriptor.digest, self.digest)
            told = await upstream.head(APP, reference)
            self.assertEqual(told, UpstreamHead(found.descriptor))
        await self.fails(upstream.manifest(APP, Tag("none")), Miss)
        await self.fails(upstream.head(APP, Tag("none")), Miss)

    async def test_blobs(self) -> None:
        """Whole, and from an offset; paced by whoever takes them; the size by HEAD."""
        upstream = self.client()
        self.assertEqual(await self.download(upstream), LAYER)
        self.assertEqual(await self.download(upstream, 1000), LAYER[1000:])
        self.assertEqual(await upstream.blob_size(APP, self.layer), len(LAYER))
        await self.fails(upstream.blob(APP, Digest.of(b"x")), Miss)
        body = await upstream.blob(APP, self.layer)
        body.stop()

    async def test_a_part_of_a_blob(self) -> None:
        """From an offset to an end; who knows no such ranges sends all of it."""
        upstream = self.client()
        body = await upstream.blob(APP, self.layer, 1000, 200_000)
        self.assertEqual((body.size, body.offset), (len(LAYER), 1000))
        taker = Taker()
        await body.deliver(taker)  # type: ignore[arg-type]
        self.assertEqual(taker.data, LAYER[1000:200_000])
        for self.registry.wrong in ("no-range", "long-range"):
            body = await upstream.blob(APP, self.layer, 1000, 200_000)
            self.assertEqual(body.offset, 0)
            body.stop()

    async def test_tags(self) -> None:
        """Sorted, and only what is a tag."""
        found = await self.client().tags(APP, Page(5, ""))
        self.assertEqual(found, Names(("a", "b"), False))

    async def test_head_that_tells_nothing(self) -> None:
        """405: ask by GET then."""
        self.registry.wrong = "405"
        self.assertIsNone(await self.client().head(APP, V1))


class LoginTests(ClientCase):
    """Credentials, and where they go."""

    async def test_basic(self) -> None:
        """Only after it was asked for; then at once; wrong ones are a miss."""
        self.registry.login = "basic"
        upstream = self.client()
        await upstream.manifest(APP, V1)
        await upstream.manifest(APP, V1)
        sent = [bool(authorization) for *_, authorization in self.registry.requests]
        self.assertEqual(sent, [False, True, True])
        for login in (Login(USER, "wrong"), Login()):
            await self.fails(self.client(login=login).manifest(APP, V1), Miss)

    async def test_many_at_once(self) -> None:
        """Twenty requests that are challenged together all log in."""
        for self.registry.login in ("basic", "bearer"):
            upstream = self.client()
            found = await gatherResults(
                [Deferred.fromCoroutine(upstream.head(APP, V1)) for _ in range(20)]
            )
            self.assertEqual(len([one for one in found if one]), 20)
        tokens = [path for _, path, _ in self.registry.requests if path == "/token"]
        self.assertLessEqual(len(tokens), 2)

    async def test_bearer(self) -> None:
        """A token of the realm, for the scope, kept until it ends."""
        self.registry.login = "bearer"
        upstream = self.client()
        await upstream.manifest(APP, V1)
        await upstream.manifest(APP, V1)
        self.assertEqual(await self.download(upstream), LAYER)
        paths = [path for _, path, _ in self.registry.requests]
        self.assertEqual(paths.count("/token"), 1)
        self.assertEqual(self.registry.asked["scope"], ["repository:team/app:pull"])
        self.assertEqual(self.registry.asked["service"], ["fake"])
        self.assertEqual(self.registry.asked["account"], [USER])

    async def test_anonymous_bearer(self) -> None:
        """Without credentials the realm is asked for an anonymous token."""
        self.registry.login = "bearer"
        await self.client(login=Login()).manifest(APP, V1)
        realm = [one for one in self.registry.requests if one[1] == "/token"]
        self.assertEqual(realm, [("GET", "/token", "")])

    async def test_a_strangers_realm(self) -> None:
        """Another host's realm never sees our credentials; if it is a private one it
        is not asked at all, unless it is listed."""
        self.private = ("localhost",)
        self.registry.login = "bearer"
        self.registry.realm = self.registry.url.replace("127.0.0.1", "localhost")
        self.registry.realm += "/token"
        await self.client().manifest(APP, V1)
        realm = [one for one in self.registry.requests if one[1] == "/token"]
        self.assertEqual(realm, [("GET", "/token", "")])
        self.private = ()
        self.registry.requests.clear()
        found = await self.fails(self.client().manifest(APP, V1), UpstreamOutage)
        self.assertIn("localhost, whose address", found.detail)
        self.assertNotIn("/token", [path for _, path, _ in self.registry.requests])

    async def test_a_static_token(self) -> None:
        """Sent as it is."""
        self.registry.login = "bearer"
        await self.client(login=Login(bearer_token=TOKEN)).manifest(APP, V1)
        self.assertEqual(len(self.registry.requests), 1)
        upstream = self.client(login=Login(bearer_token="other"))
        await self.fails(upstream.manifest(APP, V1), Miss)

    async def test_a_broken_realm(self) -> None:
        """It is an outage, not a miss."""
        self.registry.login = "bearer"
        self.registry.wrong = "token"
        await self.fails(self.client().manifest(APP, V1), UpstreamOutage)
        for self.registry.realm in ("nonsense", "ftp://x/y"):
            await self.fails(self.client().manifest(APP, V1), UpstreamOutage)

    async def test_a_realm_that_refuses_us(self) -> None:
        """Our credentials are wrong: refused."""
        self.registry.login = "bearer"
        upstream = self.client(login=Login(USER, "wrong"))
        await self.fails(upstream.manifest(APP, V1), Refused)

    async def test_redirects_lose_credentials(self) -> None:
        """A blob on another origin is fetched without them."""
        cdn = FakeRegistry()
        port = await cdn.listen()
        self.addCleanup(port.stopListening)
        cdn.add_blob("team/app", LAYER)
        self.registry.cdn = cdn.url
        for self.registry.login in ("basic", "bearer"):
            self.assertEqual(await self.download(self.client()), LAYER)
        self.assertEqual({authorization for *_, authorization in cdn.requests}, {""})

    async def test_redirects_end(self) -> None:
        """In circles, or to nowhere, they are an outage."""
        self.registry.cdn = self.registry.url
        error = await self.fails(self.client().blob(APP, self.layer), UpstreamOutage)
        self.assertIn("redirects too often", error.detail)
        self.registry.cdn = "ftp://x"
        error = await self.fails(self.client().blob(APP, self.layer), UpstreamOutage)
        self.assertIn("nowhere that is safe", error.detail)


class WrongTests(ClientCase):
    """What goes wrong upstream, by its name."""

    async def test_statuses(self) -> None:
        """Each status as what it is."""
        for self.registry.wrong, error in (
            ("403", Refused),
            ("429", UpstreamLimited),
            ("500", UpstreamOutage),
            ("503", UpstreamOutage),
            ("418", UpstreamOutage),
        ):
            found = await self.fails(self.client().manifest(APP, V1), error)
            self.assertIn(str(Origin.of(self.registry.url)), found.detail)
            if isinstance(found, UpstreamLimited):
                self.assertEqual(found.retry_after, 7.0)

    async def test_manifests(self) -> None:
        """A page, a lie, another's, too much, endless headers: an outage each."""
        for self.registry.wrong, words in (
            ("html", "a web page"),
            ("digest", "and called it"),
            ("large", "more than"),
            ("headers", ""),
        ):
            upstream = self.client()
            found = await self.fails(upstream.manifest(APP, V1), UpstreamOutage)
            self.assertIn(words, found.detail)
        self.registry.wrong = "changed"
        upstream = self.client()
        found = await self.fails(upstream.manifest(APP, self.digest), UpstreamOutage)
        self.assertIn("where", found.detail)

    async def test_blobs(self) -> None:
        """Cut short, encoded: an outage each. Another range: all of it, then."""
        self.registry.wrong = "cut"
        body = await self.client().blob(APP, self.layer)
        await self.fails(body.deliver(Taker()), UpstreamOutage)  # type: ignore
        self.registry.wrong = "gzip"
        await self.fails(self.client().blob(APP, self.layer), UpstreamOutage)
        self.registry.wrong = "range"
        body = await self.client().blob(APP, self.layer, 10)
        self.assertEqual((body.offset, body.size), (0, len(LAYER)))
        body.stop()

    async def test_silence(self) -> None:
        """A head, or a body, that does not come in time."""
        self.registry.wrong = "silent"
        upstream = self.client(seconds=0.2)
        await self.fails(upstream.manifest(APP, V1), UpstreamTimeout)
        self.registry.wrong = "stall"
        body = await upstream.blob(APP, self.layer)
        await self.fails(body.deliver(Taker()), UpstreamTimeout)  # type: ignore

    async def test_nobody_there(self) -> None:
        """A port that is closed, a name that is none."""
        error = await self.fails(
            self.client("http://127.0.0.1:9").manifest(APP, V1), UpstreamOutage
        )
        self.assertIn("upstream 127.0.0.1:9 cannot be reached", error.detail)

    async def test_retries(self) -> None:
        """As often as configured, for what may pass, and no more."""
        for self.registry.wrong, count in (("503", 3), ("429", 1), ("403", 1)):
            self.registry.requests.clear()
            upstream = self.client(retries=2)
            await self.fails(upstream.manifest(APP, V1), (Outage, Refused))  # type: ignore
            self.assertEqual(len(self.registry.requests), count)
