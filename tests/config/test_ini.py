"""The configuration: what it means, and every fault at once."""

import math
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from pullthrough.config.ini import ConfigurationError, parse, read
from pullthrough.config.model import Kind, Settings
from pullthrough.config.secrets import Secret
from tests.support.pki import Authority

ROOT = Path(__file__).parents[2]

GOOD = """
[repository:own]
type = hosted
http_port = 8090

[repository:hub]
type = proxy
remote_url = https://registry-1.docker.io/

[repository:all]
type = group
http_port = 5000
member_names = own, hub
writable_member = own
"""


class ConfigCase(SynchronousTestCase):
    """A folder that paths are relative to."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def parse(self, text: str, **environ: str) -> Settings:
        """Read a text that must be right."""
        return parse(text, self.folder, environ)

    def faults(self, text: str, **environ: str) -> list[str]:
        """The faults of a text that must be wrong."""
        with self.assertRaises(ConfigurationError) as caught:
            parse(text, self.folder, environ)
        self.assertEqual(str(caught.exception), "\n".join(caught.exception.faults))
        return caught.exception.faults

    def fault(self, text: str, expected: str, **environ: str) -> None:
        """A text with exactly one fault, which begins so."""
        found = self.faults(text, **environ)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(expected), found[0])


class MeaningTests(ConfigCase):
    """What a right configuration means."""

    def test_defaults(self) -> None:
        """The smallest configuration, and all that it implies."""
        settings = self.parse(GOOD)
        self.assertEqual(settings.data, self.folder / "var")
        own, hub, group = settings.repositories
        self.assertEqual((own.kind, hub.kind, group.kind), tuple(Kind))
        self.assertEqual(own.connectors[0].description, "tcp:8090")
        self.assertEqual(own.connectors[0].scheme, "http")
        self.assertEqual(own.blob_store_name, "own")
        assert hub.remote is not None
        self.assertEqual(hub.remote.url, "https://registry-1.docker.io")
        self.assertTrue(hub.remote.library)
        self.assertEqual(hub.remote.freshness.metadata_max_age, 86400)
        self.assertEqual(group.member_names, ("own", "hub"))
        stores = {store.name: store.path for store in settings.blob_stores}
        blobs = self.folder / "var" / "blobs"
        self.assertEqual(stores, {"own": blobs / "own", "hub": blobs / "hub"})
        self.assertEqual(settings.http.egress.proxy, "direct")
        self.assertEqual((settings.http.timeout, settings.http.retries), (None, 2))
        self.assertFalse(settings.auth.anonymous_access)
        self.assertEqual(
            (settings.connections, settings.connections_per_address), (4096, 256)
        )
        self.assertEqual(
            (settings.transfers_per_client, settings.transfers_per_user), (64, 1024)
        )
        self.assertEqual(settings.uploads_per_image, 16)
        self.assertEqual(settings.workers, 1)

    def test_limits(self) -> None:
        """What clients may have at once."""
        settings = self.parse(
            f"{GOOD}\n[pullthrough]\nconnections = 100\nconnections_per_address = 10\n"
            "transfers_per_client = 3\ntransfers_per_user = 4\nuploads_per_image = 5\n"
            "workers = 3\n"
        )
        self.assertEqual(settings.workers, 3)
        self.assertEqual(
            (settings.connections, settings.connections_per_address), (100, 10)
        )
        self.assertEqual(
            (settings.transfers_per_client, settings.transfers_per_user), (3, 4)
        )
        self.assertEqual(settings.uploads_per_image, 5)

    def test_everything(self) -> None:
        """Every option, written out."""
        authority = Authority(self.folder)
        authority.issue("registry.test")
        (self.folder / "users").write_text("")
        (self.folder / "users").chmod(0o640)
        (self.folder / "hub.password").write_text("p#;w\n")
        (self.folder / "hub.password").chmod(0o600)
        settings = self.parse(
            """
            [pullthrough]
            data = data
            tls_certificate = registry.test.crt
            tls_key = registry.test.key
            [http]
            proxy = socks5://us%40er:p%3Ass@127.0.0.1:1080   ; V2Ray
            non_proxy_hosts = *.corp.example, 10.0.0.0/8
                registry.test
            timeout = 5s
            retries = 0
            user_agent_suffix = (corp)
            trust = ca.crt
            [auth]
            htpasswd = users
            anonymous_access = yes
            [blobstore:fast]
            path = /srv/fast
            [repository:own]
            type = hosted
            https_port = tcp6:8443
            force_basic_auth = yes
            blob_store_name = fast
            [repository:one]
            type = proxy
            remote_url = http://hub.test:5000/base
            username = me
            password = file:hub.password
            proxy = http://proxy.test:3128
            library = yes
            metadata_max_age = never
            blob_store_name = fast
            http_port = unix:/run/one.sock
            [repository:two]
            type = proxy
            remote_url = https://ghcr.io
            bearer_token = env:TOKEN
            proxy = direct
            metadata_max_age = 5m
            http_port = systemd:domain=INET:name=two
            """.replace("            [", "[").replace("\n            ", "\n"),
            TOKEN="t0k3n",
        )
        egress = settings.http.egress
        self.assertEqual(egress.proxy, "socks5://127.0.0.1:1080")
        self.assertEqual((egress.username, egress.password.reveal()), ("us@er", "p:ss"))
        hosts = ("*.corp.example", "10.0.0.0/8", "registry.test")
        self.assertEqual(egress.non_proxy_hosts, hosts)
        own, one, two = settings.repositories
        self.assertTrue(own.force_basic_auth)
        self.assertEqual(own.connectors[0].scheme, "https")
        self.assertEqual(
            own.connectors[0].tls_certificate, self.folder / "registry.test.crt"
        )
        assert one.remote is not None
        assert two.remote is not None
        self.assertEqual(one.remote.password.reveal(), "p#;w")
        self.assertEqual(
            one.remote.egress and one.remote.egress.proxy, "http://proxy.test:3128"
        )
        self.assertEqual(one.remote.freshness.metadata_max_age, math.inf)
        self.assertEqual(two.remote.bearer_token.reveal(), "t0k3n")
        self.assertEqual(two.remote.egress and two.remote.egress.proxy, "direct")
        self.assertFalse(two.remote.library)

    def test_the_one_we_ship(self) -> None:
        """It is right as it is, and mentions every option there is."""
        path = ROOT / "etc" / "registry.ini"
        settings = read(path, {})
        self.assertEqual(len(settings.repositories), 5)
        text = path.read_text()
        for option in (
            *("data", "workers", "tls_certificate", "tls_key"),
            *("proxy", "non_proxy_hosts"),
            *("timeout", "retries", "user_agent_suffix", "trust", "htpasswd"),
            *("anonymous_access", "path", "type", "http_port", "https_port"),
            *("force_basic_auth", "blob_store_name", "remote_url", "username"),
            *("password", "bearer_token", "library", "metadata_max_age"),
            *("member_names", "writable_member", "online", "write_policy"),
            *("latest_policy", "v1_enabled", "trusted_proxies"),
            *("proxy_protocol", "connections", "connections_per_address"),
            *("transfers_per_client", "transfers_per_user", "uploads_per_image"),
            "strict_content_type_validation",
            *("private_hosts", "offline", "content_max_age", "stale_max_age"),
            *("metadata_max_age.latest", "deleted_tags", "negative_cache_enabled"),
            *("negative_cache_time_to_live", "auto_block", "blocked", "role"),
            *(
                "routing_rule_name",
                "index_type",
                "index_url",
                "owns",
                "tls_client_ca",
                "tls_client_certificate",
                "tls_client_key",
                "namespaces",
                "subdomain",
                "cache_foreign_layers",
                "foreign_layer_urls",
                "mode",
                "images",
                "tags",
            ),
        ):
            self.assertIn(f"{option} =", text)

    def test_proxy_protocol(self) -> None:
        """Addresses, networks and ``unix``; nobody by default."""
        self.assertEqual(self.parse(GOOD).proxy_protocol, ())
        top = "[pullthrough]\nproxy_protocol = 10.0.0.6, 2001:db8::/32, unix\n"
        expected = ("10.0.0.6", "2001:db8::/32", "unix")
        self.assertEqual(self.parse(top + GOOD).proxy_protocol, expected)

    def test_the_environment(self) -> None:
        """It overrides what is in the file; what it means nothing is a fault."""
        settings = self.parse(
            GOOD,
            PULLTHROUGH__AUTH__ANONYMOUS_ACCESS="yes",
            PULLTHROUGH__REPOSITORY_OWN__HTTP_PORT="8091",
            OTHER="x",
        )
        self.assertTrue(settings.auth.anonymous_access)
        self.assertEqual(settings.repositories[0].connectors[0].description, "tcp:8091")
        for name in ("PULLTHROUGH__NONE__X", "PULLTHROUGH__AUTH"):
            self.fault(GOOD, f"{name}: ", **{name: "1"})

    def test_secrets_from_systemd(self) -> None:
        """credential:NAME."""
        (self.folder / "hub").write_text("s3cret\n")
        text = GOOD.replace(
            "type = proxy", "type = proxy\nusername = me\npassword = credential:hub"
        )
        settings = self.parse(text, CREDENTIALS_DIRECTORY=str(self.folder))
        remote = settings.repositories[1].remote
        self.assertEqual(remote and remote.password.reveal(), "s3cret")
        self.fault(text, "[repository:hub] password: there are no systemd")

    def test_secrets_never_show(self) -> None:
        """Neither as text nor as what a debugger prints."""
        secret = Secret("hunter2")
        for shown in (str(secret), repr(secret), f"{secret}", repr([secret])):
            self.assertNotIn("hunter2", shown)
        self.assertEqual(secret, Secret("hunter2"))
        self.assertNotEqual(secret, "hunter2")
        self.assertEqual(len({secret, Secret("hunter2")}), 1)
        self.assertFalse(Secret(""))
        self.assertEqual(repr(Secret("")), "Secret()")


class FaultTests(ConfigCase):
    """What is wrong, and how it is told."""

    def test_all_at_once(self) -> None:
        """Every fault is told, each with its place."""
        found = self.faults(
            "[pullthrough]\nfoo = 1\n[http]\nproxy = socks4://x\ntimeout = 30\n"
            "[nonsense]\nx = 1\n"
            "[repository:p]\ntype = proxy\nremote_ur = x\nblob_store_name = zz\n"
            "[repository:a]\ntype = group\nmember_names = b, c\nhttp_port = 80\n"
            "[repository:b]\ntype = group\nmember_names = a\nwritable_member = x\n"
            "http_port = 80\n"
        )
        for expected in (
            "[pullthrough] foo: there is no such option here",
            "[http] proxy: must begin with http:// or socks5://",
            "[http] timeout: a duration has a unit: 30s",
            "[nonsense]: there is no such section",
            "[repository:p] remote_url: a proxy needs",
            "[repository:p] remote_ur: there is no such option here; did you mean"
            " remote_url?",
            "[repository:p] blob_store_name: there is no [blobstore:zz]",
            "[repository:a] member_names: there is no repository c",
            "[repository:a] member_names: the group contains itself",
            "[repository:b] member_names: the group contains itself",
            "[repository:b] writable_member: x is not one of its members",
            "[repository:b] http_port: tcp:80 is taken by [repository:a] http_port",
        ):
            self.assertTrue(any(one.startswith(expected) for one in found), expected)
        self.assertEqual(len(found), 12)

    def test_the_file(self) -> None:
        """What is no INI file at all."""
        for text, expected in (
            ("x = 1\n", "line 1: an option stands before the first [section]"),
            ("[a]\nnonsense\n", "line 2: is not OPTION = VALUE"),
            ("[a]\nx = 1\nx = 2\n", "[a] x: stands twice, line 3"),
            ("[a]\n[a]\n", "[a]: stands twice, line 2"),
            ("[a]\r\nx = \0\r\n", "line 2: has a control character"),
            ("[\0]\n", "line 1: has a control character"),
            ("[a]\n\tx = 1\x9b31m\n", "line 2: has a control character"),
            ("", "[repository:NAME]: there is no repository"),
        ):
            self.fault(text, expected)
        with self.assertRaises(ConfigurationError) as caught:
            read(self.folder / "none.ini", {})
        self.assertIn("cannot be read", str(caught.exception))
        (self.folder / "latin").write_bytes(b"\xe4")
        with self.assertRaises(ConfigurationError):
            read(self.folder / "latin", {})

    def test_values(self) -> None:
        """A wrong value is told with the right form."""
        for section, option, value, reason in (
            ("pullthrough", "trusted_proxies", "proxy.example", "'proxy.example' does"),
            ("pullthrough", "proxy_protocol", "10.0.0.1/33", "'10.0.0.1/33' does"),
            ("pullthrough", "connections", "15", "must be from 16 to"),
            ("pullthrough", "connections_per_address", "0", "must be from 1 to"),
            ("pullthrough", "transfers_per_client", "0", "must be from 1 to"),
            ("pullthrough", "transfers_per_user", "many", "must be a whole number"),
            ("pullthrough", "uploads_per_image", "0", "must be from 1 to"),
            ("pullthrough", "workers", "0", "must be from 1 to 16"),
            ("pullthrough", "workers", "17", "must be from 1 to 16"),
            ("pullthrough", "workers", "all", "must be a whole number"),
            ("http", "timeout", "0s", "must be from 1s"),
            ("http", "timeout", "3601s", "must be from 1s"),
            ("http", "timeout", "soon", "a duration is written like"),
            ("http", "retries", "x", "must be a whole number"),
            ("http", "retries", "11", "must be from 0 to 10"),
            ("http", "non_proxy_hosts", "a b", "'a b' is no host"),
            ("http", "proxy", "http://x", "the proxy's port is missing"),
            ("http", "proxy", "http://x:1/y", "a proxy has no path"),
            ("http", "proxy", "http://x:99999", "is no URL"),
            ("http", "proxy", "http://[::1]x:80", "must name a host, perhaps with"),
            ("http", "proxy", "http://me:pw@a;b:80", "must name a host, perhaps with"),
            ("http", "proxy", "http://x:0", "must not have port 0"),
            ("http", "trust", "none.pem", str(self.folder)),
            ("http", "user_agent_suffix", "ü", "must be printable ASCII"),
            ("auth", "anonymous_access", "perhaps", "say yes or no"),
            ("auth", "htpasswd", "none", str(self.folder)),
        ):
            text = f"{GOOD}\n[{section}]\n{option} = {value}\n"
            self.fault(text, f"[{section}] {option}: {reason}")

    def test_one_fault_one_line(self) -> None:
        """Also of a value that has several."""
        text = f"{GOOD}\n[auth]\nhtpasswd = a\n  b\n"
        self.fault(text, f"[auth] htpasswd: {self.folder}/a b cannot be read")

    def test_repositories(self) -> None:
        """What a repository may not be."""
        for change, expected in (
            (("type = hosted", ""), "[repository:own] type: is missing"),
            (("type = hosted", "type = maven"), "[repository:own] type: must be"),
            (("8090", "70000"), "[repository:own] http_port: must be from 1 to"),
            (("8090", "tls:1"), "[repository:own] http_port: must be a port, or"),
            (("8090", "tcp:x"), "[repository:own] http_port: must be a whole"),
            (("8090", "5000"), "[repository:all] http_port: tcp:5000 is taken by"),
            (
                ("8090", "tcp:5000:interface=127.0.0.1"),
                "[repository:all] http_port: tcp:5000 is taken by",
            ),
            (("http_port = 8090", "https_port = 1"), "[repository:own] https_port:"),
            (
                ("https://registry-1.docker.io/", "https://me:pw@hub.test"),
                "[repository:hub] remote_url: credentials belong",
            ),
            (
                ("https://registry-1.docker.io/", "hub.test"),
                "[repository:hub] remote_url: must begin with",
            ),
            (
                ("https://registry-1.docker.io/", "https://hub.test/?x"),
                "[repository:hub] remote_url: must have no query",
            ),
            (
                ("type = proxy", "type = proxy\nusername = me"),
                "[repository:hub] password: username and password go together",
            ),
            (
                ("type = proxy", "type = proxy\npassword = x"),
                "[repository:hub] username: username and password go together",
            ),
            (
                (
                    "type = proxy",
                    "type = proxy\nusername = a\npassword = b\nbearer_token = c",
                ),
                "[repository:hub] bearer_token: goes without",
            ),
            (
                ("type = proxy", "type = proxy\nmetadata_max_age = 24"),
                "[repository:hub] metadata_max_age: a duration has a unit",
            ),
            (
                ("type = hosted", "type = hosted\nremote_url = https://x"),
                "[repository:own] remote_url: there is no such option here",
            ),
            (
                ("type = hosted", "type = hosted\nwrite_policy = once"),
                "[repository:own] write_policy: must be allow, allow_once or deny",
            ),
            (
                ("type = hosted", "type = hosted\nlatest_policy = yes"),
                "[repository:own] latest_policy: only goes with",
            ),
            (
                ("member_names = own, hub", ""),
                "[repository:all] member_names: a group needs members",
            ),
            (
                ("writable_member = own", "writable_member = hub"),
                "[repository:all] writable_member: hub is not a hosted",
            ),
            (
                ("[repository:own]", "[repository:Own]"),
                "[repository:Own]: a name has",
            ),
        ):
            found = self.faults(GOOD.replace(*change))
            self.assertTrue(any(one.startswith(expected) for one in found), found)

    def test_ports_that_do_not_collide(self) -> None:
        """Other interfaces, other kinds, any port."""
        for first, second in (
            ("tcp:5000:interface=127.0.0.1", "tcp:5000:interface=10.0.0.1"),
            ("tcp6:5000", "5000"),
            ("tcp:0", "tcp:0"),
            ("unix:/a", "unix:/b"),
            ("systemd:domain=INET:name=a", "systemd:domain=INET:name=b"),
        ):
            self.parse(GOOD.replace("8090", first).replace("5000\nm", f"{second}\nm"))

    def test_stores(self) -> None:
        """Two in one folder."""
        self.fault(
            GOOD + "[blobstore:a]\npath = x\n[blobstore:b]\npath = ./x\n",
            "[blobstore:b] path: ",
        )

    def test_password_files(self) -> None:
        """Not there, or open to everybody; the password is never told."""
        path = self.folder / "pw"
        text = GOOD.replace(
            "type = proxy", "type = proxy\nusername = me\npassword = file:pw"
        )
        self.fault(text, "[repository:hub] password: ")
        path.write_text("hunter2")
        path.chmod(0o644)
        (found,) = self.faults(text)
        self.assertIn("open to everybody", found)
        self.assertNotIn("hunter2", found)
        path.chmod(0o640)
        self.parse(text)
        path.write_bytes(b"\xff")
        self.fault(text, "[repository:hub] password: ")
        text = text.replace("file:pw", "env:NONE")
        self.fault(text, "[repository:hub] password: the environment has no NONE")

    @given(st.text(max_size=300))
    def test_any_text(self, text: str) -> None:
        """No text breaks it: it is right, or its faults are told."""
        try:
            parse(text, Path("/nowhere"), {})
        except ConfigurationError as error:
            self.assertTrue(error.faults)
