"""File descriptors: how many there are, and what happens when there are no more."""

import contextlib
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

from pullthrough.spec.digest import Digest
from tests.test_reload import _OWN, ReloadCase

_MAIN = "[admin]\nhttp_port = tcp:0:interface=127.0.0.1\n"


class DescriptorTests(ReloadCase):
    """A daemon that may have few."""

    limit = ""

    def command(self, *options: str) -> list[str]:
        """The command line, with that limit."""
        prlimit = shutil.which("prlimit")
        assert prlimit is not None
        return [prlimit, f"--nofile={self.limit}", *super().command(*options)]

    def used(self) -> int:
        """How many the daemon has open."""
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def settled(self, most: int) -> bool:
        """Whether it comes back to at most so many, within a minute of its time."""
        script = f"for i in $(seq 600); do [ $(ls /proc/{self.process.pid}/fd | wc -l)"
        script += f" -le {most} ] && exit 0; sleep 0.1; done; exit 1"
        return subprocess.run(["bash", "-c", script], timeout=120).returncode == 0

    def test_all_that_is_allowed(self) -> None:
        """The soft limit is raised to the hard one, and 70 % of that are for
        clients."""
        self.limit = "64:200"
        self.serve(_OWN)
        own = self.port_of("own")
        limits = Path(f"/proc/{self.process.pid}/limits").read_text()
        found = re.search(r"Max open files\s+(\d+)\s+(\d+)", limits)
        assert found is not None
        self.assertEqual(found.groups(), ("200", "200"))
        host, _, port = own.partition(":")
        kept = []
        with contextlib.ExitStack() as ending:
            for _ in range(140):
                one = ending.enter_context(socket.create_connection((host, int(port))))
                one.sendall(b"GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n")
                one.settimeout(60)
                self.assertIn(b" 401 ", one.recv(4096))
                kept.append(one)
            with socket.create_connection((host, int(port))) as more:
                more.settimeout(60)
                said = more.recv(4096)
            self.assertTrue(said.startswith(b"HTTP/1.1 503 "), said)
            self.assertIn(b"\r\nRetry-After: ", said)

    def test_no_more(self) -> None:
        """New connections are closed and files not opened; who is there is served on,
        and when some have left all is as it was."""
        self.limit = "100:100"
        self.serve(_OWN)
        own = self.port_of("own")
        content = os.urandom(1024 * 1024) * 24
        digest = Digest.of(content)
        push = f"/v2/a/blobs/uploads/?digest={digest}"
        self.assertEqual(self.ask(own, "POST", push, content)[0], 201)
        keeping = http.client.HTTPConnection(own, timeout=60)
        self.assertEqual(self.on(keeping, "/v2/"), 200)
        base = self.used()
        readers, refused = [], 0
        while not refused:
            reader = http.client.HTTPConnection(own, timeout=60)
            try:
                reader.request("GET", f"/v2/a/blobs/{digest}", headers=self.login())
                response = reader.getresponse()
            except (OSError, http.client.HTTPException):
                refused += 1
            else:
                refused += response.status == 503
                readers.append((reader, response))
            self.assertLess(len(readers), 100)
        self.assertGreater(len(readers), 10)
        self.assertEqual(self.on(keeping, "/v2/"), 200)
        for reader, response in readers:
            if response.status == 200:
                self.assertEqual(response.read(), content)
            reader.close()
        self.assertTrue(self.settled(base + 2))
        self.assertEqual(self.ask(own, "GET", f"/v2/a/blobs/{digest}")[1], content)
        self.assertEqual(self.on(keeping, "/v2/"), 200)
        self.process.terminate()
        output, _ = self.process.communicate(timeout=60)
        self.assertNotIn("Traceback", output)

    def on(self, connection: http.client.HTTPConnection, target: str) -> int:
        """The status of an answer, on a connection that stays."""
        connection.request("GET", target, headers=self.login())
        response = connection.getresponse()
        response.read()
        return response.status


if sys.platform != "linux" or shutil.which("prlimit") is None:
    DescriptorTests.skip = "needs prlimit"  # type: ignore[attr-defined]
