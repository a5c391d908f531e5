"""Servers on loopback addresses that keep every byte that they are sent."""

import base64
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any
from urllib.parse import unquote

#: A status, headers and a body.
Reply = tuple[int, Mapping[str, str], bytes]

#: Seconds for which a server waits for anything.
_PATIENCE = 60.0

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_ENCODED = re.compile(rb"[A-Za-z0-9+/=_\-]{4,}")


@dataclass(frozen=True)
class Asked:
    """A request."""

    method: str
    path: str
    authorization: str


class Recorder(ThreadingTCPServer):
    """One server; each request is answered by a function.

    :param certificate: with its key, for TLS.
    :ivar heads: the head of each request, as it came; nobody sends bodies.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(
        self,
        address: str,
        answer: Callable[[Asked], Reply],
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        super().__init__((address, 0), _Conversation)
        self.port: int = self.server_address[1]
        self.heads: list[bytes] = []
        self.answer = answer
        self.tls: ssl.SSLContext | None = None
        if certificate is not None:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Serve no more."""
        self.shutdown()
        self.server_close()

    def has_seen(self, secret: str) -> bool:
        """Whether a secret came in, in plain or encoded."""
        return any(
            secret.encode() in said for head in self.heads for said in _read(head)
        )


def _read(head: bytes) -> Iterator[bytes]:
    """What a head says, to whoever tries to read it."""
    yield head
    yield unquote(head.decode("latin-1")).encode("latin-1", "replace")
    for word in _ENCODED.findall(head):
        for start in range(4):  # it may begin within other text
            part = word[start:].translate(_URL_SAFE).partition(b"=")[0]
            with suppress(ValueError):
                yield base64.b64decode(part + b"=" * (-len(part) % 4))
            with suppress(ValueError):
                yield base64.b64decode(part[: len(part) // 4 * 4])
        with suppress(ValueError):
            yield bytes.fromhex(word.decode())


class _Conversation(BaseRequestHandler):
    server: Recorder

    def handle(self) -> None:
        """Read heads, and answer."""
        wire: socket.socket = self.request
        wire.settimeout(_PATIENCE)
        with suppress(OSError):
            if self.server.tls is not None:
                wire = self.server.tls.wrap_socket(wire, server_side=True)
            while True:
                self._answer(wire)

    def _answer(self, wire: socket.socket) -> None:
        head = read_head(wire)
        self.server.heads.append(head)
        first, *fields = head.decode("latin-1").rstrip().split("\r\n")
        method, target, _ = first.split(" ", 2)
        named = dict(field.split(": ", 1) for field in fields)
        asked = Asked(method, target, named.get("Authorization", ""))
        status, headers, body = self.server.answer(asked)
        lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "\r\n".join([*lines, "", ""])
        wire.sendall(text.encode() + (b"" if method == "HEAD" else body))


def read_head(wire: socket.socket) -> bytes:
    """What comes up to an empty line.

    :raises OSError: when the connection ends before.
    """
    head = b""
    while b"\r\n\r\n" not in head:
        data = wire.recv(1)
        if not data:
            raise OSError("no request")
        head += data
    return head


class RecordingProxy(ThreadingTCPServer):
    """An HTTP proxy for CONNECT that keeps what it is asked, and what goes through.

    :param addresses: where each name leads; addresses that are in it lead to
        themselves, and all else nowhere.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: str, addresses: Mapping[str, str]) -> None:
        super().__init__((address, 0), _Tunnel)
        self.port: int = self.server_address[1]
        self.heads: list[bytes] = []
        self.addresses = {one: one for one in addresses.values()} | dict(addresses)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    close = Recorder.close
    has_seen: Any = Recorder.has_seen


class _Tunnel(BaseRequestHandler):
    server: RecordingProxy

    def handle(self) -> None:
        """Read a CONNECT, and pass on what comes then."""
        with suppress(OSError):
            head = read_head(self.request)
            self.server.heads.append(head)
            method, target, _ = head.decode("latin-1").split(" ", 2)
            name, _, port = target.rpartition(":")
            if method != "CONNECT" or name not in self.server.addresses:
                self.request.sendall(b"HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n")
                return
            there = (self.server.addresses[name], int(port))
            with socket.create_connection(there, _PATIENCE) as wire:
                self.request.sendall(b"HTTP/1.1 200 X\r\n\r\n")
                back = threading.Thread(target=_pass, args=(wire, self.request))
                back.start()
                for data in _passed(self.request, wire):
                    self.server.heads.append(data)
                back.join(_PATIENCE)


def _passed(source: socket.socket, target: socket.socket) -> Iterator[bytes]:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
            yield data
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _pass(source: socket.socket, target: socket.socket) -> None:
    for _ in _passed(source, target):
        pass
