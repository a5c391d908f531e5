"""SIGHUP: another configuration, while the daemon runs."""

import base64
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pullthrough.access.htpasswd import entry
from pullthrough.spec.digest import Digest
from pullthrough.spec.mediatypes import OCI_MANIFEST
from tests.support.images import make_image
from tests.support.pki import Authority
from tests.test_tap import TapCase

_OWN = """
[repository:own]
type = hosted
http_port = tcp:0:interface=127.0.0.1
"""
_MORE = """
[repository:more]
type = hosted
http_port = tcp:0:interface=127.0.0.1
"""


class ReloadCase(TapCase):
    """A daemon whose configuration changes."""

    def setUp(self) -> None:
        super().setUp()
        self.users("alice", "s3cret")
        self.said: list[str] = []

    def users(self, name: str, password: str) -> None:
        """The only user from the next reload on."""
        path = self.folder / "users"
        path.write_text(entry(name, password, 4))
        path.chmod(0o600)

    def configure(self, *parts: str, top: str = "") -> None:
        """Write the configuration."""
        head = f"[pullthrough]\ndata = data\n{top}[auth]\nhtpasswd = users\n"
        self.config.write_text(head + "".join(parts))

    def serve(self, *parts: str, top: str = "") -> "subprocess.Popen[str]":
        """Start."""
        self.configure(*parts, top=top)
        self.process = self.start("--config", str(self.config))
        return self.process

    def reload(self, words: str = "reloaded: ") -> str:
        """Reload, and what was said until these words."""
        self.process.send_signal(signal.SIGHUP)
        return "".join(self.until(self.process, words))

    def port_of(self, name: str) -> str:
        """Read on until a repository's port is told."""
        line = self.until(self.process, f"repository {name}")[-1]
        found = next(word for word in line.split() if "://" in word)
        return found.partition("://")[2]

    @staticmethod
    def login(user: str = "alice:s3cret") -> dict[str, str]:
        """Credentials."""
        pair = base64.b64encode(user.encode()).decode()
        return {"Authorization": f"Basic {pair}"}

    def ask(
        self,
        where: str,
        method: str,
        target: str,
        body: bytes = b"",
        user: str = "alice:s3cret",
        **headers: str,
    ) -> tuple[int, bytes]:
        """Status and body of an answer."""
        connection = http.client.HTTPConnection(where, timeout=60)
        sent = self.login(user) if user else {}
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        found = response.read()
        connection.close()
        return response.status, found


class ReloadTests(ReloadCase):
    """What a reload changes, and what it leaves alone."""

    def test_repositories_come_and_go(self) -> None:
        """A new connector opens; one that is gone closes, but what is under way on
        it ends whole; one that stays keeps its connections."""
        self.serve(_OWN)
        own = self.port_of("own")
        content = os.urandom(1024 * 1024) * 16
        digest = Digest.of(content)
        push = f"/v2/a/blobs/uploads/?digest={digest}"
        self.assertEqual(self.ask(own, "POST", push, content)[0], 201)
        staying = http.client.HTTPConnection(own, timeout=60)
        sent = self.login()
        staying.request("GET", "/v2/", headers=sent)
        staying.getresponse().read()
        self.configure(_OWN, _MORE)
        self.process.send_signal(signal.SIGHUP)
        more = self.port_of("more")
        self.until(self.process, "reloaded: 2 connectors")
        self.assertEqual(self.ask(more, "GET", "/v2/")[0], 200)
        staying.request("GET", f"/v2/a/blobs/{digest}", headers=sent)
        response = staying.getresponse()
        first = response.read(1000)
        self.configure(_MORE)
        self.reload("reloaded: 1 connectors")
        self.assertRaises(OSError, http.client.HTTPConnection(own).connect)
        self.assertEqual(first + response.read(), content)
        self.assertEqual(self.ask(more, "GET", "/v2/")[0], 200)
        # It comes back with what it had.
        self.configure(_OWN, _MORE)
        self.process.send_signal(signal.SIGHUP)
        own = self.port_of("own")
        self.assertEqual(self.ask(own, "HEAD", f"/v2/a/blobs/{digest}")[0], 200)

    def test_a_bad_one_is_refused(self) -> None:
        """Every fault is told, and nothing has changed."""
        path = self.folder / "gone.sock"
        gone = f"[repository:gone]\ntype = hosted\nhttp_port = unix:{path}\n"
        self.serve(_OWN, gone)
        own = self.port_of("own")
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        port = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
        bad = f"[repository:bad]\ntype = hosted\nhttp_port = {port}\n"
        for part, words in (
            ("[repository:bad]\ntype = x\n[http]\ntimeout = 1\n", "[http] timeout"),
            (bad, "connector of bad"),
            ("[blobstore:x]\npath = /proc/none\n", "not reloaded"),
        ):
            self.configure(_OWN, _MORE, part)
            said = self.reload(words)
            self.assertIn("not reloaded: ", said)
            self.assertNotIn("Traceback", said)
            self.assertEqual(self.ask(own, "GET", "/v2/")[0], 200)
            there = subprocess.run(
                ["curl", "-s", "--unix-socket", str(path), "http://x/v2/"],
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertIn("UNAUTHORIZED", there.stdout)
        self.configure(_OWN, top="")
        text = self.config.read_text()
        self.config.write_text(text.replace("data = data", "data = elsewhere"))
        self.reload("cannot change while the daemon runs")
        self.assertFalse((self.folder / "elsewhere").exists())

    def test_a_policy(self) -> None:
        """It holds from the next push on; an open upload session goes on."""
        self.serve(_OWN)
        own = self.port_of("own")
        connection = http.client.HTTPConnection(own, timeout=60)
        sent = self.login()
        connection.request("POST", "/v2/a/blobs/uploads/", headers=sent)
        response = connection.getresponse()
        response.read()
        location = response.headers["Location"]
        self.assertEqual(self.ask(own, "PATCH", location, b"one ")[0], 202)
        self.configure(_OWN, "write_policy = allow_once\n")
        self.reload()
        digest = Digest.of(b"one more")
        end = f"{location}?digest={digest}"
        self.assertEqual(self.ask(own, "PUT", end, b"more")[0], 201)
        self.configure(_OWN, "write_policy = deny\n")
        self.reload()
        refused = self.ask(own, "POST", "/v2/a/blobs/uploads/")
        self.assertEqual(refused[0], 403)
        self.assertEqual(self.ask(own, "GET", f"/v2/a/blobs/{digest}")[1], b"one more")

    def test_users(self) -> None:
        """An old password and its tokens are worth nothing from then on (I13)."""
        self.serve(_OWN)
        own = self.port_of("own")
        scope = "/v2/token?service=own&scope=repository:a:pull"
        token = json.loads(self.ask(own, "GET", scope)[1])["token"]
        bearer = {"Authorization": f"Bearer {token}"}
        tags = "/v2/a/tags/list"
        self.assertEqual(self.ask(own, "GET", tags, user="", **bearer)[0], 404)
        self.users("alice", "changed")
        self.reload()
        self.assertEqual(self.ask(own, "GET", tags, user="", **bearer)[0], 401)
        self.assertEqual(self.ask(own, "GET", tags)[0], 401)
        self.assertEqual(self.ask(own, "GET", tags, user="alice:changed")[0], 404)

    def test_a_certificate(self) -> None:
        """Its file is read again; a broken one is refused."""
        authority = Authority(self.folder)
        authority.issue("localhost", "127.0.0.1")
        secure = _OWN.replace("http_port", "https_port")
        top = "tls_certificate = localhost.crt\ntls_key = localhost.key\n"
        self.serve(secure, top=top)
        own = self.port_of("own")
        host, _, port = own.partition(":")
        found = []
        for _ in range(2):
            found.append(ssl.get_server_certificate((host, int(port))))
            authority.issue("localhost", "127.0.0.1")
            self.reload()
        self.assertNotEqual(found[0], found[1])
        (self.folder / "localhost.crt").write_text("nonsense")
        self.reload("not reloaded: the https connector of own: certificate")


class UpstreamTests(ReloadCase):
    """A proxy whose credentials change."""

    def test_changed_credentials(self) -> None:
        """They are used from the reload on; copies stay."""
        image = make_image(b"layer")
        good = ["old"]

        class Handler(BaseHTTPRequestHandler):
            """A registry with one image behind Basic."""

            def do_GET(self) -> None:
                """Answer."""
                pair = base64.b64encode(f"up:{good[0]}".encode()).decode()
                right = self.headers.get("Authorization") == f"Basic {pair}"
                self.send_response(200 if right else 401)
                body = image.manifest if right else b""
                if not right:
                    self.send_header("WWW-Authenticate", 'Basic realm="x"')
                self.send_header("Content-Type", OCI_MANIFEST)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        secret = self.folder / "secret"
        secret.write_text("old\n")
        secret.chmod(0o600)
        proxy = (
            "[repository:hub]\ntype = proxy\nhttp_port = tcp:0:interface=127.0.0.1\n"
            f"remote_url = http://127.0.0.1:{server.server_port}\n"
            "username = up\npassword = file:secret\n"
        )
        self.serve(proxy)
        hub = self.port_of("hub")
        self.assertEqual(self.ask(hub, "GET", "/v2/a/manifests/1")[0], 200)
        good[0] = "new"
        self.assertEqual(self.ask(hub, "GET", "/v2/a/manifests/2")[0], 404)
        secret.write_text("new\n")
        self.assertEqual(self.ask(hub, "GET", "/v2/a/manifests/2")[0], 404)
        self.reload()
        self.assertEqual(self.ask(hub, "GET", "/v2/a/manifests/2")[0], 200)
        self.assertEqual(self.ask(hub, "GET", "/v2/a/manifests/1")[0], 200)
