"""Upload sessions on a running daemon: they outlive it, and leave nothing behind."""

import http.client
import os
import signal

from pullthrough.spec.digest import Digest
from tests.test_reload import _OWN, ReloadCase

UPLOADS = "/v2/a/blobs/uploads/"


class SessionTests(ReloadCase):
    """One client, and a daemon that dies."""

    def location(self, where: str) -> str:
        """A new session."""
        connection = http.client.HTTPConnection(where, timeout=60)
        connection.request("POST", UPLOADS, headers=self.login())
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.headers["Location"]

    def stands(self, where: str, location: str) -> tuple[int, str]:
        """Status and ``Range`` of a session."""
        connection = http.client.HTTPConnection(where, timeout=60)
        connection.request("GET", location, headers=self.login())
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.headers.get("Range", "")

    def files(self) -> int:
        """How many ingests lie in the blob store."""
        folder = self.folder / "data" / "blobs" / "own"
        return sum(
            path.is_file() for path in folder.rglob("*") if "ingest" in path.parts
        )

    def test_resumed(self) -> None:
        """After kill -9 a session stands at its last durable byte, and goes on; after a
        cancel, or the end, nothing of it is left."""
        self.serve(_OWN)
        own = self.port_of("own")
        content = os.urandom(3 * 1024 * 1024)
        half = len(content) // 2
        location, other = self.location(own), self.location(own)
        self.assertEqual(self.ask(own, "PATCH", location, content[:half])[0], 202)
        self.assertEqual(self.ask(own, "PATCH", other, content)[0], 202)
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.serve(_OWN)
        own = self.port_of("own")
        self.assertEqual(self.stands(own, location), (204, f"0-{half - 1}"))
        self.assertEqual(self.files(), 2)
        self.assertEqual(self.ask(own, "PATCH", location, content[half:])[0], 202)
        digest = Digest.of(content)
        self.assertEqual(self.ask(own, "PUT", f"{location}?digest={digest}")[0], 201)
        self.assertEqual(self.ask(own, "GET", f"/v2/a/blobs/{digest}")[1], content)
        self.assertEqual(self.ask(own, "DELETE", other)[0], 204)
        for ended in (location, other):
            self.assertEqual(self.stands(own, ended)[0], 404)
        self.assertEqual(self.files(), 0)
