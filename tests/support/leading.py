"""An upstream that says 401, leads away by a signed URL, gives tokens, and fails."""

import json
from http.server import BaseHTTPRequestHandler


class Leading(BaseHTTPRequestHandler):
    """Answers by the image's name.

    :cvar token: what its realm gives.
    :cvar signature: in the URL that it leads to.
    """

    token = ""
    signature = ""

    def do_GET(self) -> None:
        """Answer."""
        authorization = self.headers["Authorization"] or ""
        body, headers = b"", {}
        if self.path.startswith("/token"):
            status = 200
            body = json.dumps({"token": self.token}).encode()
        elif "denied" in self.path:
            status = 401
            headers["WWW-Authenticate"] = 'Basic realm="x"'
        elif "locked" in self.path and self.token not in authorization:
            status = 401
            host = self.headers["Host"]
            headers["WWW-Authenticate"] = f'Bearer realm="http://{host}/token"'
        elif "away" in self.path:
            status = 307
            headers["Location"] = f"http://127.0.0.1:9/x?signature={self.signature}"
        else:
            status = 503
            body = authorization.encode()  # which nobody may repeat
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""
