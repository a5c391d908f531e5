"""The PROXY protocol on a running daemon, with TLS and without."""

import base64
import socket
import ssl

from pullthrough.spec.proxyheader import SIGNATURE
from tests.support.pki import Authority
from tests.support.proxyheaders import binary, line
from tests.test_reload import ReloadCase

#: The address of the proxy; everybody else comes from 127.0.0.1.
PROXY = "127.0.0.2"

_OWN = """
[repository:own]
type = hosted
http_port = tcp:0:interface=127.0.0.1
https_port = tcp:0:interface=127.0.0.1
"""

_TOP = """tls_certificate = localhost.crt
tls_key = localhost.key
proxy_protocol = 127.0.0.2
trusted_proxies = 198.51.100.0/24, 127.0.0.2
"""

TOLD = line("TCP4 203.0.113.9 127.0.0.1 50000 5000")


class ProxiedTests(ReloadCase):
    """A daemon behind something that forwards connections."""

    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.folder)
        self.authority.issue("localhost", "127.0.0.1")

    def talk(
        self,
        where: str,
        header: bytes,
        address: str = PROXY,
        secure: bool = False,
        told: str = "",
    ) -> bytes:
        """Send a header and a request; all that is answered."""
        host, _, port = where.partition(":")
        pair = base64.b64encode(b"alice:s3cret").decode()
        request = (
            f"GET /v2/ HTTP/1.1\r\nHost: r\r\n{told}"
            f"Authorization: Basic {pair}\r\nConnection: close\r\n\r\n"
        ).encode()
        opened = socket.create_connection((host, int(port)), 30, (address, 0))
        opened.settimeout(30)
        with opened:
            try:
                opened.sendall(header)
                if secure:
                    trust = ssl.create_default_context(
                        cafile=self.authority.certificate
                    )
                    opened = trust.wrap_socket(opened, server_hostname="localhost")
                opened.sendall(request)
                found = b""
                while piece := opened.recv(4096):
                    found += piece
            except OSError:
                return b""
            finally:
                opened.close()
        return found

    def peer(self) -> str:
        """Whose request the log tells of next."""
        line = self.until(self.process, '"GET /v2/" 200')[-1]
        return line.split(" own ")[0].split()[-2]

    def test_who_is_told(self) -> None:
        """The access log has the client, over HTTP and HTTPS, with either version,
        and the proxy itself where it tells nobody."""
        self.serve(_OWN, top=_TOP)
        plain, secure = self.port_of("own"), self.port_of("own")
        for header, peer in (
            (TOLD, "203.0.113.9"),
            (binary(0x21, "2001:db8::9", "::1"), "2001:db8::9"),
            (line("UNKNOWN"), PROXY),
            (SIGNATURE + b"\x20\x00\x00\x00", PROXY),
        ):
            answer = self.talk(plain, header)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            self.assertEqual(self.peer(), peer)
            answer = self.talk(secure, header, secure=True)
            self.assertTrue(answer.startswith(b"HTTP/1.1 200 "), answer)
            self.assertEqual(self.peer(), peer)

    def test_who_may_tell(self) -> None:
        """A header from anybody else is a malformed request; none from the proxy is
        the end without an answer."""
        self.serve(_OWN, top=_TOP)
        plain, secure = self.port_of("own"), self.port_of("own")
        for header in (TOLD, binary(0x11, "203.0.113.9", "127.0.0.1")):
            answer = self.talk(plain, header, "127.0.0.1")
            self.assertTrue(answer.startswith(b"HTTP/1.1 400 "), answer)
            self.assertEqual(self.talk(secure, header, "127.0.0.1", secure=True), b"")
        self.assertIn(b" 200 ", self.talk(plain, b"", "127.0.0.1"))
        for header in (b"", line("TCP4 evil 127.0.0.1 1 2")):
            self.assertEqual(self.talk(plain, header), b"")
            self.assertEqual(self.talk(secure, header, secure=True), b"")
        self.until(self.process, "127.0.0.2 is in proxy_protocol, but sends no PROXY")

    def test_forwarded(self) -> None:
        """X-Forwarded-For counts from who is told, not from who tells."""
        self.serve(_OWN, top=_TOP)
        plain = self.port_of("own")
        forwarded = "X-Forwarded-For: 192.0.2.77\r\n"
        self.talk(plain, TOLD, told=forwarded)
        self.assertEqual(self.peer(), "203.0.113.9")
        inner = line("TCP4 198.51.100.3 127.0.0.1 50000 5000")
        self.talk(plain, inner, told=forwarded)
        self.assertEqual(self.peer(), "192.0.2.77")

    def test_another_list(self) -> None:
        """It holds for connections that come after a reload."""
        self.serve(_OWN, top=_TOP)
        plain = self.port_of("own")
        self.configure(_OWN, top=_TOP.replace("proxy_protocol", "; proxy_protocol"))
        self.reload()
        self.assertIn(b" 200 ", self.talk(plain, b""))
        self.assertIn(b" 400 ", self.talk(plain, TOLD))
        self.configure(_OWN, top=_TOP)
        self.reload()
        self.assertEqual(self.talk(plain, b""), b"")
        self.assertIn(b" 200 ", self.talk(plain, TOLD))
