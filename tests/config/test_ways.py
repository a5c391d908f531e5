"""The main connector and what leads to a repository there."""

from pullthrough.spec.ways import RESERVED
from tests.config.test_ini import GOOD, ConfigCase
from tests.support.pki import Authority

MAIN = GOOD + "\n[admin]\nhttp_port = 8081\n"


class WaysTests(ConfigCase):
    """``[admin]``, ``subdomain`` and names."""

    def test_main_connector(self) -> None:
        """None, plain, or with a certificate of its own or everybody's."""
        self.assertEqual(self.parse(GOOD).admin, ())
        (plain,) = self.parse(MAIN).admin
        self.assertEqual((plain.scheme, plain.description), ("http", "tcp:8081"))
        Authority(self.folder).issue("registry.test")
        pair = "tls_certificate = registry.test.crt\ntls_key = registry.test.key\n"
        secure = "https_port = tcp:8443:interface=127.0.0.1\n"
        for text in (
            MAIN + secure + pair,
            f"{MAIN}{secure}[pullthrough]\n{pair}",
        ):
            plain, other = self.parse(text).admin
            self.assertEqual((plain.scheme, other.scheme), ("http", "https"))
            expected = self.folder / "registry.test.crt"
            self.assertEqual(other.tls_certificate, expected)
        self.fault(MAIN + secure, "[admin] https_port: needs tls_certificate")

    def test_its_port_is_its_own(self) -> None:
        """No repository listens there as well."""
        self.fault(
            MAIN.replace("8081", "5000"),
            "[repository:all] http_port: tcp:5000 is taken by [admin] http_port",
        )

    def test_subdomains(self) -> None:
        """One label each, in lower case, with a letter first; each is one's own."""
        text = MAIN.replace("type = hosted", "type = hosted\nsubdomain = my-own1")
        self.assertEqual(self.parse(text).repositories[0].subdomain, "my-own1")
        self.assertEqual(self.parse(MAIN).repositories[0].subdomain, "")
        longest = "a" * 63
        self.parse(text.replace("my-own1", longest))
        for bad in ("1a", "a-", "-a", "A", "a.b", "a_b", longest + "a", "ä"):
            self.fault(
                text.replace("my-own1", bad),
                "[repository:own] subdomain: has up to 63 lower-case letters",
            )
        twice = text.replace("type = proxy", "type = proxy\nsubdomain = my-own1")
        self.fault(twice, "[repository:hub] subdomain: is that of own already")
        alone = GOOD.replace("type = hosted", "type = hosted\nsubdomain = x")
        self.fault(alone, "[repository:own] subdomain: needs http_port or https_port")

    def test_reserved_names(self) -> None:
        """What means something else in a path is no repository's name."""
        for name in RESERVED:
            text = f"[repository:{name}]\ntype = hosted\n"
            self.fault(text, f"[repository:{name}]: {name} means something else")
        for name in ("_catalog", "Pullthrough", "-"):
            text = f"[repository:{name}]\ntype = hosted\nblob_store_name = x\n"
            found = self.faults(f"{text}[blobstore:x]\n")
            self.assertIn("a name has lower-case letters", found[0])
