"""Memory with many clients that ask for, or send, what is large and take their time."""

import contextlib
import http.client
import json
import re
import socket
from collections.abc import Sequence
from pathlib import Path

from pullthrough.spec.digest import Digest
from pullthrough.spec.manifest import LARGEST_MANIFEST
from pullthrough.spec.mediatypes import OCI_INDEX
from tests.test_reload import _OWN, ReloadCase

CLIENTS = 200

#: docs/limits.md, in MiB.
ALLOWED = 150 + CLIENTS // 4 + 100

_MAIN = "[admin]\nhttp_port = tcp:0:interface=127.0.0.1\n"
_TOP = f"transfers_per_client = {CLIENTS}\n"
_SUBJECT = Digest.of(b"subject")
_LARGEST = b'{"schemaVersion":2,"manifests":[]}'.ljust(LARGEST_MANIFEST)


class MemoryTests(ReloadCase):
    """A daemon, and 200 clients."""

    def setUp(self) -> None:
        super().setUp()
        self.crowd = contextlib.ExitStack()
        self.addCleanup(self.crowd.close)
        self.serve(_OWN, _MAIN, top=_TOP)
        self.own = self.port_of("own")
        line = self.until(self.process, "serves all repositories")[-1]
        self.main = line.partition("://")[2].split()[0]

    def come(self, heads: Sequence[str]) -> list[socket.socket]:
        """Clients that send this, and read nothing."""
        host, _, port = self.own.partition(":")
        rest = f"Host: a\r\nAuthorization: {self.login()['Authorization']}\r\n\r\n"
        found = []
        for head in heads:
            one = self.crowd.enter_context(socket.socket())
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.connect((host, int(port)))
            one.sendall(f"{head}\r\n{rest}".encode())
            found.append(one)
        return found

    def count(self, what: str) -> int:
        """How many have it, await it or were refused."""
        connection = http.client.HTTPConnection(self.main, timeout=60)
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
        connection.close()
        found = re.findall(
            rf'^pullthrough_(?:used|waiting|refused_total){{what="{what}"}} (\S+)',
            text,
            re.M,
        )
        return round(sum(float(one) for one in found))

    def holds(self, what: str) -> None:
        """All have come that far; it has never had more memory than is promised."""
        while self.count(what) < CLIENTS:
            pass  # each look waits for the daemon
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        peak = re.search(r"VmHWM:\s+(\d+) kB", status)
        assert peak is not None
        assert int(peak[1]) <= ALLOWED * 1024

    def test_large_manifests(self) -> None:
        """Each asks for the largest manifest there may be."""
        target = "/v2/a/manifests/large"
        put = self.ask(self.own, "PUT", target, _LARGEST, Content_Type=OCI_INDEX)
        assert put[0] == 201
        self.come([f"GET {target} HTTP/1.1"] * CLIENTS)
        self.holds("transfers")
        self.crowd.close()
        assert self.ask(self.own, "GET", target) == (200, _LARGEST)

    def test_referrers(self) -> None:
        """Each asks for a page of them that is as large; there are more."""
        for number in range(40):
            document = {
                "schemaVersion": 2,
                "manifests": [],
                "subject": {"mediaType": "a/b", "digest": str(_SUBJECT), "size": 7},
                "annotations": {"x": f"{number:04}" * (LARGEST_MANIFEST // 40)},
            }
            body = json.dumps(document).encode()
            target = f"/v2/a/manifests/{Digest.of(body)}"
            put = self.ask(self.own, "PUT", target, body, Content_Type=OCI_INDEX)
            assert put[0] == 201
        target = f"/v2/a/referrers/{_SUBJECT}"
        self.come([f"GET {target} HTTP/1.1"] * CLIENTS)
        self.holds("large answers")
        self.crowd.close()
        status, page = self.ask(self.own, "GET", target)
        assert (status, len(json.loads(page)["manifests"])) == (200, 9)

    def test_pushes(self) -> None:
        """Each sends as much of one as is taken."""
        what = f"Content-Type: {OCI_INDEX}\r\nContent-Length: {len(_LARGEST)}"
        puts = [f"PUT /v2/a/manifests/t{one} HTTP/1.1" for one in range(CLIENTS)]
        half = len(_LARGEST) // 2
        for one in self.come([f"{put}\r\n{what}" for put in puts]):
            one.setblocking(False)
            offset = 0
            with contextlib.suppress(BlockingIOError):
                while offset < half:
                    offset += one.send(_LARGEST[offset:half])
        self.holds("large manifests")
