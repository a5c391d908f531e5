"""Secrets go through the daemon, and are found in nothing that it says (threat T21)."""

import base64
import http.client
import json
import signal
import subprocess
import sys
import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from urllib.parse import quote

from pullthrough.access.htpasswd import entry
from tests.support.crashing import AT_ASKING, AT_GRANTING, AT_WORK
from tests.support.leading import Leading
from tests.support.pki import Authority
from tests.test_tap import ROOT, TapCase

#: What each is for: those of the configuration; those that clients send; those that
#: are given out; those of upstreams.
CONFIGURED = ("egress", "hub", "bearer", "key", "hash")
SENT = ("alice", "bob", "wrong", "stranger", "stray", "query")
GIVEN = ("token", "refresh")
UPSTREAM = ("realm", "signature")

#: Where they must not be.
PLACES = ("logs", "errors", "metrics", "status", "traceback", "--check", "files")


class CanaryCase(TapCase):
    """A configuration with secrets in it.

    :ivar secrets: by name.
    :ivar said: all that was said, by place.
    """

    def setUp(self) -> None:
        super().setUp()
        self.secrets = {
            name: f"canary-{number:02d}-{name}"
            for number, name in enumerate((*CONFIGURED, *SENT, *UPSTREAM))
        }
        self.said: dict[str, list[str]] = {place: [] for place in PLACES}
        upstream = type(
            "Upstream",
            (Leading,),
            {"token": self.secrets["realm"], "signature": self.secrets["signature"]},
        )
        server = ThreadingHTTPServer(("127.0.0.1", 0), upstream)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        _, key = Authority(self.folder).issue("localhost", "127.0.0.1")
        self.secrets["key"] = key.read_text().splitlines()[1]
        hashes = [entry(name, self.secrets[name], 4) for name in ("alice", "bob")]
        self.secrets["hash"] = hashes[0].partition(":")[2].strip()
        for name, text in (("users", "".join(hashes)), ("hub", self.secrets["hub"])):
            (self.folder / name).write_text(text)
            (self.folder / name).chmod(0o600)
        self.environ = {"CANARY": self.secrets["bearer"]}
        url = f"http://127.0.0.1:{server.server_port}"
        port = "http_port = tcp:0:interface=127.0.0.1\n"
        self.config.write_text(
            "[pullthrough]\ndata = data\n"
            "tls_certificate = localhost.crt\ntls_key = localhost.key\n"
            f"[admin]\n{port}[auth]\nhtpasswd = users\n[http]\nretries = 0\n"
            f"[repository:own]\ntype = hosted\n{port}"
            "https_port = tcp:0:interface=127.0.0.1\n"
            f"[repository:hub]\ntype = proxy\n{port}remote_url = {url}\n"
            "username = up\npassword = file:hub\nauto_block = no\n"
            f"[repository:two]\ntype = proxy\n{port}remote_url = {url}/two\n"
            "bearer_token = env:CANARY\n"
            f"proxy = http://px:{self.secrets['egress']}@127.0.0.1:9\n"
            f"[repository:three]\ntype = proxy\n{port}remote_url = {url}/three\n"
            "bearer_token = env:CANARY\nauto_block = no\n"
        )

    def command(self, *options: str) -> list[str]:
        """The daemon, which crashes where it is told to."""
        script = ROOT / "tests" / "support" / "crashing.py"
        return [sys.executable, str(script), "pullthrough", *options]

    def ask(
        self,
        where: str,
        method: str,
        target: str,
        authorization: str = "",
        body: bytes = b"",
    ) -> tuple[int, str]:
        """The status of an answer; its head and body."""
        connection = http.client.HTTPConnection(where, timeout=60)
        headers = {"Authorization": authorization} if authorization else {}
        if body:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        found = response.read().decode("latin-1")
        connection.close()
        return response.status, f"{response.headers}\n{found}"

    def basic(self, user: str, secret: str) -> str:
        """Credentials."""
        pair = base64.b64encode(f"{user}:{self.secrets[secret]}".encode()).decode()
        self.secrets[f"pair of {secret}"] = pair
        return f"Basic {pair}"

    def nowhere(self) -> None:
        """Nothing that was said, anywhere, has a secret in it, as it is or encoded."""
        for place, texts in self.said.items():
            self.assertTrue(any(texts), place)
            for name, secret in self.secrets.items():
                plain = secret.encode()
                forms = (secret, quote(secret, safe=""), plain.hex())
                encoded = base64.b64encode(plain).decode().rstrip("=")
                for text in texts:
                    for form in (*forms, encoded):
                        self.assertNotIn(form, text, f"{name} in {place}: {text[:300]}")


class CanaryTests(CanaryCase):
    """One daemon, everything that it says."""

    def test_nowhere(self) -> None:
        """Not in logs, not in what is told of errors, in metrics and status, in the
        traceback of a bug, in what --check prints; nor in what is kept of tokens."""
        self.check()
        process = self.start("--config", str(self.config), **self.environ)
        lines = self.until(process, "status and metrics")
        self.said["logs"] += lines
        own, hub, two, three, main = [
            word.removeprefix("http://")
            for line in lines
            for word in line.split()
            if word.startswith("http://127.0.0.1:")
        ]
        said = self.reader(process)
        self.tokens(own)
        self.errors(own, hub, two, three, main)
        crashes = self.crashes(own, hub, two, three)
        for page in ("/", "/status", "/clients", "/health/live"):
            status, text = self.ask(main, "GET", page)
            self.assertEqual(status, 200, page)
            self.said["status"].append(text)
        self.said["metrics"].append(self.ask(main, "GET", "/metrics")[1])
        process.send_signal(signal.SIGHUP)
        while " reloaded: " not in self.said["logs"][-1]:
            self.said["logs"].append(said.get(timeout=60))
        process.send_signal(signal.SIGTERM)
        while line := said.get(timeout=60):
            self.said["logs"].append(line)
        self.said["files"] = [
            path.read_bytes().decode("latin-1")
            for path in Path(self.folder, "data").rglob("*")
            if path.is_file()
        ]
        logs = "".join(self.said["logs"])
        _, traceback, rest = logs.partition("Traceback")
        self.said["traceback"] = [traceback + rest]
        for words in ("RuntimeError: (", "Traceback (most recent call last)"):
            self.assertEqual(logs.count(words), crashes, logs)
        self.assertIn("pullthrough_requests", self.said["metrics"][0])
        self.assertIn(" alice own ", logs)
        self.assertGreaterEqual(len({*CONFIGURED, *SENT, *GIVEN, *UPSTREAM}), 12)
        self.assertLessEqual({*CONFIGURED, *SENT, *GIVEN, *UPSTREAM}, {*self.secrets})
        self.nowhere()

    def reader(self, process: "subprocess.Popen[str]") -> "Queue[str]":
        """What it says from now on, and at last nothing; else it would wait."""
        said: Queue[str] = Queue()
        errors: list[str] = []

        def read_errors() -> None:
            assert process.stderr is not None
            errors.extend(process.stderr)

        def read_output() -> None:
            assert process.stdout is not None
            for line in process.stdout:
                said.put(line)
            beside.join()
            for line in (*errors, ""):
                said.put(line)

        beside = threading.Thread(target=read_errors)
        beside.start()
        reading = threading.Thread(target=read_output)
        reading.start()
        self.addCleanup(reading.join)
        self.addCleanup(process.kill)
        return said

    def check(self) -> None:
        """What the options print, of a right configuration and a wrong one."""
        said = self.said["--check"]
        for option in ("--check", "--clients"):
            process = self.start("--config", str(self.config), option, **self.environ)
            said += process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, said)
        bad = self.folder / "bad.ini"
        text = self.config.read_text().replace("username = up", "username =")
        text = text.replace("px:", "p x:").replace("[http]", "[http]\nproxy = x")
        bad.write_text(f"{text}password2 = {self.secrets['hub']}\n")
        process = self.start("--config", str(bad), "--check", **self.environ)
        said += process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1)
        self.assertIn("password2", said[-1])

    def tokens(self, own: str) -> None:
        """Get tokens from us, and use them."""
        form = (
            "grant_type=password&username=alice&access_type=offline&service=own&"
            f"scope=repository:none:pull&password={self.secrets['alice']}"
        )
        status, got = self.ask(own, "POST", "/v2/token", "", form.encode())
        self.assertEqual(status, 200)
        given = json.loads(got.strip().splitlines()[-1])
        self.secrets["token"] = given["access_token"]
        self.secrets["refresh"] = given["refresh_token"]
        bearer = f"Bearer {given['access_token']}"
        told = self.said["errors"]
        status, got = self.ask(own, "GET", "/v2/none/tags/list", bearer)
        told.append(got)
        self.assertEqual(status, 404)
        again = f"grant_type=refresh_token&refresh_token={self.secrets['refresh']}"
        wrong = form.replace(self.secrets["alice"], self.secrets["wrong"])
        for body, expected in (
            (again, 200),
            (f"{again}x", 401),
            (again.replace("grant_type", "x"), 400),
            (wrong, 401),
            (f"grant_type=%ff&{form}", 400),
        ):
            status, got = self.ask(own, "POST", "/v2/token", "", body.encode())
            self.assertEqual(status, expected)
            if status != 200:
                told.append(got)

    def errors(self, *ports: str) -> None:
        """Fail in every way, with every kind of credentials."""
        told = self.said["errors"]
        query = f"?access_token={self.secrets['query']}&n={self.secrets['query']}"
        for port in ports:
            for authorization in (
                self.basic("alice", "alice"),
                self.basic("bob", "bob"),
                self.basic("alice", "wrong"),
                self.basic("stranger", "stranger"),
                f"Bearer {self.secrets['stray']}",
                f"Bearer {self.secrets['token']}",
            ):
                for image in ("denied", "locked", "away", "failing"):
                    target = f"/v2/{image}/manifests/1"
                    status, text = self.ask(port, "GET", target, authorization)
                    self.assertGreaterEqual(status, 400)
                    told.append(text)
            target = f"/v2/denied/tags/list{query}"
            told.append(self.ask(port, "GET", target, self.basic("alice", "alice"))[1])
        self.assertIn("wants other credentials", "".join(told))

    def crashes(self, own: str, hub: str, two: str, three: str) -> int:
        """Come to bugs; to how many."""
        told = self.said["errors"]
        alice = self.basic("alice", "alice")
        query = f"?access_token={self.secrets['query']}"
        target = f"/v2/{AT_WORK}/tags/list{query}"
        requests = [(own, "GET", target, alice, b"")]
        target = f"/v2/{AT_ASKING}/manifests/1{query}"
        requests += [(port, "GET", target, alice, b"") for port in (hub, two, three)]
        scope = f"repository:{AT_GRANTING}:pull"
        asked = f"/v2/token?service=own&scope={scope}"
        requests.append((own, "GET", asked, alice, b""))
        form = (
            f"grant_type=password&username=alice&service=own&scope={scope}&"
            f"password={self.secrets['alice']}"
        )
        requests.append((own, "POST", "/v2/token", "", form.encode()))
        form = f"grant_type=refresh_token&service=own&scope={scope}&refresh_token="
        form += self.secrets["refresh"]
        requests.append((own, "POST", "/v2/token", "", form.encode()))
        for request in requests:
            status, text = self.ask(*request)
            self.assertEqual(status, 500, request)
            told.append(text)
        return len(requests)


class CrashTests(CanaryCase):
    """Before the daemon runs."""

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
            env={**self.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertIn("RuntimeError", done.stderr)
        self.said = {"traceback": [done.stderr], "output": [done.stdout]}
        self.nowhere()
