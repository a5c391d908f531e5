"""CONNECT: how an HTTP proxy is asked for a tunnel. Sans-IO.

RFC 9110 section 9.3.6: any 2xx answer means that the proxy has connected.
"""

import base64
import re

from pullthrough.upstream.tunnel import Rejected

#: Largest answer head of a proxy with its empty line, in bytes.
LARGEST_HEAD = 16 * 1024

_END = b"\r\n\r\n"

# RFC 9112 section 4: status-line = HTTP-version SP status-code SP [ reason-phrase ],
# reason-phrase = 1*( HTAB / SP / VCHAR / obs-text ). Some leave out the second SP.
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([\t\x20-\x7e\x80-\xff]*))?")


def proxy_authorization(username: str, password: str) -> str:
    """The value of a ``Proxy-Authorization`` header (RFC 7617)."""
    pair = f"{username}:{password}".encode()
    return f"Basic {base64.b64encode(pair).decode('ascii')}"


class Connect:
    """One CONNECT request.

    :param target: ``HOST:PORT``; the proxy resolves the name.
    """

    def __init__(self, target: str, username: str, password: str) -> None:
        self._target = target
        self._credentials = (username, password)
        self._received = b""

    def begin(self) -> bytes:
        """See :meth:`Greeting.begin`."""
        lines = [f"CONNECT {self._target} HTTP/1.1", f"Host: {self._target}"]
        if self._credentials[0]:
            value = proxy_authorization(*self._credentials)
            lines.append(f"Proxy-Authorization: {value}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("ascii")

    def receive(self, data: bytes) -> tuple[bytes, bytes | None]:
        """See :meth:`Greeting.receive`."""
        self._received += data
        end = self._received.find(_END, 0, LARGEST_HEAD)
        if end < 0:
            if len(self._received) >= LARGEST_HEAD:
                raise Rejected("its answer is too long")
            return b"", None
        head, rest = self._received[:end], self._received[end + len(_END) :]
        status = _STATUS.fullmatch(head.partition(b"\r\n")[0])
        if status is None:
            raise Rejected("it does not answer as an HTTP proxy does")
        code, text = status.groups()
        if code == b"407":
            raise Rejected("it wants other credentials (407)")
        if not code.startswith(b"2"):
            words = (text or b"").replace(b"\t", b" ")[:100].decode("ascii", "replace")
            raise Rejected(f"it answered {code.decode()} {words}".rstrip())
        return b"", rest
