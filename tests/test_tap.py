"""``twistd pullthrough`` as a person runs it: options, start, ports, the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]

CONFIG = """
[pullthrough]
data = data
[repository:own]
type = hosted
http_port = tcp:{port}:interface=127.0.0.1
[repository:all]
type = group
member_names = own
writable_member = own
http_port = unix:{folder}/all.sock
"""


class TapCase(SynchronousTestCase):
    """A configuration in a folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = self.folder / "registry.ini"
        self.write(CONFIG, 0)

    def write(self, text: str, port: int) -> None:
        """Write the configuration."""
        self.config.write_text(text.format(port=port, folder=self.folder))

    def command(self, *options: str) -> list[str]:
        """The command line."""
        twistd = Path(sys.executable).with_name("twistd")
        return [str(twistd), "pullthrough", *options]

    def start(self, *options: str, **environ: str) -> "subprocess.Popen[str]":
        """Run it, in the folder."""
        process = subprocess.Popen(
            self.command(*options),
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(process.communicate)
        self.addCleanup(process.kill)
        return process

    def end(self, *options: str) -> "tuple[int, str, str]":
        """Run it to its end: status, output, errors."""
        process = self.start(*options)
        output, errors = process.communicate(timeout=60)
        return process.returncode, output, errors

    def until(self, process: "subprocess.Popen[str]", words: str) -> list[str]:
        """Its lines, up to one with these words."""
        lines: list[str] = []
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if words in line:
                return lines
        raise AssertionError(f"no {words!r} in {lines}")


class OptionTests(TapCase):
    """Options."""

    def test_check(self) -> None:
        """0 for a right one, and nothing is touched."""
        status, output, errors = self.end("--config", str(self.config), "--check")
        self.assertEqual((status, errors), (0, ""))
        self.assertEqual(output, "configuration OK: 2 repositories, 2 connectors\n")
        self.assertFalse((self.folder / "data").exists())

    def test_faults(self) -> None:
        """1, every fault on a line of its own, no traceback, with --check or not."""
        self.write(CONFIG.replace("hosted", "x") + "[http]\ntimeout = 1\n", 0)
        for more in ((), ("--check",)):
            status, output, errors = self.end("--config", str(self.config), *more)
            self.assertEqual((status, output), (1, ""))
            lines = errors.splitlines()
            self.assertEqual(len(lines), 3, errors)
            self.assertTrue(all(line.startswith("[") for line in lines), errors)

    def test_htpasswd(self) -> None:
        """What is in the file is looked at, too."""
        users = self.folder / "users"
        users.write_text("alice:plain\n")
        users.chmod(0o600)
        self.write(CONFIG + "[auth]\nhtpasswd = users\n", 0)
        status, _, errors = self.end("--config", str(self.config), "--check")
        self.assertEqual(status, 1)
        self.assertTrue(errors.startswith("[auth] htpasswd: "), errors)
        self.assertNotIn("plain", errors)

    def test_clients(self) -> None:
        """What clients need goes to standard output, and nothing is touched."""
        config = ("--config", str(self.config), "--clients")
        self.write(CONFIG, 5005)
        status, output, errors = self.end(*config, "--host", "registry.test")
        self.assertEqual((status, errors), (0, ""))
        self.assertIn('"insecure-registries": [\n    "registry.test:5005"\n', output)
        self.assertIn("all.sock", output)
        self.assertFalse((self.folder / "data").exists())
        status, output, errors = self.end(*config)
        self.assertEqual((status, errors), (0, ""))
        self.assertIn(f"http://{socket.getfqdn()}:5005", output)
        for host in ('a"b', "registry.test:5000", "", "-x"):
            status, output, _ = self.end(*config, f"--host={host}")
            self.assertEqual(status, 1)
            self.assertIn("--host takes a name or an address", output)

    def test_no_configuration(self) -> None:
        """It is asked for."""
        status, output, _ = self.end()
        self.assertEqual(status, 1)
        self.assertIn("--config FILE is missing", output)
        status, _, errors = self.end("--config", "none.ini")
        self.assertEqual(status, 1)
        self.assertIn("cannot be read", errors)
        self.assertNotIn("Traceback", errors)


class RunTests(TapCase):
    """A run."""

    def test_from_start_to_end(self) -> None:
        """In the foreground: it says where it listens, serves, and leaves with 0."""
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(notify.close)
        notify.bind(str(self.folder / "notify"))
        process = self.start(
            *("--config", str(self.config)),
            NOTIFY_SOCKET=str(self.folder / "notify"),
            WATCHDOG_USEC="60000000",
        )
        lines = self.until(process, "user admin has the password in")
        said = "".join(lines)
        where = next(line.split()[-1] for line in lines if "docker login" in line)
        self.assertEqual(where, "admin")
        url = next(
            word
            for line in lines
            for word in line.split()
            if word.startswith("http://127.0.0.1:")
        )
        self.assertIn(f"{url} serves hosted repository own", said)
        self.assertIn("docker pull 127.0.0.1:", said)
        self.assertIn("all.sock serves group repository all", said)
        self.assertEqual(notify.recv(100), b"READY=1")
        self.assertEqual(notify.recv(100), b"WATCHDOG=1")
        password = (self.folder / "data" / "admin.password").read_text().strip()
        curl = ["curl", "-s", "-u", f"admin:{password}"]
        for target in (
            [f"{url}/v2/"],
            ["--unix-socket", str(self.folder / "all.sock"), "http://x/v2/"],
        ):
            done = subprocess.run([*curl, *target], capture_output=True, timeout=30)
            self.assertEqual(done.stdout, b"{}")
        again = self.start("--config", str(self.config))
        _, errors = again.communicate(timeout=60)
        self.assertEqual(again.returncode, 1)
        self.assertIn(f"in use by process {process.pid}", errors)
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, output + errors)
        self.assertEqual(notify.recv(100), b"STOPPING=1")
        self.assertNotIn("Traceback", said + output + errors)
        self.assertFalse(list(self.folder.glob("*.pid")))

    def test_a_port_in_use(self) -> None:
        """One line that names the connector, and status 1; --free-ports finds one."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            self.write(CONFIG, port)
            status, output, errors = self.end("--config", str(self.config))
            self.assertEqual(status, 1)
            self.assertEqual(
                errors,
                "pullthrough: the http connector of own: cannot listen on"
                f" tcp:{port}:interface=127.0.0.1: Address already in use\n",
            )
            self.assertNotIn("Traceback", output)
            process = self.start("--config", str(self.config), "--free-ports")
            lines = self.until(process, "serves hosted repository own")
            self.assertNotIn(f":{port} ", lines[-1])
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0)

    def test_data_that_cannot_be_used(self) -> None:
        """One line, status 1."""
        (self.folder / "data").write_text("")
        status, _, errors = self.end("--config", str(self.config))
        self.assertEqual(status, 1)
        self.assertEqual(len(errors.splitlines()), 1, errors)


class UnitTests(SynchronousTestCase):
    """The units for systemd."""

    def test_units(self) -> None:
        """They verify, and are hardened below 2.0."""
        analyze = shutil.which("systemd-analyze")
        if analyze is None:
            self.skipTest("needs systemd-analyze")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for name in ("pullthrough.service", "pullthrough.socket"):
            text = (ROOT / "systemd" / name).read_text()
            made = Path(folder.name) / name
            made.write_text(text.replace("/opt/pullthrough/bin/twistd", sys.executable))
        service = Path(folder.name) / "pullthrough.service"
        verify = [analyze, "verify", "--man=no", str(service)]
        done = subprocess.run(verify, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        security = [analyze, "security", "--offline=true", "--threshold=20"]
        done = subprocess.run(
            [*security, str(service)], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 0, done.stdout[-300:])
