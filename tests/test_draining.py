"""The end of a daemon: what is told, what is still served, and for how long."""

import http.client
import json
import os
import signal
import socket
import sys

import pytest

from pullthrough.spec.digest import Digest
from tests.test_reload import _OWN
from tests.test_tap import ROOT
from tests.test_workers import THREE, Connected, WorkersCase, until

ADMIN = "[admin]\nhttp_port = tcp:0:interface=127.0.0.1\n"
STOPPING = "stopping: not ready any more"
CLOSED = "stopping: no new connections"
#: More than the system keeps on its way to a client that does not read.
BIG = 32 * 1024 * 1024


class DrainingCase(WorkersCase):
    """A daemon that gives watchers an hour, or the usual time.

    :cvar patient: an hour.
    """

    top = ""
    patient = True

    def command(self, *options: str) -> list[str]:
        """See :meth:`TapCase.command`."""
        if not self.patient:
            return super().command(*options)
        script = ROOT / "tests" / "support" / "patient.py"
        return [sys.executable, str(script), "pullthrough", *options]

    def begin(self, *parts: str) -> None:
        """Start; `main` and `where` are where it serves."""
        if self.top == THREE:
            self.owner, *self.others = self.start_all(_OWN, ADMIN, *parts, top=THREE)
        else:
            self.serve(_OWN, ADMIN, *parts, top=self.top or "workers = 1\n")
            self.where = self.port_of("own")
            self.follow()
            self.others = []
        words = "serves all repositories"
        until(lambda: any(words in line for line in self.said), words)
        line = next(line for line in self.said if words in line)
        url = next(word for word in line.split() if "://" in word)
        self.main = url.partition("://")[2]

    def watched(self) -> tuple[int, dict[str, str]]:
        """What is answered to who asks whether we are ready."""
        status, body = self.ask(self.main, "GET", "/health/ready", user="")
        document = json.loads(body)
        self.assertEqual(document["ready"], status == 200)
        return status, document["checks"]

    def fresh(self) -> socket.socket:
        """A new connection."""
        host, _, port = self.where.rpartition(":")
        wire = socket.create_connection((host, int(port)), 60)
        self.addCleanup(wire.close)
        return wire

    def logged(self, words: str) -> bool:
        """Whether the daemon has said so."""
        return any(words in line for line in self.said)

    def terminate(self, number: int = signal.SIGTERM) -> None:
        """Let it end."""
        self.process.send_signal(number)

    def ended(self) -> None:
        """It ends, well."""
        self.process.wait(60)
        self.assertEqual(self.process.returncode, 0)
        until(lambda: self.logged("stopped"), "its last word")
        self.assertFalse(self.logged("Traceback"), "".join(self.said))

    def under_way(self) -> tuple[http.client.HTTPResponse, bytes]:
        """An answer that has begun, and all that it will hold."""
        content = os.urandom(BIG)
        digest = Digest.of(content)
        push = f"/v2/a/blobs/uploads/?digest={digest}"
        self.assertEqual(self.ask(self.where, "POST", push, content)[0], 201)
        connection = http.client.HTTPConnection(self.where, timeout=60)
        connection.request("GET", f"/v2/a/blobs/{digest}", headers=self.login())
        self.addCleanup(connection.close)
        return connection.getresponse(), content


class WatchedTests(DrainingCase):
    """Somebody asks whether it is ready."""

    def test_meanwhile(self) -> None:
        """Not ready at once; who comes, and who is there, is served, and told that the
        connection ends."""
        self.begin()
        idle = Connected(self.fresh())
        self.assertEqual(self.say(idle, "GET", "/v2/")[0], 200)
        good = {"lock": "ok", "metadata": "ok", "blob stores": "ok", "serving": "ok"}
        self.assertEqual(self.watched(), (200, good))
        self.terminate()
        until(lambda: self.watched() == (503, {"serving": "stopping"}), "503")
        self.assertEqual(self.ask(self.main, "GET", "/health/live", user="")[0], 200)
        until(lambda: self.logged(STOPPING), STOPPING)
        for connection in (idle, Connected(self.fresh())):
            connection.request("GET", "/v2/", headers=self.login())
            answer = connection.getresponse()
            found = answer.status, answer.headers["Connection"], answer.read()
            self.assertEqual(found, (200, "close", b"{}"))
        self.assertFalse(self.logged(CLOSED))
        self.terminate()
        self.ended()

    def test_the_second_signal(self) -> None:
        """Ends it at once: nobody waits for who watches, or for what is under way."""
        self.begin()
        self.watched()
        response, content = self.under_way()
        self.terminate()
        until(lambda: self.logged(STOPPING), STOPPING)
        self.terminate()
        self.ended()
        with pytest.raises((OSError, http.client.HTTPException)):
            assert response.read() == content
        until(lambda: not self.alive(), "no worker is left")

    def test_no_reload_any_more(self) -> None:
        """SIGHUP means nothing then."""
        self.begin()
        self.watched()
        self.terminate()
        until(lambda: self.logged(STOPPING), STOPPING)
        self.terminate(signal.SIGHUP)
        self.assertEqual(self.watched()[0], 503)
        self.terminate()
        self.ended()
        self.assertFalse(self.logged("reloaded"))

    def alive(self) -> list[int]:
        """The workers that are there."""
        return [pid for pid in self.others if os.path.exists(f"/proc/{pid}")]


class WatchedWorkersTests(WatchedTests):
    """The same with workers."""

    top = THREE

    def test_what_stands(self) -> None:
        """Workers answer nothing by themselves any more: every answer says that the
        connection ends."""
        self.begin()
        self.watched()
        connections = [Connected(self.connect(pid)) for pid in self.others]
        target = "/v2/a/manifests/v1"
        content = b'{"schemaVersion": 2, "manifests": []}'
        kind = "application/vnd.oci.image.index.v1+json"
        put = self.say(connections[0], "PUT", target, content, Content_Type=kind)
        self.assertEqual(put[0], 201)
        for connection in connections:
            for _ in range(3):
                self.assertEqual(self.say(connection, "GET", target), (200, content))
        self.terminate()
        until(lambda: self.logged(STOPPING), STOPPING)
        for connection in connections:
            connection.request("GET", target, headers=self.login())
            response = connection.getresponse()
            found = response.status, response.headers["Connection"], response.read()
            self.assertEqual(found, (200, "close", content))
        self.terminate()
        self.ended()


class UsualTests(DrainingCase):
    """The usual time."""

    patient = False

    def test_nobody_watches(self) -> None:
        """By either signal, at once: there is nobody to notice anything."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self.said.clear()
            self.begin()
            live = self.ask(self.main, "GET", "/health/live", user="")
            self.assertEqual(live[0], 200)
            self.terminate(number)
            self.ended()
            self.assertFalse(self.logged(STOPPING))
            self.assertTrue(self.logged(CLOSED))

    def test_somebody_watches(self) -> None:
        """What is under way comes whole; nobody listens any more."""
        self.begin()
        self.watched()
        response, content = self.under_way()
        first = response.read(1000)
        self.terminate()
        until(lambda: self.logged(CLOSED), "the ports close")
        self.assertTrue(self.logged(STOPPING))
        self.assertRaises(OSError, self.fresh)
        self.assertEqual(first + response.read(), content)
        self.ended()

    def test_a_store_that_is_gone(self) -> None:
        """Not ready; the process lives all the same. Nobody is told names."""
        self.begin()
        ingests = self.folder / "data" / "blobs" / "own" / "ingest"
        ingests.rename(ingests.with_name("gone"))
        status, checks = self.watched()
        self.assertEqual((status, checks["blob stores"]), (503, "failed"))
        self.assertEqual(checks["metadata"], "ok")
        until(lambda: self.logged("not ready: blob store own: "), "the log tells")
        body = self.ask(self.main, "GET", "/health/ready", user="")[1]
        self.assertNotIn(b"own", body)
        self.assertEqual(self.ask(self.main, "GET", "/health/live", user="")[0], 200)
        self.terminate()
        until(lambda: self.logged(STOPPING), STOPPING)
        self.terminate()
        self.ended()
