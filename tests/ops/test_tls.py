"""TLS towards clients: 1.2 and 1.3, forward secrecy, authenticated encryption."""

import ssl
import tempfile
from pathlib import Path
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.ops.ports import with_tls
from tests.support.handshakes import (
    NEW,
    OLD,
    agreed,
    certificate,
    context_of,
    known_ciphers,
)


class ConnectorTests(SynchronousTestCase):
    """What lies below an ``https_port``."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.factories: dict[str, Any] = {}
        for kind in ("rsa", "ec"):
            lay = with_tls(*certificate(Path(folder.name), kind), Clock())
            self.factories[kind] = lay(Factory.forProtocol(Protocol))

    def with_client(self, kind: str, client: ssl.SSLContext) -> tuple[str, str] | None:
        """What a client and a connector with a certificate of that kind agree upon."""
        return agreed(client, lambda: self.factories[kind].buildProtocol(None))

    def test_versions(self) -> None:
        """1.2 and 1.3, and nothing older, whatever the client has."""
        for kind in self.factories:
            for version in OLD:
                client = context_of(False, version)
                self.assertIsNone(self.with_client(kind, client), version)
            found = [self.with_client(kind, context_of(False, one)) for one in NEW]
            names = [one[0] for one in found if one]
            self.assertEqual(names, ["TLSv1.2", "TLSv1.3"])

    def test_ciphers(self) -> None:
        """Of all that OpenSSL knows, those with ECDHE and an AEAD: none with RC4, 3DES
        or CBC, none with the certificate's RSA key, none without authentication."""
        known = list(known_ciphers())
        weak = ("AES128-SHA", "AES256-GCM-SHA384", "ECDHE-RSA-AES128-SHA", "ADH-AES")
        for part in weak:
            self.assertTrue([one for one in known if part in one], part)
        self.assertGreater(len(known), 100)
        for kind, key in (("rsa", "RSA"), ("ec", "ECDSA")):
            taken = set()
            for name in known:
                client = context_of(
                    False, ssl.TLSVersion.TLSv1_2, f"{name}:@SECLEVEL=0"
                )
                found = self.with_client(kind, client)
                if found is not None:
                    self.assertEqual(found[1], name)
                    taken.add(name)
            self.assertEqual(
                taken,
                {
                    f"ECDHE-{key}-AES128-GCM-SHA256",
                    f"ECDHE-{key}-AES256-GCM-SHA384",
                    f"ECDHE-{key}-CHACHA20-POLY1305",
                },
            )
