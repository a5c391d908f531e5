"""An upstream that limits everybody, for the tests: a script for the namespace.

limited.py HOST PORT

It wants a password, any at all, says what it was sent, and answers 429 to that.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Limited(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """401 without a password, else 429; HEAD alike."""
        sent = self.headers["Authorization"]
        print(self.command, self.path, sent, file=sys.stderr, flush=True)
        if sent is None:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="limited"')
        else:
            self.send_response(429)
            self.send_header("Retry-After", "30")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET


if __name__ == "__main__":
    ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Limited).serve_forever()
