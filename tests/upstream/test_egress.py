"""The ways out: trust, HTTP proxies and SOCKS."""

import tempfile
from pathlib import Path
from typing import Any

from twisted.internet import reactor, ssl
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.web.server import Site

from pullthrough.errors import (
    EgressOutage,
    Miss,
    Outage,
    UpstreamOutage,
)
from pullthrough.spec.origins import Origin
from pullthrough.upstream.egress import Way
from pullthrough.upstream.trust import ClientCertificate, Trust, TrustError
from tests.support.client import APP, V1, ClientCase
from tests.support.pki import Authority


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

    async def test_our_certificate(self) -> None:
        """It is shown to the one origin that it is for, and to no other."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        authority = Authority(Path(folder.name))
        certificate, key = authority.issue("localhost")
        ours, our_key = authority.issue("pullthrough")
        pem = ours.read_bytes() + our_key.read_bytes()
        bundle = authority.certificate.read_bytes()
        server = ssl.PrivateCertificate.loadPEM(
            certificate.read_bytes() + key.read_bytes()
        )
        options = server.options(ssl.Certificate.loadPEM(bundle))
        port = reactor.listenSSL(  # type: ignore[attr-defined]
            0, Site(self.registry), options, interface="127.0.0.1"
        )
        self.addCleanup(port.stopListening)
        url = f"https://localhost:{port.getHost().port}"
        for origin, shown in (
            (Origin.of(url), True),
            (Origin.of("https://localhost:1"), False),
            (Origin.of("https://other.test"), False),
        ):
            client = self.client(
                url, trust=bundle, certificate=ClientCertificate(origin, pem)
            )
            if shown:
                found = await client.manifest(APP, V1)
                self.assertEqual(found.body, self.image.manifest)
            else:
                await self.fails(client.manifest(APP, V1), UpstreamOutage)
        self.assertRaises(TrustError, ClientCertificate, Origin.of(url), b"nothing")

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
            error = await self.fails(upstream.manifest(APP, V1), UpstreamOutage)
            expected = f"egress proxy {where} {words} connection to hub.test:443"
            self.assertTrue(error.detail.startswith(expected), error.detail)

    async def test_a_proxy_that_says_nothing(self) -> None:
        """It is given up in time."""
        _, where = await self.listen(Protocol)
        way = Way(f"socks5://{where}")
        upstream = self.client("https://hub.test", way=way, seconds=0.2)
        error = await self.fails(upstream.manifest(APP, V1), Outage)
        self.assertIn("it did not answer within 0.2 s", error.detail)
