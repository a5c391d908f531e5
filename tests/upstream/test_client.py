"""The upstream client against a registry on a real socket."""

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor, ssl
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.interfaces import IProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase
from twisted.web.server import Site
from zope.interface.verify import verifyObject

from pullthrough.errors import (
    EgressOutage,
    Miss,
    Outage,
    Refused,
    UpstreamLimited,
    UpstreamOutage,
    UpstreamTimeout,
)
from pullthrough.interfaces import IUpstream, IUpstreamBody
from pullthrough.spec.digest import Digest
from pullthrough.spec.names import ImageName
from pullthrough.spec.origins import Origin
from pullthrough.spec.pages import Names, Page
from pullthrough.spec.reference import Tag
from pullthrough.upstream.client import RegistryUpstream
from pullthrough.upstream.credentials import Login
from pullthrough.upstream.egress import EgressAgent, Way
from pullthrough.upstream.requests import Requests
from pullthrough.upstream.trust import Trust, TrustError
from tests.support.images import make_image
from tests.support.pki import Authority
from tests.support.registry import PASSWORD, TOKEN, USER, FakeRegistry

APP = ImageName("team/app")
V1 = Tag("v1")
LAYER = bytes(range(256)) * 4096  # 1 MiB
LOGIN = Login(USER, PASSWORD)


class Taker:
    """A consumer that holds its producer now and then."""

    def __init__(self) -> None:
        self.data = b""
        self.producer: Any = None
        self.pauses = 0

    def registerProducer(self, producer: IProducer, streaming: bool) -> None:
        """Keep it."""
        self.producer = producer

    def unregisterProducer(self) -> None:
        """Let go of it."""
        self.producer = None

    def write(self, data: bytes) -> None:
        """Keep it, and hold the producer for a turn of the reactor."""
        self.data += data
        self.pauses += 1
        producer = self.producer
        producer.pauseProducing()
        reactor.callLater(0, producer.resumeProducing)  # type: ignore[attr-defined]


class ClientCase(TestCase):
    """A registry and a client of it."""

    async def setUp(self) -> None:
        self.registry = FakeRegistry()
        port = await self.registry.listen()
        self.addCleanup(port.stopListening)
        self.image = make_image(LAYER)
        self.digest = self.registry.add_manifest(
            "team/app", "v1", self.image.media_type, self.image.manifest
        )
        self.layer = self.registry.add_blob("team/app", LAYER)

    def client(
        self,
        url: str = "",
        login: Login = LOGIN,
        way: Way = Way(),  # noqa: B008
        trust: bytes = b"",
        seconds: float = 5.0,
        retries: int = 0,
    ) -> RegistryUpstream:
        """A client."""
        agent = EgressAgent(reactor, way, Trust(trust), seconds, persistent=False)
        self.addCleanup(agent.close)
        url = url or self.registry.url
        requests = Requests(
            url,
            agent,
            login,
            reactor,  # type: ignore[arg-type]
            lambda: 0.0,
            timeout=seconds,
            retries=retries,
            agent_name="pullthrough/test",
        )
        name = str(Origin.of(url))
        return RegistryUpstream(name, requests, reactor)  # type: ignore[arg-type]

    async def fails(self, coroutine: Any, error: type[Exception]) -> Any:
        """The error that must come."""
        try:
            await coroutine
        except error as found:
            return found
        raise AssertionError(f"no {error.__name__}")

    async def download(self, upstream: RegistryUpstream, offset: int = 0) -> bytes:
        """A blob's bytes."""
        body = await upstream.blob(APP, self.layer, offset)
        self.assertTrue(verifyObject(IUpstreamBody, body))
        self.assertEqual((body.size, body.offset), (len(LAYER), offset))
        taker = Taker()
        await body.deliver(taker)  # type: ignore[arg-type]
        self.assertGreater(taker.pauses, 0)
        return taker.data


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
            self.assertEqual(await upstream.head(APP, reference), found.descriptor)
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
        """Another host's realm never sees our credentials."""
        self.registry.login = "bearer"
        self.registry.realm = self.registry.url.replace("127.0.0.1", "localhost")
        self.registry.realm += "/token"
        await self.client().manifest(APP, V1)
        realm = [one for one in self.registry.requests if one[1] == "/token"]
        self.assertEqual(realm, [("GET", "/token", "")])

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
        """Cut short, encoded, another range: an outage each."""
        self.registry.wrong = "cut"
        body = await self.client().blob(APP, self.layer)
        await self.fails(body.deliver(Taker()), UpstreamOutage)  # type: ignore
        self.registry.wrong = "gzip"
        await self.fails(self.client().blob(APP, self.layer), UpstreamOutage)
        self.registry.wrong = "range"
        await self.fails(self.client().blob(APP, self.layer, 10), UpstreamOutage)

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


class TrustTests(ClientCase):
    """TLS."""

    async def serve_tls(self, *names: str) -> tuple[str, bytes]:
        """The registry over TLS: its URL, and who vouches for it."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = Authority(Path(folder.name))
        certificate, key = authority.issue(*names)
        context = ssl.DefaultOpenSSLContextFactory(str(key), str(certificate))
        port = reactor.listenSSL(  # type: ignore[attr-defined]
            0, Site(self.registry), context, interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        number = port.getHost().port
        return f"https://localhost:{number}", authority.certificate.read_bytes()

    async def test_a_private_authority(self) -> None:
        """Trusted when it is named, and only then; the platform's are still there."""
        url, bundle = await self.serve_tls("localhost")
        found = await self.client(url, trust=bundle).manifest(APP, V1)
        self.assertEqual(found.body, self.image.manifest)
        error = await self.fails(self.client(url).manifest(APP, V1), UpstreamOutage)
        self.assertIn("TLS failed: certificate verify failed", error.detail)

        class Context:
            """Counts what Twisted's trust root adds, by the method that it has."""

            def __init__(self) -> None:
                self.calls: list[str] = []

            def __getattr__(self, name: str) -> Any:
                self.calls.append(name)
                return lambda *args, **kwargs: self

        context = Context()
        Trust(bundle)._addCACertsToContext(context)  # type: ignore[arg-type]
        self.assertIn("set_default_verify_paths", context.calls)
        self.assertIn("add_cert", context.calls)

    async def test_another_name(self) -> None:
        """The certificate must be the host's."""
        url, bundle = await self.serve_tls("other.test")
        upstream = self.client(url, trust=bundle)
        error = await self.fails(upstream.manifest(APP, V1), UpstreamOutage)
        self.assertIn("certificate", error.detail)

    async def test_bundles(self) -> None:
        """What is no certificate is refused."""
        pem = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        self.assertRaises(TrustError, Trust, pem)
        self.assertRaises(TrustError, Trust, b"nothing")


class ProxyProtocol(Protocol):
    """An HTTP proxy for requests in absolute form, behind which are a registry, its
    token realm and its CDN."""

    def dataReceived(self, data: bytes) -> None:
        """Answer as those behind it would."""
        factory: Any = self.factory
        factory.seen.append(data)
        url = data.split(b" ")[1]
        if url.startswith(b"http://auth.hub.test/token"):
            head, body = b"200 OK", b'{"token": "t"}'
        elif url.startswith(b"http://cdn.test/"):
            head, body = b"404 Not Found", b"{}"
        elif b"\r\nAuthorization: Bearer t\r\n" in data:
            head, body = b"307 There\r\nLocation: http://cdn.test/x", b""
        else:
            challenge = b'WWW-Authenticate: Bearer realm="http://auth.hub.test/token"'
            head, body = b"401 Log In\r\n" + challenge, b""
        length = b"\r\nContent-Length: %d\r\n\r\n" % len(body)
        assert self.transport is not None
        self.transport.write(b"HTTP/1.1 " + head + length + body)


class EgressTests(ClientCase):
    """Ways out; tunnels are tested with real proxies, too."""

    async def listen(self, protocol: type[Protocol]) -> tuple[Any, str]:
        """A proxy of ours: its factory, and where it listens."""
        factory: Any = Factory.forProtocol(protocol)
        factory.seen = []
        endpoint = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
        port = await endpoint.listen(factory)
        self.addCleanup(port.stopListening)
        return factory, f"127.0.0.1:{port.getHost().port}"

    async def test_absolute_form(self) -> None:
        """Plain http goes through an HTTP proxy with its credentials: the registry, the
        realm and the CDN alike; each gets only what is its own."""
        factory, where = await self.listen(ProxyProtocol)
        way = Way(f"http://{where}", "px", "pxpass", ("direct.test",))
        upstream = self.client("http://hub.test:5000", way=way)
        await self.fails(upstream.manifest(APP, V1), Miss)
        asked = [seen.split(b" ")[1].split(b"?")[0] for seen in factory.seen]
        manifest = b"http://hub.test:5000/v2/team/app/manifests/v1"
        token = b"http://auth.hub.test/token"
        self.assertEqual(asked, [manifest, token, manifest, b"http://cdn.test/x"])
        for seen in factory.seen:
            self.assertIn(b"Proxy-Authorization: Basic cHg6cHhwYXNz\r\n", seen)
        sent = [b"\r\nAuthorization: " in seen for seen in factory.seen]
        self.assertEqual(sent, [False, True, True, False])

    async def test_hosts_without_proxy(self) -> None:
        """They are reached directly."""
        way = Way("http://127.0.0.1:9", non_proxy_hosts=("127.0.0.0/8",))
        await self.client(way=way).manifest(APP, V1)

    async def test_a_proxy_that_is_away(self) -> None:
        """The proxy is named, for each kind and each scheme."""
        for proxy in ("http://127.0.0.1:9", "socks5://127.0.0.1:9"):
            for url in ("http://hub.test:5000", "https://hub.test"):
                upstream = self.client(url, way=Way(proxy))
                error = await self.fails(upstream.manifest(APP, V1), EgressOutage)
                expected = "egress proxy 127.0.0.1:9 cannot be reached"
                self.assertTrue(error.detail.startswith(expected), error.detail)

    async def test_a_proxy_that_hangs_up(self) -> None:
        """Before it has connected, and after (as V2Ray does)."""

        class HangUp(Protocol):
            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                self.transport.loseConnection()

        class Late(HangUp):
            greeted = False

            def dataReceived(self, data: bytes) -> None:
                assert self.transport is not None
                if self.greeted:
                    self.transport.loseConnection()
                else:
                    self.greeted = True
                    self.transport.write(b"HTTP/1.1 200 OK\r\n\r\n")

        for protocol, words in ((HangUp, "refused the"), (Late, "closed the")):
            _, where = await self.listen(protocol)
            way = Way(f"http://{where}")
            upstream = self.client("https://hub.test", way=way)
            error = await self.fails(upstream.manifest(APP, V1), EgressOutage)
            expected = f"egress proxy {where} {words} connection to hub.test:443"
            self.assertTrue(error.detail.startswith(expected), error.detail)

    async def test_a_proxy_that_says_nothing(self) -> None:
        """It is given up in time."""
        _, where = await self.listen(Protocol)
        way = Way(f"socks5://{where}")
        upstream = self.client("https://hub.test", way=way, seconds=0.2)
        error = await self.fails(upstream.manifest(APP, V1), Outage)
        self.assertIn("in time", error.detail)
