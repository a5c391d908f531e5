"""Small answers and one large push, beside docker-registry, in one run.

Prints a table of medians and ratios. Needs wrk and docker-registry.
"""

import base64
import hashlib
import http.client
import os
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import bcrypt

ROUNDS = 3
SECONDS = 3
PUSH_MIB = 256
USER, PASSWORD = "alice", "s3cret"
AUTH = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
IMAGE = "bench/app"
ACCEPT = "application/vnd.oci.image.manifest.v1+json, */*"

_OURS = """
[pullthrough]
data = {folder}/ours
[auth]
htpasswd = {folder}/users
[repository:own]
type = hosted
http_port = tcp:{port}:interface=127.0.0.1
"""

_THEIRS = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}/theirs}}}}
http: {{addr: "127.0.0.1:{port}", secret: x}}
auth: {{htpasswd: {{realm: x, path: {folder}/users}}}}
"""


@dataclass
class Server:
    """A registry that runs."""

    name: str
    port: int
    process: "subprocess.Popen[bytes]"

    def call(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        sent.update({"Authorization": f"Basic {AUTH}", "Accept": ACCEPT})
        connection.request(method, path, body=body, headers=sent)  # type: ignore[arg-type]
        response = connection.getresponse()
        return response, response.read()

    def push(self, content: bytes) -> float:
        """Push a blob in one PUT; MB a second."""
        digest = hashlib.sha256(content).hexdigest()
        response, _ = self.call("POST", f"/v2/{IMAGE}/blobs/uploads/")
        location = response.headers["Location"]
        path = "/" + location.split("/", 3)[3] if "//" in location else location
        joint = "&" if "?" in path else "?"
        begun = time.perf_counter()
        response, said = self.call(
            "PUT",
            f"{path}{joint}digest=sha256:{digest}",
            content,
            Content_Type="application/octet-stream",
        )
        assert response.status == 201, (self.name, response.status, said)
        return len(content) / 1e6 / (time.perf_counter() - begun)

    def requests(self, path: str, expected: bytes) -> float:
        """Requests a second for a small answer, with 16 connections."""
        response, body = self.call("GET", path)
        assert (response.status, body) == (200, expected), self.name
        command = [
            "wrk",
            "-t1",
            "-c16",
            f"-d{SECONDS}s",
            "-H",
            f"Accept: {ACCEPT}",
            "-H",
        ]
        url = f"http://127.0.0.1:{self.port}{path}"
        said = subprocess.run(
            [*command, f"Authorization: Basic {AUTH}", url],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "Non-2xx" not in said, (self.name, said)
        assert "Socket errors" not in said, (self.name, said)
        found = re.search(r"Requests/sec:\s+([0-9.]+)", said)
        assert found is not None, said
        return float(found[1])


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(name: str, folder: Path, config: str, command: list[str]) -> Server:
    """Start a server with its configuration, and wait for its port."""
    port = free_port()
    path = folder / f"{name}.conf"
    path.write_text(config.format(folder=folder, port=port))
    process = subprocess.Popen(
        [*command, str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return Server(name, port, process)
        try:
            process.wait(0.05)
            break
        except subprocess.TimeoutExpired:
            continue
    raise SystemExit(f"{name} did not start")


def measure(servers: list[Server], case: str, run: Callable[[Server], float]) -> None:
    """Measure a case on all servers, in turns, and print the ratio."""
    found: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(ROUNDS):
        for server in servers:
            found[server.name].append(run(server))
    medians = [statistics.median(found[server.name]) for server in servers]
    shown = "  ".join(
        f"{server.name} {median:10.0f} ({min(found[server.name]):.0f}"
        f" to {max(found[server.name]):.0f})"
        for server, median in zip(servers, medians, strict=True)
    )
    print(f"{case:28} {shown}  ratio {medians[0] / medians[1]:.1f}", flush=True)


def main() -> None:
    """Start both, measure, stop both."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        users = folder / "users"
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
        users.write_text(f"{USER}:{hashed}\n")
        users.chmod(0o600)
        twistd = str(Path(sys.executable).with_name("twistd"))
        servers = [
            start("ours", folder, _OURS, [twistd, "pullthrough", "--config"]),
            start("registry", folder, _THEIRS, ["docker-registry", "serve"]),
        ]
        try:
            run(servers)
        finally:
            for server in servers:
                server.process.terminate()
                server.process.wait(30)


def run(servers: list[Server]) -> None:
    """All cases."""
    blob = os.urandom(4096)
    digest = hashlib.sha256(blob).hexdigest()
    media = "application/vnd.oci.image.manifest.v1+json"
    config = f'{{"mediaType":"a/b","digest":"sha256:{digest}","size":{len(blob)}}}'
    manifest = (
        f'{{"schemaVersion":2,"mediaType":"{media}","config":{config},"layers":[]}}'
    ).encode()
    named = hashlib.sha256(manifest).hexdigest()
    for server in servers:
        server.push(blob)
        path = f"/v2/{IMAGE}/manifests/v1"
        response, said = server.call("PUT", path, manifest, Content_Type=media)
        assert response.status == 201, (server.name, said)
    base = f"/v2/{IMAGE}"
    for case, path, body in (
        ("manifest by digest, req/s", f"{base}/manifests/sha256:{named}", manifest),
        ("4 KiB blob, req/s", f"{base}/blobs/sha256:{digest}", blob),
    ):
        measure(servers, case, lambda server: server.requests(path, body))  # noqa: B023
    measure(
        servers,
        f"push of {PUSH_MIB} MiB, MB/s",
        lambda server: server.push(os.urandom(PUSH_MIB * 1024 * 1024)),
    )


if __name__ == "__main__":
    main()
