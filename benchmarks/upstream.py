"""An upstream registry in a process of its own: ``python -m benchmarks.upstream``.

It reads only, and sends so many bytes a second to all clients together. It takes no
part in what is measured but its pace: bodies go out by sendfile.
"""

import hashlib
import json
import os
import socket
import sys
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.content import MANIFEST_TYPE, PREFIX, prefix_of, spans

#: Bytes that are sent at once where the pace is limited; seconds that may be made up
#: for when the machine was late.
PIECE = 64 * 1024
CREDIT = 0.02


class Link:
    """What all connections share.

    :param rate: bytes a second; 0: as fast as it goes.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._free = 0.0
        self._lock = threading.Lock()

    def wait(self, amount: int) -> None:
        """Until so many bytes may go."""
        if not self.rate:
            return
        with self._lock:
            now = time.monotonic()
            begin = max(self._free, now - CREDIT)
            self._free = begin + amount / self.rate
        if begin > now:
            time.sleep(begin - now)


class Upstream:
    """Serves a folder of :class:`benchmarks.content.Contents`."""

    def __init__(self, folder: Path, rate: float) -> None:
        self._folder = folder
        self._link = Link(rate)
        self._base = os.open(folder / "base", os.O_RDONLY)
        self._gets: Counter[str] = Counter()

    def serve(self, port: int) -> None:
        """For ever."""
        with socket.create_server(("127.0.0.1", port), backlog=512) as server:
            while True:
                client, _ = server.accept()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        held = b""
        try:
            while True:
                while b"\r\n\r\n" not in held:
                    more = client.recv(65536)
                    if not more:
                        return
                    held += more
                head, _, held = held.partition(b"\r\n\r\n")
                method, target, version = head.split(b"\r\n")[0].decode().split(" ")
                self._answer(client, method, target.partition("?")[0])
                if version == "HTTP/1.0" or b"\nconnection: close" in head.lower():
                    return
        except OSError:
            pass
        finally:
            client.close()

    def _answer(self, client: socket.socket, method: str, path: str) -> None:
        *image, kind, name = ["", *path.removeprefix("/v2/").split("/")]
        if method == "GET":
            self._gets[path] += 1
        if path == "/v2/":
            self._send(client, method, 200, b"{}", "application/json")
        elif path.startswith("/count/"):
            gets = self._gets[path.removeprefix("/count")]
            self._send(client, method, 200, json.dumps(gets).encode(), "text/plain")
        elif kind == "blobs":
            self._blob(client, method, name)
        elif kind == "manifests":
            self._manifest(client, method, "_".join(image[1:]), name)
        else:
            self._send(client, method, 404, b"{}", "application/json")

    def _manifest(
        self, client: socket.socket, method: str, image: str, name: str
    ) -> None:
        hexed = name.removeprefix("sha256:")
        found = (
            self._folder
            / "manifests"
            / (hexed if hexed != name else image + "_" + name)
        )
        if not found.is_file():
            self._send(client, method, 404, b"{}", "application/json")
            return
        if hexed == name:
            hexed = hashlib.sha256(found.read_bytes()).hexdigest()
        content = found.read_bytes()
        self._send(client, method, 200, content, MANIFEST_TYPE, f"sha256:{hexed}")

    def _blob(self, client: socket.socket, method: str, name: str) -> None:
        try:
            told = (self._folder / "blobs" / name.removeprefix("sha256:")).read_text()
        except OSError:
            self._send(client, method, 404, b"{}", "application/json")
            return
        number, size = map(int, told.split())
        client.sendall(_head(200, size, "application/octet-stream", name))
        if method == "HEAD":
            return
        client.sendall(prefix_of(number)[:size])
        for begin, length in spans(PREFIX, size):
            self._pour(client, begin, length)

    def _pour(self, client: socket.socket, begin: int, length: int) -> None:
        end = begin + length
        while begin < end:
            want = min(PIECE, end - begin) if self._link.rate else end - begin
            self._link.wait(want)
            while want:
                sent = os.sendfile(client.fileno(), self._base, begin, want)
                begin += sent
                want -= sent

    def _send(
        self,
        client: socket.socket,
        method: str,
        status: int,
        body: bytes,
        media_type: str,
        digest: str = "",
    ) -> None:
        head = _head(status, len(body), media_type, digest)
        client.sendall(head if method == "HEAD" else head + body)


def _head(status: int, length: int, media_type: str, digest: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} X",
        f"Content-Type: {media_type}",
        f"Content-Length: {length}",
        "Docker-Distribution-Api-Version: registry/2.0",
    ]
    if digest:
        lines.append(f"Docker-Content-Digest: {digest}")
        lines.append(f'ETag: "{digest}"')
    return "\r\n".join([*lines, "", ""]).encode()


def main() -> None:
    """Arguments: the folder, the port, bytes a second (0: no limit)."""
    folder, port, rate = sys.argv[1:]
    Upstream(Path(folder), float(rate)).serve(int(port))


if __name__ == "__main__":
    main()
