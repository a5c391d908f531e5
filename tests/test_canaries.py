"""Twelve secrets go through the daemon, and are found in nothing that it says (T21)."""

import base64
import http.client
import json
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pullthrough.access.htpasswd import entry
from tests.support.pki import Authority
from tests.test_tap import ROOT, TapCase

#: What each is for.
CANARIES = {
    name: f"canary-{number:02d}-{name}"
    for number, name in enumerate(
        (
            *("egress", "hub", "bearer", "alice", "bob", "wrong", "stray"),
            *("stranger", "token", "refresh"),
        )
    )
}


class _Registry(BaseHTTPRequestHandler):
    """An upstream that says 401, leads away, and fails."""

    def do_GET(self) -> None:
        """Answer by the image's name."""
        status = 401 if "denied" in self.path else 503
        if "away" in self.path:
            status = 307
        self.send_response(status)
        if status == 307:
            self.send_header("Location", "http://127.0.0.1:9/secret?sig=x")
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class CanaryTests(TapCase):
    """One daemon, everything that it says."""

    def setUp(self) -> None:
        super().setUp()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Registry)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        authority = Authority(self.folder)
        _, key = authority.issue("localhost", "127.0.0.1")
        lines = key.read_text().splitlines()
        self.secrets = {**CANARIES, "key": lines[1]}
        users = self.folder / "users"
        hashes = [entry(name, self.secrets[name], 4) for name in ("alice", "bob")]
        users.write_text("".join(hashes))
        users.chmod(0o600)
        self.secrets["hash"] = hashes[0].partition(":")[2].strip()
        hub = self.folder / "hub"
        hub.write_text(self.secrets["hub"])
        hub.chmod(0o600)
        port = server.server_port
        self.config.write_text(
            "[pullthrough]\ndata = data\n"
            "tls_certificate = localhost.crt\ntls_key = localhost.key\n"
            "[admin]\nhttp_port = tcp:0:interface=127.0.0.1\n"
            "[auth]\nhtpasswd = users\n"
            "[http]\nretries = 0\n"
            "[repository:own]\ntype = hosted\nhttp_port = tcp:0:interface=127.0.0.1\n"
            "https_port = tcp:0:interface=127.0.0.1\n"
            "[repository:hub]\ntype = proxy\nhttp_port = tcp:0:interface=127.0.0.1\n"
            f"remote_url = http://127.0.0.1:{port}\nusername = up\n"
            "password = file:hub\n"
            "[repository:two]\ntype = proxy\nhttp_port = tcp:0:interface=127.0.0.1\n"
            f"remote_url = http://127.0.0.1:{port}/two\n"
            "bearer_token = env:CANARY\n"
            f"proxy = http://px:{self.secrets['egress']}@127.0.0.1:9\n"
        )

    def ask(
        self,
        where: str,
        method: str,
        target: str,
        authorization: str,
        body: bytes = b"",
    ) -> str:
        """Head and body of an answer."""
        connection = http.client.HTTPConnection(where, timeout=60)
        headers = {"Authorization": authorization} if authorization else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        found = response.read().decode("latin-1")
        connection.close()
        return f"{response.status}\n{response.headers}\n{found}"

    def basic(self, user: str, secret: str) -> str:
        """Credentials."""
        pair = base64.b64encode(f"{user}:{self.secrets[secret]}".encode()).decode()
        self.secrets[f"pair of {secret}"] = pair
        return f"Basic {pair}"

    def test_nowhere(self) -> None:
        """Not in answers, logs, errors, pages, metrics, the audit, --check, --clients,
        nor in what is kept of tokens."""
        said = []
        environ = {"CANARY": self.secrets["bearer"]}
        for option in ("--check", "--clients"):
            process = self.start("--config", str(self.config), option, **environ)
            said += [*process.communicate(timeout=60)]
            self.assertEqual(process.returncode, 0, said)
        bad = self.folder / "bad.ini"
        bad.write_text(
            self.config.read_text().replace("username = up", "username =")
            + "password2 = x\n"
        )
        process = self.start("--config", str(bad), "--check", **environ)
        said += [*process.communicate(timeout=60)]
        self.assertEqual(process.returncode, 1)
        process = self.start("--config", str(self.config), **environ)
        lines = self.until(process, "status and metrics")
        said += lines
        urls = [
            word.removeprefix("http://")
            for line in lines
            for word in line.split()
            if word.startswith("http://127.0.0.1:")
        ]
        own, hub, two, main = urls
        alice = self.basic("alice", "alice")
        answers = []
        for port in (own, hub, two, main):
            for authorization in (
                alice,
                self.basic("bob", "bob"),
                self.basic("alice", "wrong"),
                self.basic("stranger", "stranger"),
                f"Bearer {self.secrets['stray']}",
            ):
                for image in ("denied", "away", "failing"):
                    target = f"/v2/{image}/manifests/1"
                    answers.append(self.ask(port, "GET", target, authorization))
        form = (
            "grant_type=password&username=alice&access_type=offline&service=own&"
            f"password={self.secrets['alice']}"
        )
        got = self.ask(own, "POST", "/v2/token", "", form.encode())
        given = json.loads(got.partition("\n\n")[2].strip().splitlines()[-1])
        self.secrets["token"] = given["access_token"]
        self.secrets["refresh"] = given["refresh_token"]
        bearer = f"Bearer {given['access_token']}"
        answers.append(self.ask(own, "GET", "/v2/none/tags/list", bearer))
        for page in ("/", "/status", "/metrics", "/clients"):
            answers.append(self.ask(main, "GET", page, ""))
        process.send_signal(signal.SIGHUP)
        said += self.until(process, "reloaded: ")
        process.send_signal(signal.SIGTERM)
        said += [*process.communicate(timeout=60)]
        kept = [
            path.read_bytes().decode("latin-1")
            for path in Path(self.folder, "data").rglob("*")
            if path.is_file()
        ]
        self.assertEqual(len(answers), 4 * 5 * 3 + 1 + 4)
        self.assertGreaterEqual(len(self.secrets), 12)
        self.assertIn("wants other credentials", "".join(answers))
        self.assertNotIn("Traceback", "".join(said))
        for name, secret in self.secrets.items():
            for text in (*said, *answers, *kept):
                self.assertNotIn(secret, text, f"{name} in {text[:300]}")

    def test_a_crash(self) -> None:
        """A traceback shows no secret that the configuration holds."""
        script = (
            "from pathlib import Path\nimport os, sys\n"
            "from pullthrough.config.ini import read\n"
            "settings = read(Path(sys.argv[1]), os.environ)\n"
            "print(settings)\nraise RuntimeError(settings)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", script, str(self.config)],
            env={"CANARY": self.secrets["bearer"], "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertIn("RuntimeError", done.stderr)
        for name in ("egress", "hub", "bearer"):
            self.assertNotIn(self.secrets[name], done.stdout + done.stderr, name)
