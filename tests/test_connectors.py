"""Connectors of every kind, and the end of a busy one, on a running daemon."""

import base64
import http.client
import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from pullthrough.spec.digest import Digest
from tests.support.pki import Authority
from tests.test_tap import ROOT, TapCase

_HEAD = """
[pullthrough]
data = data
tls_certificate = localhost.crt
tls_key = localhost.key
[repository:own]
type = hosted
"""


class ConnectorTests(TapCase):
    """A hosted repository behind one connector, or two."""

    def serve(self, *lines: str) -> "tuple[subprocess.Popen[str], list[str]]":
        """Start the daemon; it, and the URLs of its connectors."""
        self.authority = Authority(self.folder)
        self.authority.issue("localhost", "127.0.0.1")
        self.config.write_text(_HEAD + "\n".join(lines) + "\n")
        process = self.start("--config", str(self.config))
        said = self.until(process, "user admin has the password in")
        self.assertNotIn("Traceback", "".join(said))
        urls = [
            word
            for line in said
            for word in line.split()
            if word.startswith(("http://", "https://"))
        ]
        return process, urls

    def password(self) -> str:
        """The generated one."""
        return (self.folder / "data" / "admin.password").read_text().strip()

    def curl(self, *arguments: str) -> str:
        """What the daemon answers to the admin."""
        done = subprocess.run(
            ["curl", "-sS", "-g", "-u", f"admin:{self.password()}", *arguments],
            env={key: os.environ[key] for key in ("PATH",)},
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    def test_tls(self) -> None:
        """HTTPS beside HTTP; TLS 1.2 and 1.3, and nothing older."""
        _, urls = self.serve(
            "http_port = tcp:0:interface=127.0.0.1",
            "https_port = tcp:0:interface=127.0.0.1",
        )
        plain, secure = urls
        self.assertTrue(secure.startswith("https://"))
        trust = ("--cacert", str(self.authority.certificate))
        self.assertEqual(self.curl(f"{plain}/v2/"), "{}")
        for version in ("--tlsv1.3", "--tls-max 1.2"):
            options = version.split()
            self.assertEqual(self.curl(*trust, *options, f"{secure}/v2/"), "{}")
        old = self.curl(*trust, "--tls-max", "1.1", f"{secure}/v2/")
        self.assertNotIn("{}", old)
        self.assertIn("alert", old)
        challenge = self.curl(*trust, "-i", "-u", ":", f"{secure}/v2/")
        self.assertIn('realm="https://', challenge)

    def test_client_certificates(self) -> None:
        """Who shows one of the authority is logged in by its CN; who shows none may
        use a password; one of another authority fails the handshake."""
        _, (secure,) = self.serve(
            "https_port = tcp:0:interface=127.0.0.1", "tls_client_ca = ca.crt"
        )
        self.authority.issue("alice")
        Authority(self.folder / "other").issue("mallory")
        trust = ("--cacert", str(self.authority.certificate))

        def ask(folder: Path, name: str, *more: str) -> str:
            shown = ("--cert", f"{folder / name}.crt", "--key", f"{folder / name}.key")
            done = subprocess.run(
                [
                    "curl",
                    "-sS",
                    *trust,
                    *(shown if name else ()),
                    *more,
                    f"{secure}/v2/",
                ],
                env={key: os.environ[key] for key in ("PATH",)},
                capture_output=True,
                text=True,
                timeout=60,
            )
            return done.stdout + done.stderr

        self.assertEqual(ask(self.folder, "alice"), "{}")
        self.assertIn("UNAUTHORIZED", ask(self.folder, ""))
        password = ("-u", f"admin:{self.password()}")
        self.assertEqual(ask(self.folder, "", *password), "{}")
        self.assertIn("alert", ask(self.folder / "other", "mallory"))

    def test_ipv6(self) -> None:
        """An address in brackets."""
        if not socket.has_ipv6 or not Path("/proc/net/if_inet6").read_text():
            self.skipTest("needs IPv6")
        _, urls = self.serve(r"http_port = tcp6:0:interface=\:\:1")
        self.assertTrue(urls[0].startswith("http://[::1]:"), urls)
        self.assertEqual(self.curl(f"{urls[0]}/v2/"), "{}")

    def test_systemd_holds_the_port(self) -> None:
        """A socket that systemd has opened is taken over by its name."""
        activate = shutil.which("systemd-socket-activate")
        if activate is None:
            self.skipTest("needs systemd-socket-activate")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.config.write_text(
            _HEAD.replace("tls_", "; tls_")
            + "http_port = systemd:domain=INET:name=registry\n"
        )
        process = subprocess.Popen(
            [
                *(activate, "-l", f"127.0.0.1:{port}", "--fdname=registry"),
                *("-E", "PYTHONPATH", "-E", "PATH"),
                *self.command("--config", str(self.config)),
            ],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        assert process.stderr is not None
        for line in process.stderr:
            if "Listening on" in line:
                break
        # The first request starts the daemon, waits, and is answered.
        retry = ("--retry", "5", "--retry-connrefused", "--retry-all-errors")
        done = subprocess.run(
            ["curl", "-s", *retry, f"http://127.0.0.1:{port}/v2/"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        self.assertIn("UNAUTHORIZED", done.stdout)

    def test_the_end_of_a_busy_one(self) -> None:
        """SIGTERM: no new connections, the answer under way is whole, status 0."""
        process, (url,) = self.serve("http_port = tcp:0:interface=127.0.0.1")
        content = os.urandom(1024 * 1024) * 16
        digest = Digest.of(content)
        where = url.removeprefix("http://")
        pair = base64.b64encode(f"admin:{self.password()}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}"}
        connection = http.client.HTTPConnection(where, timeout=60)
        target = f"/v2/a/blobs/uploads/?digest={digest}"
        connection.request("POST", target, content, headers)
        response = connection.getresponse()
        response.read()
        self.assertEqual(response.status, 201)
        connection.request("GET", f"/v2/a/blobs/{digest}", headers=headers)
        response = connection.getresponse()
        first = response.read(1000)
        process.send_signal(signal.SIGTERM)
        self.until(process, "stopping")
        self.assertRaises(OSError, http.client.HTTPConnection(where).connect)
        self.assertEqual(first + response.read(), content)
        output, errors = process.communicate(timeout=60)
        self.assertEqual((process.returncode, errors), (0, ""))
        self.assertIn("stopped", output)
