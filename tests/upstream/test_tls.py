"""TLS towards upstreams: as towards clients, and always verified."""

import ssl
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import URI

from pullthrough.config.ini import ConfigurationError, parse
from pullthrough.upstream.destinations import Destinations
from pullthrough.upstream.egress import EgressEndpoints, Way
from pullthrough.upstream.patience import Patience
from pullthrough.upstream.trust import Trust
from tests.support.handshakes import (
    NEW,
    OLD,
    agreed,
    certificate,
    context_of,
    known_ciphers,
)
from tests.upstream.test_destinations import Resolver, ResolvingReactor

#: Options of other programs that would switch verification off.
SWITCHES = (
    *("verify", "tls_verify", "ssl_verify", "verify_tls", "insecure", "trust_all"),
    *("skip_tls_verify", "tls_insecure", "allow_insecure", "check_hostname"),
)


class UpstreamTests(SynchronousTestCase):
    """A server, and our end of a connection to it."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.pairs = {one: certificate(self.folder, one) for one in ("rsa", "ec")}
        self.trust = b"".join(pair[0].read_bytes() for pair in self.pairs.values())

    def ours(self, host: str = "localhost") -> Any:
        """A connection as it is made to an upstream."""
        reactor = ResolvingReactor(Resolver(["127.0.0.1"]))
        endpoints = EgressEndpoints(
            reactor, Way(), Trust(self.trust), Patience(), Destinations([host])
        )
        endpoint = endpoints.endpointForURI(URI.fromBytes(f"https://{host}/".encode()))
        endpoint.connect(Factory.forProtocol(Protocol)).addErrback(lambda _: None)
        return reactor.tcpClients[0][2].buildProtocol(None)

    def with_server(
        self, kind: str, server: ssl.SSLContext, host: str = "localhost"
    ) -> tuple[str, str] | None:
        """What we agree upon with a server that has a certificate of that kind."""
        server.load_cert_chain(*self.pairs[kind])
        return agreed(server, lambda: self.ours(host))

    def test_versions(self) -> None:
        """1.2 and 1.3, and nothing older, whatever the server has."""
        for kind in self.pairs:
            for version in OLD:
                server = context_of(True, version)
                self.assertIsNone(self.with_server(kind, server), version)
            found = [self.with_server(kind, context_of(True, one)) for one in NEW]
            names = [one[0] for one in found if one]
            self.assertEqual(names, ["TLSv1.2", "TLSv1.3"])

    def test_ciphers(self) -> None:
        """ECDHE and an AEAD, of all that OpenSSL knows."""
        for kind, key in (("rsa", "RSA"), ("ec", "ECDSA")):
            taken = set()
            for name in known_ciphers():
                server = context_of(True, ssl.TLSVersion.TLSv1_2, f"{name}:@SECLEVEL=0")
                if self.with_server(kind, server) is not None:
                    taken.add(name)
            self.assertEqual(
                taken,
                {
                    f"ECDHE-{key}-AES128-GCM-SHA256",
                    f"ECDHE-{key}-AES256-GCM-SHA384",
                    f"ECDHE-{key}-CHACHA20-POLY1305",
                },
            )

    def test_verified(self) -> None:
        """A certificate of nobody's we know, or for another host, ends it."""
        server = context_of(True, ssl.TLSVersion.TLSv1_3)
        self.assertIsNotNone(self.with_server("ec", server))
        self.assertIsNone(self.with_server("ec", server, "other.test"))
        self.trust = b""
        self.assertIsNone(self.with_server("ec", server))

    def test_no_switch(self) -> None:
        """There is no option that would let it pass: one that somebody tries is a
        fault, at the start and with ``--check``."""
        proxy = "[repository:hub]\ntype = proxy\nremote_url = https://hub.test\n"
        parse(proxy, self.folder, {})
        for section in ("[http]\n", ""):
            for option in SWITCHES:
                text = f"{proxy}{section}{option} = no\n"
                with self.assertRaises(ConfigurationError) as caught:
                    parse(text, self.folder, {})
                (fault,) = caught.exception.faults
                self.assertIn(option, fault)
