"""Strangers on a running daemon: at another's upload session, and at what is secret."""

import http.client
import os
import re
import signal
import socket
from itertools import product

from pullthrough.access.htpasswd import entry
from pullthrough.spec.digest import Digest
from tests.test_reload import _OWN, ReloadCase

_OTHER = _OWN.replace("own", "other")
_MAIN = "[admin]\nhttp_port = tcp:0:interface=127.0.0.1\n"
_ROLES = """
[role:all]
users = alice, bob
actions = all
images = a
[role:hers]
users = alice
actions = all
"""
_DATE = re.compile(rb"Date: [^\r]*\r\n")

#: As long as a session's identifier; nobody is given it.
NOBODYS = "f" * 32


class StrangerTests(ReloadCase):
    """Alice, Bob, who may do the same to the image `a`, and whoever else comes."""

    def setUp(self) -> None:
        super().setUp()
        path = self.folder / "users"
        path.write_text(entry("alice", "s3cret", 4) + entry("bob", "b0b", 4))
        self.begin()

    def begin(self) -> None:
        """Begin, also again."""
        self.serve(_MAIN, _OWN, _OTHER, _ROLES)
        lines = self.until(self.process, "status and metrics")
        self.own, self.other, self.main = (
            word.removeprefix("http://")
            for line in lines
            for word in line.split()
            if word.startswith("http://127.0.0.1:")
        )

    def exactly(
        self, where: str, method: str, target: str, user: str, body: bytes = b""
    ) -> bytes:
        """The whole answer, but for its date."""
        host, _, port = where.partition(":")
        head = [f"{method} {target} HTTP/1.1", f"Host: {where}", "Connection: close"]
        head += [f"{name}: {value}" for name, value in self.login(user).items() if user]
        head += [f"Content-Length: {len(body)}", "", ""]
        with socket.create_connection((host, int(port)), 60) as wire:
            wire.sendall("\r\n".join(head).encode() + body)
            answered = b""
            while data := wire.recv(65536):
                answered += data
        answered, dates = _DATE.subn(b"", answered)
        self.assertEqual(dates, 1, answered)
        return answered

    def begun(self, content: bytes) -> str:
        """The identifier of a session of Alice's with these bytes in it."""
        connection = http.client.HTTPConnection(self.own, timeout=60)
        connection.request("POST", "/v2/a/blobs/uploads/", headers=self.login())
        response = connection.getresponse()
        response.read()
        connection.close()
        location = response.headers["Location"]
        self.assertEqual(self.ask(self.own, "PATCH", location, content)[0], 202)
        return location.rpartition("/")[2]

    def test_an_upload(self) -> None:
        """Whatever Bob tries at Alice's session, by whatever way, and whoever tries
        elsewhere, is answered as if there were none, also when the daemon has begun
        again; she goes on and ends it."""
        content = os.urandom(100_000)
        digest = Digest.of(content)
        identifier = self.begun(content[:50_000])
        tries = (
            ("GET", "", b""),
            ("PATCH", "", b"bob's"),
            ("PUT", f"?digest={digest}", content[50_000:]),
            ("DELETE", "", b""),
            ("POST", f"?mount={digest}&from=a", b""),
        )
        for _ in range(2):
            for user, where, image, expected in (
                ("bob:b0b", self.own, "a", (404, 405)),
                ("bob:b0b", self.main, "own/a", (404, 405)),
                ("alice:s3cret", self.own, "b", (404, 405)),
                ("alice:s3cret", self.other, "a", (404, 405)),
                ("alice:s3cret", self.main, "other/a", (404, 405)),
                ("", self.own, "a", (401,)),
                ("bob:wrong", self.own, "a", (401,)),
            ):
                for method, query, body in tries:
                    answers = [
                        self.exactly(
                            where,
                            method,
                            f"/v2/{image}/blobs/uploads/{one}{query}",
                            user,
                            body,
                        ).replace(one.encode(), b"ID")
                        for one in (identifier, NOBODYS)
                    ]
                    self.assertEqual(*answers)
                    status = int(answers[0].split(b" ")[1])
                    self.assertIn(status, expected, (user, image, method))
                    if user == "bob:wrong":
                        break  # wrong passwords are rationed
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.begin()
        end = f"/v2/a/blobs/uploads/{identifier}?digest={digest}"
        self.assertEqual(self.ask(self.own, "PUT", end, content[50_000:])[0], 201)
        self.assertEqual(self.ask(self.own, "GET", f"/v2/a/blobs/{digest}")[1], content)

    def test_a_secret(self) -> None:
        """An image that only Alice may see is to Bob like one that is not there."""
        content = b"a secret layer"
        digest = Digest.of(content)
        push = f"/v2/secret/x/blobs/uploads/?digest={digest}"
        self.assertEqual(self.ask(self.own, "POST", push, content)[0], 201)
        none = Digest.of(b"never has been")
        for where, lead in ((self.own, "/v2"), (self.main, "/v2/own")):
            for method, path in (
                ("GET", f"secret/x/blobs/{digest}"),
                ("HEAD", f"secret/x/blobs/{digest}"),
                ("GET", "secret/x/tags/list"),
                ("GET", f"secret/x/referrers/{digest}"),
                ("DELETE", f"secret/x/blobs/{digest}"),
                ("POST", f"secret/x/blobs/uploads/?mount={digest}"),
                ("POST", f"a/blobs/uploads/?mount={digest}&from=secret/x"),
                ("POST", f"a/blobs/uploads/?mount={digest}"),
                ("HEAD", f"a/blobs/{digest}"),
            ):
                for user in ("bob:b0b", ""):
                    answers = set()
                    for image, asked in product(
                        ("secret/x", "secret/y"), (digest, none)
                    ):
                        target = f"{lead}/{path}".replace("secret/x", image)
                        target = target.replace(str(digest), str(asked))
                        answer = self.exactly(where, method, target, user)
                        # But for what was asked, and for a session's identifier.
                        answer = answer.replace(image.encode(), b"IMAGE")
                        answers.add(re.sub(rb"[0-9a-f]{32,64}", b"ID", answer))
                    self.assertEqual(len(answers), 1, (method, path, answers))
