"""CONNECT: how an HTTP proxy is asked for a tunnel. Sans-IO.

RFC 9110 section 9.3.6: any 2xx answer means that the proxy has connected.
"""

import base64
import re

from pullthrough.upstream.tunnel import Rejected

#: Largest answer head of a proxy, in bytes.
LARGEST_HEAD = 16 * 1024

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([\x20-\x7e]*))?")


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
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            if len(self._received) > LARGEST_HEAD:
                raise Rejected("its answer is too long")
            return b"", None
        status = _STATUS.match(head)
        if status is None:
            raise Rejected("it does not answer as an HTTP proxy does")
        code, text = status.groups()
        if code == b"407":
            raise Rejected("it wants other credentials (407)")
        if not code.startswith(b"2"):
            words = (text or b"").decode("ascii")[:100]
            raise Rejected(f"it answered {code.decode()} {words}".rstrip())
        return b"", rest
