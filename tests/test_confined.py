"""Credentials on a running daemon go to whom they are for, and to nobody else (T3)."""

import http.client
import sys
import threading
from collections.abc import Iterable

from pullthrough.access.htpasswd import entry
from pullthrough.spec.digest import Digest
from tests.support.confined import (
    ADDRESSES,
    CDN,
    CLEAR,
    EVIL,
    FOREIGN,
    PASSWORD,
    PINNED,
    REALM,
    REGISTRY,
    SCENARIOS,
    STATIC,
    TOKEN,
    USER,
    Five,
    image_of,
    layer_of,
)
from tests.support.exactly import login
from tests.support.recorders import RecordingProxy
from tests.test_tap import ROOT, TapCase

EGRESS = "canary-egress"
ALICE = "pw-alice"


#: Those of them that are about more than the realm.
REDIRECTS = ("plain", *list(SCENARIOS)[list(SCENARIOS).index("cdn") :])


class ConfinedCase(TapCase):
    """The daemon and five servers."""

    scheme = "https"

    def setUp(self) -> None:
        super().setUp()
        self.five = Five(self.scheme, self.folder)
        self.addCleanup(self.five.close)
        self.egress = RecordingProxy("127.0.0.7", ADDRESSES)
        self.addCleanup(self.egress.close)
        users = self.folder / "users"
        users.write_text(entry("alice", ALICE, 4))
        users.chmod(0o600)
        url = self.five.url
        ours = f"username = {USER}\npassword = {PASSWORD}\n"
        repositories = {
            "bearer": f"remote_url = {url(REGISTRY)}\n{ours}",
            "basic": f"remote_url = {url(REGISTRY, '/basic')}\n{ours}",
            "static": f"remote_url = {url(REGISTRY, '/static')}\n"
            f"bearer_token = {STATIC}\n",
            "spare": f"remote_url = {url(REGISTRY, '/down')}, {url(CDN)}\n{ours}",
            "out": f"remote_url = {url(REGISTRY)}\n{ours}"
            f"proxy = http://px:{EGRESS}@127.0.0.7:{self.egress.port}\n",
        }
        text = (
            "[pullthrough]\ndata = data\n[auth]\nhtpasswd = users\n"
            "[admin]\nhttp_port = tcp:0:interface=127.0.0.1\n"
            "[http]\nretries = 0\ntrust = ca.crt\nprivate_hosts = *.test, 127.0.0.0/8\n"
        )
        for name, lines in repositories.items():
            text += (
                f"[repository:{name}]\ntype = proxy\n{lines}auto_block = no\n"
                "cache_foreign_layers = yes\nforeign_layer_urls = *\n"
                f"index_type = custom\nindex_url = {url(FOREIGN)}\nv1_enabled = yes\n"
            )
        self.config.write_text(text)
        process = self.start("--config", str(self.config))
        line = self.until(process, "status and metrics")[-1]
        self.said: list[str] = []
        for stream in (process.stdout, process.stderr):
            # It says much, and would wait until somebody reads it.
            reading = threading.Thread(target=self.said.extend, args=(stream,))
            reading.start()
            self.addCleanup(reading.join)
        self.addCleanup(process.kill)
        where = next(word for word in line.split() if "://" in word)
        self.where = where.removeprefix("http://").strip("/")

    def command(self, *options: str) -> list[str]:
        """The daemon, which finds the servers by their names."""
        script = ROOT / "tests" / "support" / "named.py"
        table = ",".join(f"{name}={address}" for name, address in ADDRESSES.items())
        return [sys.executable, str(script), table, "pullthrough", *options]

    def ask(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        """Status and body of an answer to Alice."""
        connection = http.client.HTTPConnection(self.where, timeout=60)
        connection.request(method, path, headers=login("alice"))
        response = connection.getresponse()
        found = response.read()
        connection.close()
        return response.status, found

    def pull(self, repository: str, scenario: str) -> tuple[int, int]:
        """Ask for everything that an image has; the statuses of manifest and layer."""
        lead = f"/v2/{repository}/{scenario}/app"
        made, content = image_of(scenario), layer_of(scenario)
        layer = f"{lead}/blobs/{Digest.of(content)}"
        self.ask(f"{lead}/manifests/1", "HEAD")
        manifest, _ = self.ask(f"{lead}/manifests/1")
        self.ask(layer, "HEAD")
        status, found = self.ask(layer)
        self.assertEqual(found == content, status == 200)
        self.ask(f"{lead}/tags/list")
        self.ask(f"{lead}/referrers/{made.digest}")
        return manifest, status

    def pull_all(self, repository: str, scenarios: Iterable[str]) -> None:
        """Each as it should end; and a search."""
        found = {name: self.pull(repository, name) for name in scenarios}
        self.ask(f"/repository/{repository}/v1/search?q=x")
        expected = {name: SCENARIOS[name] for name in found}
        self.assertEqual(found, expected)

    def confined(self) -> None:
        """Each server was asked, and saw what is for it."""
        for name, server in self.five.servers.items():
            self.assertTrue(server.heads, name)
        seen = self.five.seen_by
        self.assertEqual(seen(PASSWORD), PINNED)
        self.assertEqual(seen(TOKEN), {REGISTRY})
        self.assertEqual(seen(STATIC), {REGISTRY})
        self.assertEqual(seen(USER), PINNED)
        # Nor are they for anybody's ears: what clients say, and what a proxy is told.
        self.assertEqual(seen(ALICE) | seen(EGRESS), set())


class SecureTests(ConfinedCase):
    """Upstreams over TLS."""

    def test_five_servers(self) -> None:
        """Whatever the registry says, wherever it leads: with a token realm, with
        Basic, with a token of ours, with a second registry, through an egress proxy."""
        self.pull_all("bearer", SCENARIOS)
        self.pull_all("out", SCENARIOS)
        for repository in ("basic", "static"):
            self.pull_all(repository, REDIRECTS)
        self.assertEqual(self.pull("spare", "plain"), (200, 200))
        for repository in ("bearer", "out", "basic", "static"):
            for scenario in CLEAR:
                self.pull(repository, scenario)
        self.confined()
        # Who can be listened to is asked, but has no credentials (nor are they seen).
        self.assertNotEqual(self.five.clear.heads, [])
        self.assertTrue(self.egress.has_seen(EGRESS))
        for secret in (PASSWORD, TOKEN, STATIC, USER, ALICE):
            self.assertFalse(self.egress.has_seen(secret), secret)


class PlainTests(ConfinedCase):
    """Upstreams without TLS, as in a network of one's own."""

    scheme = "http"

    def test_five_servers(self) -> None:
        """The same."""
        self.pull_all("bearer", SCENARIOS)
        for repository in ("basic", "static"):
            self.pull_all(repository, REDIRECTS)
        self.assertEqual(self.pull("spare", "plain"), (200, 200))
        self.confined()


#: They are told apart by their names alone.
assert len({REGISTRY, REALM, CDN, EVIL, FOREIGN}) == 5
