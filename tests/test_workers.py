"""Several processes behind one port, on a running daemon."""

import contextlib
import http.client
import os
import select
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from pullthrough.spec.digest import Digest
from tests.support.images import MadeImage, make_image
from tests.support.pki import Authority
from tests.test_reload import _OWN, ReloadCase

THREE = "workers = 3\n"
MANIFEST = "/v2/a/manifests/v1"
BIG = 8 * 1024 * 1024


def until(holds: Callable[[], bool], what: str) -> None:
    """Look until something holds; it is given a minute."""
    for _ in range(6000):
        if holds():
            return
        select.select([], [], [], 0.01)
    raise AssertionError(f"never: {what}")


class Connected(http.client.HTTPConnection):
    """A connection that is there already."""

    def __init__(self, wire: socket.socket) -> None:
        super().__init__("registry.test")
        self.sock = wire


class WorkersCase(ReloadCase):
    """A daemon of three processes."""

    def workers(self) -> list[int]:
        """The processes beside the owner."""
        pid = self.process.pid
        return [
            int(one)
            for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]

    def start_all(self, *parts: str, top: str = THREE) -> list[int]:
        """Start, and wait until all three serve; the owner first."""
        self.serve(*parts, top=top)
        self.where = self.port_of("own")
        self.follow()
        self.ready(2)
        return [self.process.pid, *self.workers()]

    def follow(self) -> None:
        """Go on reading what the daemon says."""
        output = self.process.stdout
        assert output is not None

        def read() -> None:
            self.said.extend(iter(output.readline, ""))

        threading.Thread(target=read, daemon=True).start()

    def hang_up(self, words: str = "reloaded: ") -> None:
        """Reload, and wait until the daemon says that it has."""
        before = len(self.said)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: any(words in line for line in self.said[before:]), words)

    def ready(self, count: int) -> None:
        """Wait until so many workers listen."""
        port = int(self.where.rpartition(":")[2])

        def listen() -> bool:
            found = self.workers()
            return len(found) == count and all(
                _listening(port) & _sockets(pid) for pid in found
            )

        until(listen, f"{count} workers")

    @contextlib.contextmanager
    def stopped(self, *pids: int) -> Iterator[None]:
        """Processes stand still meanwhile."""
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def connect(self, pid: int, where: str = "") -> socket.socket:
        """A connection that a process has accepted, and no other."""
        host, _, port = (where or self.where).rpartition(":")
        everybody = [self.process.pid, *self.workers()]
        with self.stopped(*(one for one in everybody if one != pid)):
            wire = socket.create_connection((host, int(port)), 60)
            self.addCleanup(wire.close)
            ours = wire.getsockname()[1]
            until(
                lambda: bool(_accepted(int(port), ours) & _sockets(pid)),
                f"process {pid} accepts",
            )
        return wire

    def say(
        self,
        connection: http.client.HTTPConnection,
        method: str,
        target: str,
        body: bytes = b"",
        user: str = "alice:s3cret",
        **headers: str,
    ) -> tuple[int, bytes]:
        """Ask on a connection."""
        sent = self.login(user)
        sent |= {key.replace("_", "-"): value for key, value in headers.items()}
        connection.request(method, target, body or None, sent)
        response = connection.getresponse()
        return response.status, response.read()

    def push(self, connection: http.client.HTTPConnection, image: MadeImage) -> None:
        """Push an image as v1."""
        for digest, content in image.blobs.items():
            target = f"/v2/a/blobs/uploads/?digest={digest}"
            self.assertEqual(self.say(connection, "POST", target, content)[0], 201)
        done = self.say(
            *(connection, "PUT", MANIFEST, image.manifest),
            Content_Type=image.media_type,
        )
        self.assertEqual(done[0], 201)


class HitTests(WorkersCase):
    """Answers that stand, and what ends them."""

    def warmed(self, pids: list[int]) -> list[Connected]:
        """A connection at each process, to which the manifest stands."""
        connections = [Connected(self.connect(pid)) for pid in pids]
        for connection in connections:
            for _ in range(3):
                self.assertEqual(self.say(connection, "GET", MANIFEST)[0], 200)
        return connections

    def test_a_worker_answers_by_itself(self) -> None:
        """Also while the owner stands still; then it is all in log and metrics."""
        owner, *workers = self.start_all(_OWN)
        image = make_image(b"layer")
        self.push(Connected(self.connect(owner)), image)
        first, second = self.warmed(workers)
        with self.stopped(owner):
            for connection in (first, second, first):
                answer = self.say(connection, "GET", MANIFEST)
                self.assertEqual(answer, (200, image.manifest))
            fresh = Connected(self.connect(workers[0]))
            self.assertEqual(self.say(fresh, "GET", MANIFEST)[1], image.manifest)
        lines = f'"GET {MANIFEST}" 200 {len(image.manifest)} '
        until(lambda: sum(lines in line for line in self.said) == 10, "ten lines")
        line = [line for line in self.said if lines in line][-1]
        self.assertIn("127.0.0.1 alice own ", line)
        self.assertIn(" own hit ", line)

    def test_a_tag_moves(self) -> None:
        """Whoever moves or deletes it, wherever: all processes know it as soon as that
        is acknowledged (I4, I13)."""
        pids = self.start_all(_OWN)
        images = [make_image(f"layer {number}".encode()) for number in range(3)]
        self.push(Connected(self.connect(pids[0])), images[0])
        connections = self.warmed(pids)
        for connection, image in zip(connections, images, strict=True):
            self.push(connection, image)
            for other in connections:
                self.assertEqual(self.say(other, "GET", MANIFEST)[1], image.manifest)
                self.assertEqual(self.say(other, "GET", MANIFEST)[1], image.manifest)
        self.assertEqual(self.say(connections[2], "DELETE", MANIFEST)[0], 202)
        for other in connections:
            self.assertEqual(self.say(other, "GET", MANIFEST)[0], 404)

    def test_a_blob_is_deleted(self) -> None:
        """A small one that stands, and a large one, in every process at once."""
        pids = self.start_all(_OWN)
        connections = [Connected(self.connect(pid)) for pid in pids]
        for content in (b"small", os.urandom(BIG)):
            target = f"/v2/a/blobs/{Digest.of(content)}"
            push = f"/v2/a/blobs/uploads/?digest={Digest.of(content)}"
            self.assertEqual(self.say(connections[1], "POST", push, content)[0], 201)
            for connection in connections * 3:
                self.assertEqual(self.say(connection, "GET", target), (200, content))
            self.assertEqual(self.say(connections[2], "DELETE", target)[0], 202)
            for connection in connections:
                self.assertEqual(self.say(connection, "GET", target)[0], 404)

    def test_a_password_changes(self) -> None:
        """The old one opens nothing from the reload on, in no process; nor a token that
        was given for it (I13)."""
        pids = self.start_all(_OWN)
        self.push(Connected(self.connect(pids[0])), make_image(b"layer"))
        connections = self.warmed(pids)
        self.users("alice", "changed")
        self.hang_up()
        for connection in connections:
            self.assertEqual(self.say(connection, "GET", MANIFEST)[0], 401)
        for connection in connections:
            for _ in range(3):
                answer = self.say(connection, "GET", MANIFEST, user="alice:changed")
                self.assertEqual(answer[0], 200)
        for pid in pids:
            fresh = Connected(self.connect(pid))
            self.assertEqual(self.say(fresh, "GET", MANIFEST)[0], 401)


class TransferTests(WorkersCase):
    """What is large."""

    def test_pushes_and_pulls_anywhere(self) -> None:
        """A session begun at one process goes on at others, and what was pushed is read
        at all of them, whole and in part."""
        pids = self.start_all(_OWN)
        connections = [Connected(self.connect(pid)) for pid in pids]
        content = os.urandom(BIG)
        first, second, third = connections
        first.request("POST", "/v2/a/blobs/uploads/", headers=self.login())
        response = first.getresponse()
        response.read()
        location = response.headers["Location"]
        half = BIG // 2
        done = self.say(second, "PATCH", location, content[:half])
        self.assertEqual(done[0], 202)
        end = f"{location}?digest={Digest.of(content)}"
        self.assertEqual(self.say(third, "PUT", end, content[half:])[0], 201)
        target = f"/v2/a/blobs/{Digest.of(content)}"
        for connection in connections:
            self.assertEqual(self.say(connection, "GET", target), (200, content))
            part = self.say(connection, "GET", target, Range="bytes=1000000-6999999")
            self.assertEqual(part, (206, content[1_000_000:7_000_000]))

    def test_one_flight(self) -> None:
        """A crowd at all processes wants a blob: the upstream is asked once (I8)."""
        content = os.urandom(BIG)
        digest = Digest.of(content)
        asked: list[str] = []
        go = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            """A registry with one blob, which takes its time."""

            def do_GET(self) -> None:
                """Answer."""
                found = str(digest) in self.path
                if found:
                    asked.append(self.path)
                self.send_response(200 if found else 404)
                self.send_header("Content-Length", str(BIG if found else 0))
                self.end_headers()
                if found:
                    self.wfile.write(content[:1000])
                    go.wait(60)
                    self.wfile.write(content[1000:])

            def log_message(self, *arguments: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        pids = self.start_all(
            "[repository:own]\ntype = proxy\nhttp_port = tcp:0:interface=127.0.0.1\n"
            f"remote_url = http://127.0.0.1:{server.server_port}\n"
        )
        connections = [Connected(self.connect(pid)) for pid in pids for _ in range(4)]
        for connection in connections:
            target = f"/v2/library/a/blobs/{digest}"
            connection.request("GET", target, headers=self.login())
        until(lambda: bool(asked), "the upstream is asked")
        go.set()
        for connection in connections:
            self.assertEqual(connection.getresponse().read(), content)
        self.assertEqual(len(asked), 1)

    def test_tls(self) -> None:
        """A worker lays TLS itself: what stands, what is large, and what is pushed."""
        authority = Authority(self.folder)
        authority.issue("localhost", "127.0.0.1")
        owner, *workers = self.start_all(
            _OWN.replace("http_port", "https_port"),
            top=THREE + "tls_certificate = localhost.crt\ntls_key = localhost.key\n",
        )
        context = ssl.create_default_context(cafile=str(authority.certificate))
        image, content = make_image(b"layer"), os.urandom(BIG)

        def connect(pid: int) -> Connected:
            wire = context.wrap_socket(self.connect(pid), server_hostname="127.0.0.1")
            return Connected(wire)

        connections = [connect(pid) for pid in workers]
        self.push(connections[0], image)
        push = f"/v2/a/blobs/uploads/?digest={Digest.of(content)}"
        self.assertEqual(self.say(connections[0], "POST", push, content)[0], 201)
        target = f"/v2/a/blobs/{Digest.of(content)}"
        for connection in connections:
            self.assertEqual(self.say(connection, "GET", target), (200, content))
            for _ in range(3):
                answer = self.say(connection, "GET", MANIFEST)
                self.assertEqual(answer, (200, image.manifest))
        with self.stopped(owner):
            answer = self.say(connect(workers[0]), "GET", MANIFEST)
            self.assertEqual(answer, (200, image.manifest))
        # A certificate that changes is shown by all from the reload on.
        before = authority.issue("localhost", "127.0.0.1")[0].read_text()
        self.hang_up()
        for pid in (owner, *workers):
            wire = context.wrap_socket(self.connect(pid), server_hostname="127.0.0.1")
            shown = ssl.DER_cert_to_PEM_cert(wire.getpeercert(True) or b"")
            self.assertEqual(shown.split(), before.split())


class LifeTests(WorkersCase):
    """Processes that come and go."""

    def test_a_worker_dies(self) -> None:
        """Under load: it is replaced, and what was acknowledged is there."""
        pids = self.start_all(_OWN)
        acknowledged: list[bytes] = []
        enough = threading.Event()

        def load(number: int) -> None:
            """Push blob after blob; whoever dies, go on."""
            for turn in range(1_000_000):
                if enough.is_set():
                    return
                content = f"{number} {turn} ".encode() * 1000
                push = f"/v2/a/blobs/uploads/?digest={Digest.of(content)}"
                with contextlib.suppress(OSError, http.client.HTTPException):
                    if self.ask(self.where, "POST", push, content)[0] == 201:
                        acknowledged.append(content)

        threads = [threading.Thread(target=load, args=(one,)) for one in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(2):
                until(lambda: bool(acknowledged), "a push")
                victim = self.workers()[0]
                os.kill(victim, signal.SIGKILL)
                until(lambda dead=victim: dead not in self.workers(), "its end")  # type: ignore[misc]
                self.ready(2)
                before = len(acknowledged)
                until(lambda n=before: len(acknowledged) > n + 20, "more")  # type: ignore[misc]
        finally:
            enough.set()
            for thread in threads:
                thread.join()
        self.assertNotEqual(set(self.workers()), set(pids[1:]))
        for pid in (self.process.pid, *self.workers()):
            connection = Connected(self.connect(pid))
            for content in acknowledged[:: len(acknowledged) // 20 + 1]:
                target = f"/v2/a/blobs/{Digest.of(content)}"
                self.assertEqual(self.say(connection, "HEAD", target)[0], 200)
        for content in acknowledged:
            target = f"/v2/a/blobs/{Digest.of(content)}"
            self.assertEqual(self.ask(self.where, "GET", target), (200, content))
        self.assertFalse([line for line in self.said if "Traceback" in line])

    def test_the_owner_dies(self) -> None:
        """Its workers go at once, also one that stands still, and the port is free for
        the next one."""
        _, *workers = self.start_all(_OWN)
        content = b"durable"
        push = f"/v2/a/blobs/uploads/?digest={Digest.of(content)}"
        wires = [Connected(self.connect(pid)) for pid in workers]
        self.assertEqual(self.say(wires[0], "POST", push, content)[0], 201)
        fixed = _OWN.replace("tcp:0", f"tcp:{self.where.rpartition(':')[2]}")
        os.kill(workers[1], signal.SIGSTOP)
        self.process.kill()
        self.process.wait()
        _, *again = self.start_all(fixed)
        until(lambda: not any(map(_lives, workers)), "the old workers are gone")
        target = f"/v2/a/blobs/{Digest.of(content)}"
        fresh = Connected(self.connect(again[0]))
        self.assertEqual(self.say(fresh, "GET", target), (200, content))

    def test_the_end(self) -> None:
        """Who is idle is let go; who gets a blob gets it whole; no process is left."""
        _, *workers = self.start_all(_OWN)
        content = os.urandom(1024 * 1024) * 32
        push = f"/v2/a/blobs/uploads/?digest={Digest.of(content)}"
        idle, busy = (Connected(self.connect(pid)) for pid in workers)
        self.assertEqual(self.say(idle, "POST", push, content)[0], 201)
        target = f"/v2/a/blobs/{Digest.of(content)}"
        busy.request("GET", target, headers=self.login())
        response = busy.getresponse()
        first = response.read(1000)
        self.process.send_signal(signal.SIGTERM)
        assert idle.sock is not None
        self.assertEqual(idle.sock.recv(10), b"")
        port = int(self.where.rpartition(":")[2])
        until(lambda: not _listening(port), "nobody listens")
        self.assertEqual(first + response.read(), content)
        self.process.wait(60)
        self.assertEqual(self.process.returncode, 0)
        until(lambda: not any(map(_lives, workers)), "no worker is left")

    def test_signals_of_a_terminal(self) -> None:
        """They reach all processes; only the owner minds them."""
        _, *workers = self.start_all(_OWN)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            for pid in workers:
                os.kill(pid, number)
        for pid in workers:
            connection = Connected(self.connect(pid))
            self.assertEqual(self.say(connection, "GET", "/v2/")[0], 200)

    def test_other_numbers(self) -> None:
        """A reload makes them more or fewer; clients end as they began."""
        owner, *workers = self.start_all(_OWN)
        connection = Connected(self.connect(workers[1]))
        self.assertEqual(self.say(connection, "GET", "/v2/")[0], 200)
        self.configure(_OWN, top="workers = 1\n")
        self.hang_up()
        until(lambda: not self.workers(), "there is none")
        self.assertEqual(
            self.say(Connected(self.connect(owner)), "GET", "/v2/")[0], 200
        )
        self.configure(_OWN, top="workers = 2\n")
        self.hang_up()
        self.ready(1)
        (worker,) = self.workers()
        self.assertEqual(
            self.say(Connected(self.connect(worker)), "GET", "/v2/")[0], 200
        )

    def test_connectors_come_and_go(self) -> None:
        """For all processes at once, while clients of the others stay."""
        more = _OWN.replace(":own]", ":more]")
        owner, *workers = self.start_all(_OWN)
        connections = [Connected(self.connect(pid)) for pid in workers]
        for connection in connections:
            self.assertEqual(self.say(connection, "GET", "/v2/")[0], 200)
        self.configure(more, _OWN, top=THREE)
        self.hang_up()
        line = next(line for line in self.said if "repository more" in line)
        where = next(word for word in line.split() if "://" in word)[7:]
        for pid in (owner, *workers):
            fresh = Connected(self.connect(pid, where))
            self.assertEqual(self.say(fresh, "GET", "/v2/")[0], 200)
        self.configure(_OWN, top=THREE)
        self.hang_up()
        self.assertRaises(OSError, http.client.HTTPConnection(where).connect)
        for connection in connections:
            self.assertEqual(self.say(connection, "GET", "/v2/")[0], 200)


def _lives(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of one."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def _sockets(pid: int) -> set[int]:
    """The inodes of a process's sockets."""
    found = set()
    with contextlib.suppress(FileNotFoundError):
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):
                link = os.readlink(f"/proc/{pid}/fd/{name}")
                if link.startswith("socket:["):
                    found.add(int(link[8:-1]))
    return found


def _tcp() -> Iterator[tuple[int, int, str, int]]:
    """Our port, theirs, state and inode of each TCP socket of this machine."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        ports = (int(fields[at].rpartition(":")[2], 16) for at in (1, 2))
        yield (*ports, fields[3], int(fields[9]))  # type: ignore[misc]


def _listening(port: int) -> set[int]:
    return {inode for ours, _, state, inode in _tcp() if ours == port and state == "0A"}


def _accepted(port: int, client: int) -> set[int]:
    """The socket of a connection, once it is accepted."""
    return {
        inode
        for ours, theirs, _, inode in _tcp()
        if (ours, theirs) == (port, client) and inode
    }
