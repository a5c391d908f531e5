"""Clients that read blobs, as cheaply as it goes, so that they are not what limits.

Over plain TCP the kernel throws the bytes away (MSG_TRUNC, tcp(7)); they are counted.
"""

import socket
import time
from dataclasses import dataclass, field
from typing import Any

from benchmarks.calls import ACCEPT, PATIENCE, Target, Wrong
from benchmarks.tls import context

#: Bytes asked for in one call.
PIECE = 1024 * 1024

#: Bytes that the slow ones take at once, and their buffer in the kernel.
SIP = 64 * 1024


@dataclass
class Reader:
    """Reads one thing once.

    :ivar size: bytes that it must have.
    """

    target: Target
    path: str
    size: int
    _socket: Any = field(default=None, init=False)
    _buffer: bytearray = field(default_factory=bytearray, init=False)

    def prepare(self) -> None:
        """Connect."""
        plain = socket.socket()
        self._shape(plain)
        plain.settimeout(PATIENCE)
        plain.connect(("127.0.0.1", self.target.port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        if self.target.tls:
            self._socket = context().wrap_socket(plain)
        self._buffer = bytearray(PIECE)

    def work(self) -> dict[str, float]:
        """Read: when the first byte was there, and the last."""
        first = self.read()
        return {"first": first, "last": time.monotonic(), "bytes": self.size}

    def read(self) -> float:
        """Read all; the moment of the first byte of the body."""
        had, first = self.ask()
        left = self.size - had
        while left:
            got = self.take(left)
            if not got:
                raise Wrong(f"{self.target.name}: {self.path}: cut short by {left}")
            first = first or time.monotonic()
            left -= got
        return first

    def take(self, most: int) -> int:
        """Take some bytes of the body; how many."""
        most = min(most, len(self._buffer))
        if self.target.tls:
            return int(self._socket.recv_into(self._buffer, most))
        return int(self._socket.recv_into(self._buffer, most, socket.MSG_TRUNC))

    def ask(self) -> tuple[int, float]:
        """Send the request and read the head: bytes of the body that came with it, and
        the moment of the first of them, or 0."""
        self._socket.sendall(self._request())
        held = b""
        while b"\r\n\r\n" not in held:
            got = self._socket.recv(4096)
            if not got:
                raise Wrong(f"{self.target.name}: {self.path}: no answer")
            held += got
        head, _, body = held.partition(b"\r\n\r\n")
        check_head(head, self.size, f"{self.target.name}: {self.path}")
        return len(body), time.monotonic() if body else 0.0

    def _request(self) -> bytes:
        headers = {"Host": "127.0.0.1", "Accept": ACCEPT, **self.target.headers}
        lines = [f"{name}: {value}" for name, value in headers.items()]
        return "\r\n".join([f"GET {self.path} HTTP/1.1", *lines, "", ""]).encode()

    def _shape(self, plain: socket.socket) -> None:
        """Before it connects."""


def check_head(head: bytes, size: int, what: str) -> None:
    """Look at the head of an answer.

    :raises Wrong: when it is not 200, or not with so many bytes.
    """
    first, *lines = head.decode("latin-1").split("\r\n")
    if first.split(" ")[1] != "200":
        raise Wrong(f"{what}: {first}")
    lengths = [line for line in lines if line.lower().startswith("content-length:")]
    if len(lengths) != 1 or int(lengths[0].partition(":")[2]) != size:
        raise Wrong(f"{what}: {lengths or 'no length'}, not {size} bytes")


@dataclass
class Again(Reader):
    """Reads it over and over for so many seconds, and goes in the middle of it."""

    seconds: float = 1.0

    def work(self) -> dict[str, float]:
        """How many bytes it got."""
        until = time.monotonic() + self.seconds
        done = left = 0
        while (now := time.monotonic()) < until:
            if not left:
                had, _ = self.ask()
                left = self.size - had
                done += had
            got = self.take(left)
            if not got:
                raise Wrong(f"{self.target.name}: {self.path}: cut short by {left}")
            left -= got
            done += got
        return {"bytes": done, "last": now}


@dataclass
class Slow(Reader):
    """Reads a little now and then for so many seconds, and goes before the end.

    :ivar pause: seconds between two sips.
    """

    seconds: float = 1.0
    pause: float = 0.1

    def work(self) -> dict[str, float]:
        """How many bytes it got."""
        until = time.monotonic() + self.seconds
        done, _ = self.ask()
        while time.monotonic() < until:
            got = self.take(min(SIP, self.size - done))
            if not got:
                raise Wrong(f"{self.target.name}: {self.path}: cut short at {done}")
            done += got
            time.sleep(self.pause)
        return {"bytes": done, "last": time.monotonic()}

    def _shape(self, plain: socket.socket) -> None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP)
