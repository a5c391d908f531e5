"""The main connector of a running daemon: ways in, pages, and reloading."""

import base64
import http.client
import json
import os
import subprocess

from pullthrough.spec.digest import Digest
from tests.support.pki import Authority
from tests.test_reload import ReloadCase

_MAIN = """
[admin]
http_port = tcp:0:interface=127.0.0.1
"""
_OWN = """
[repository:own]
type = hosted
subdomain = mine
"""
_MORE = """
[repository:more]
type = hosted
"""

_BASIC = {"Authorization": f"Basic {base64.b64encode(b'alice:s3cret').decode()}"}


class MainTests(ReloadCase):
    """Repositories without connectors of their own."""

    def main(self) -> str:
        """Read on until the main connector's port is told."""
        line = self.until(self.process, "serves all repositories")[-1]
        found = next(word for word in line.split() if "://" in word)
        return found.partition("://")[2]

    def test_every_way(self) -> None:
        """A layer that was pushed by path is there by every other way; pages are for
        users and for this machine."""
        self.serve(_MAIN, _OWN)
        where = self.main()
        content = os.urandom(1024 * 1024)
        digest = Digest.of(content)
        push = f"/v2/own/team/app/blobs/uploads/?digest={digest}"
        self.assertEqual(self.ask(where, "POST", push, content)[0], 201)
        blob = f"team/app/blobs/{digest}"
        for path, host in (
            (f"/v2/own/{blob}", where),
            (f"/v2/repository/own/{blob}", where),
            (f"/repository/own/v2/{blob}", where),
            (f"/v2/{blob}", "mine.registry.test"),
        ):
            found = self.ask(where, "GET", path, Host=host)
            self.assertEqual(found, (200, content))
        self.assertEqual(self.ask(where, "GET", f"/v2/{blob}")[0], 404)
        scope = "/v2/token?scope=repository:own/team/app:pull"
        token = json.loads(self.ask(where, "GET", scope)[1])["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        found = self.ask(where, "GET", f"/v2/own/{blob}", user="", **bearer)
        self.assertEqual(found, (200, content))
        for path in ("/", "/status", "/metrics"):
            self.assertEqual(self.ask(where, "GET", path, user="")[0], 200)
            outside = {"Host": "registry.test"}
            self.assertEqual(self.ask(where, "GET", path, user="", **outside)[0], 401)
            self.assertEqual(self.ask(where, "HEAD", path, **outside), (200, b""))
        metrics = self.ask(where, "GET", "/metrics")[1]
        self.assertIn(
            b'pullthrough_requests_total{method="GET",repository="own"', metrics
        )
        live = self.ask(where, "GET", "/health/live", user="", Host="registry.test")
        self.assertEqual(live, (200, b"live\n"))

    def test_repositories_come_and_go(self) -> None:
        """A reload adds and removes them on the connector that stays open."""
        self.serve(_MAIN, _OWN)
        where = self.main()
        path = "/v2/more/a/tags/list"

        def answer(connection: http.client.HTTPConnection) -> bytes:
            connection.request("GET", path, headers=_BASIC)
            return connection.getresponse().read()

        staying = http.client.HTTPConnection(where, timeout=60)
        self.assertIn(b"there is no repository more", answer(staying))
        self.configure(_MAIN, _OWN, _MORE)
        self.reload("reloaded: 1 connectors")
        self.assertNotIn(b"there is no repository more", answer(staying))
        self.assertEqual(self.ask(where, "GET", "/repository/more/v2/")[0], 200)
        self.configure(_MAIN, _MORE)
        self.reload("reloaded: 1 connectors")
        own = self.ask(where, "GET", "/v2/own/a/tags/list")[1]
        self.assertIn(b"there is no repository own", own)
        self.assertEqual(self.ask(where, "GET", "/v2/", Host="mine.test")[0], 200)
        self.configure(_MORE)
        self.reload("reloaded: 0 connectors")
        self.assertRaises(OSError, http.client.HTTPConnection(where).connect)

    def test_tls(self) -> None:
        """``[admin] https_port``, beside the plain one."""
        Authority(self.folder).issue("localhost", "127.0.0.1")
        secure = "https_port = tcp:0:interface=127.0.0.1\n"
        pair = "tls_certificate = localhost.crt\ntls_key = localhost.key\n"
        self.serve(_MAIN, secure, pair, _OWN)
        plain, https = self.main(), self.main()
        self.assertEqual(self.ask(plain, "GET", "/v2/")[0], 200)
        curl = [
            "curl",
            "-sk",
            "-u",
            "alice:s3cret",
            "-D-",
            f"https://{https}/v2/own/a/x",
        ]
        said = subprocess.run(curl, capture_output=True, text=True, timeout=60).stdout
        self.assertIn("UNSUPPORTED", said)
        begin = f"https://{https}/v2/"
        said = subprocess.run(
            ["curl", "-sk", "-D-", begin], capture_output=True, text=True, timeout=60
        ).stdout
        self.assertIn(f'realm="{begin}token"', said)
