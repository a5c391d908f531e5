"""SOCKS5 (RFC 1928, RFC 1929): how a SOCKS proxy is asked for a tunnel. Sans-IO.

The name of the target goes to the proxy as it is, which resolves it. Our own, since
socksio wants each answer in a segment of its own, which TCP does not promise.
"""

import ipaddress
from collections.abc import Generator

from pullthrough.upstream.tunnel import Rejected

# RFC 1928 section 6, the reply field.
_REPLIES = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "address type not supported",
}

_NO_AUTHENTICATION = 0
_PASSWORD = 2

#: What a step of the dialogue asks for: bytes to send, and how many to wait for.
_Step = tuple[bytes, int]


class Socks5:
    """One request to connect.

    :raises ValueError: when a name or a credential is longer than SOCKS takes.
    """

    def __init__(self, host: str, port: int, username: str, password: str) -> None:
        self._target = _address(host) + port.to_bytes(2, "big")
        self._credentials = b""
        if username:
            self._credentials = b"\x01" + _counted(username) + _counted(password)
        self._received = b""
        self._dialogue = self._talk()
        self._outgoing, self._wanted = next(self._dialogue)

    def begin(self) -> bytes:
        """See :meth:`Greeting.begin`."""
        return self._outgoing

    def receive(self, data: bytes) -> tuple[bytes, bytes | None]:
        """See :meth:`Greeting.receive`."""
        self._received += data
        outgoing = b""
        while len(self._received) >= self._wanted:
            answer = self._received[: self._wanted]
            self._received = self._received[self._wanted :]
            try:
                more, self._wanted = self._dialogue.send(answer)
            except StopIteration:
                return outgoing, self._received
            outgoing += more
        return outgoing, None

    def _talk(self) -> Generator[_Step, bytes, None]:
        methods = [_NO_AUTHENTICATION]
        if self._credentials:
            methods = [_PASSWORD, _NO_AUTHENTICATION]
        version, method = yield bytes([5, len(methods), *methods]), 2
        if version != 5:
            raise Rejected("it does not answer as a SOCKS5 proxy does")
        if method not in methods:
            raise Rejected("it wants other credentials")
        if method == _PASSWORD:
            _, status = yield self._credentials, 2
            if status:
                raise Rejected("it refused our credentials")
        # RFC 1928 section 4: VER CMD RSV ATYP DST.ADDR DST.PORT; section 6: VER REP RSV
        # ATYP BND.ADDR BND.PORT, the address as long as its type says.
        version, reply, _, kind = yield b"\x05\x01\x00" + self._target, 4
        if version != 5:
            raise Rejected("it does not answer as a SOCKS5 proxy does")
        if reply:
            raise Rejected(_REPLIES.get(reply, f"reply {reply}"))
        length = {1: 4, 4: 16}.get(kind)
        if length is None:
            (length,) = yield b"", 1
        yield b"", length + 2


def _address(host: str) -> bytes:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return b"\x03" + _counted(host)
    return (b"\x01" if address.version == 4 else b"\x04") + address.packed


def _counted(text: str) -> bytes:
    data = text.encode("utf-8")
    if not 0 < len(data) < 256:
        raise ValueError("SOCKS5 takes names and credentials of 1 to 255 bytes")
    return bytes([len(data)]) + data
