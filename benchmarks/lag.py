"""How long the heaviest things that a client may ask for hold up everybody else.

Starts the daemon for each case anew, does it some times, and prints the longest that
the reactor was late (its own probe, from ``/metrics``) and that another client waited
for ``/health/live`` meanwhile. Linux only; needs openssl.
"""

import base64
import hashlib
import http.client
import json
import os
import re
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import bcrypt

from benchmarks.connectors import Daemon, certify

# An answer to 100 tags names them all.
http.client._MAXHEADERS = 1000  # type: ignore[attr-defined]

USER, PASSWORD = "alice", "s3cret"
LOGIN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

OCI = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"

#: What is promised, in seconds.
LONGEST = 0.1

#: How often each thing is done.
TIMES = 5

#: Repositories with a port each, for the reload and the metrics.
MANY = 200

_HEAD = """
[pullthrough]
data = data
tls_certificate = server.crt
tls_key = server.key
uploads_per_image = 1000
[auth]
htpasswd = users
[admin]
http_port = tcp:0:interface=127.0.0.1
[role:everybody]
users = *
actions = all
images = *
[role:readers]
users = bob
actions = browse, read
images = team/*, other/*, app*
[repository:own]
type = hosted
[repository:again]
type = hosted
http_port = tcp:{upstream}:interface=127.0.0.1
[repository:hub]
type = proxy
remote_url = http://127.0.0.1:{upstream}
username = alice
password = s3cret
[repository:all]
type = group
member_names = own, hub
writable_member = own
"""


class Client:
    """One who asks, on a connection that is kept."""

    def __init__(self, where: str) -> None:
        self._connection = http.client.HTTPConnection(where, timeout=300)

    def ask(
        self, method: str, target: str, body: bytes = b"", kind: str = ""
    ) -> tuple[int, bytes, "http.client.HTTPMessage"]:
        """Status, body and headers of an answer."""
        # With an explanation an answer is made anew, and not one that was kept.
        headers = {"Authorization": LOGIN, "X-Pullthrough-Explain": "1"}
        if kind:
            headers["Content-Type"] = kind
        self._connection.request(method, target, body or None, headers)
        response = self._connection.getresponse()
        return response.status, response.read(), response.headers

    def must(
        self, method: str, target: str, body: bytes = b"", kind: str = ""
    ) -> bytes:
        """The body of an answer that is none of failure."""
        status, found, _ = self.ask(method, target, body, kind)
        if status >= 300:
            raise SystemExit(f"{method} {target[:200]}: {status} {found[:300]!r}")
        return found


@dataclass
class Waiting:
    """Somebody who asks for next to nothing, all the time."""

    where: str
    longest: float = 0.0
    count: int = 0
    _over: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> "Waiting":
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        client = Client(self.where)
        while not self._over.is_set():
            begun = time.perf_counter()
            client.must("GET", "/health/live")
            self.longest = max(self.longest, time.perf_counter() - begun)
            self.count += 1
            self._over.wait(0.002)


def descriptor(number: int, kind: str = "a/b", **more: object) -> dict[str, object]:
    """Of something that nobody has."""
    digest = hashlib.sha256(str(number).encode()).hexdigest()
    return {"mediaType": kind, "digest": f"sha256:{digest}", "size": 5, **more}


BLOB = b"layer"
OWN = {
    "mediaType": "a/b",
    "digest": f"sha256:{hashlib.sha256(BLOB).hexdigest()}",
    "size": len(BLOB),
}


def manifest(layers: object = (), **more: object) -> bytes:
    """Of an image."""
    document = {"schemaVersion": 2, "mediaType": OCI, "config": OWN, "layers": layers}
    return json.dumps({**document, **more}, separators=(",", ":")).encode()


def raw(inside: str) -> bytes:
    """A manifest with such a member."""
    return manifest().replace(b"{", b'{"x":' + inside.encode() + b",", 1)


#: As much as may be pushed, each of one kind.
HEAVY: dict[str, tuple[str, bytes]] = {
    "layers": (OCI, manifest([OWN] * 19_990)),
    "foreign layers": (
        OCI,
        manifest([descriptor(one, urls=["https://x"]) for one in range(9_990)]),
    ),
    "an index": (
        INDEX,
        json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "manifests": [descriptor(one, OCI) for one in range(19_990)],
            },
            separators=(",", ":"),
        ).encode(),
    ),
    "annotations": (
        OCI,
        manifest(annotations={f"k{one}": "v" for one in range(99_000)}),
    ),
    "small objects": (OCI, raw("[" + ",".join(['{"a":1,"b":2}'] * 19_990) + "]")),
    "long numbers": (OCI, raw("[" + ",".join(["9" * 4_200] * 980) + "]")),
    "one string": (OCI, raw('"' + "x" * 4_100_000 + '"')),
    "escapes": (OCI, raw('"' + "\\u00e9" * 680_000 + '"')),
}


def seed(client: Client) -> None:
    """What the cases need."""
    digest = OWN["digest"]
    for image in ("own/app", "again/app"):
        client.must("POST", f"/v2/{image}/blobs/uploads/?digest={digest}", BLOB)
    for name in ("own", "again"):
        tags = "&".join(f"tag=t{one}" for one in range(100))
        body = manifest([OWN])
        named = hashlib.sha256(body).hexdigest()
        target = f"/v2/{name}/app/manifests/sha256:{named}?{tags}"
        client.must("PUT", target, body, OCI)
    for one in range(1200):
        mounting = f"/v2/own/app{one}/blobs/uploads/?mount={digest}&from=own/app"
        client.must("POST", mounting)
        client.must("PUT", f"/v2/own/app{one}/manifests/v1", manifest([OWN]), OCI)
    subject = {**descriptor(0, OCI), "size": 7}
    for one in range(1000):
        notes = {"note": f"{one} " * 20}
        body = manifest(subject=subject, annotations=notes, artifactType="a/sbom")
        named = hashlib.sha256(body).hexdigest()
        client.must("PUT", f"/v2/own/app/manifests/sha256:{named}", body, OCI)
    for name, (kind, body) in HEAVY.items():
        tag = name.replace(" ", "-")
        client.must("PUT", f"/v2/again/app/manifests/{tag}", body, kind)


class Bench:
    """A daemon's folder, and what is measured in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.blocked: list[str] = []
        certify(folder)
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
        (folder / "users").write_text(f"{USER}:{hashed}\nbob:{hashed}\n")
        (folder / "users").chmod(0o600)

    def configure(self, many: int = 0) -> None:
        """Write the configuration, with so many repositories more."""
        from benchmarks.servers import free_port

        self._upstream = getattr(self, "_upstream", None) or free_port()
        parts = [_HEAD.format(upstream=self._upstream)]
        for number in range(many):
            option = ("http_port", "https_port")[number % 2]
            parts.append(f"[repository:r{number}]\ntype = hosted\n")
            parts.append(f"{option} = tcp:0:interface=127.0.0.1\n")
        (self.folder / "registry.ini").write_text("".join(parts))

    def main(self) -> str:
        """Where the main connector is."""
        text = (self.folder / "log").read_text()
        return re.findall(r"http://(\S+) serves all repositories", text)[0]

    def case(self, name: str, work: Callable[[Client], None]) -> None:
        """Do it a few times beside somebody who waits; print how long that was."""
        with Daemon(self.folder) as daemon:
            self.process = daemon._process
            client = Client(self.main())
            client.must("GET", "/v2/")
            Client(self.main()).must("GET", "/health/live")
            took = []
            with Waiting(self.main()) as waiting:
                for _ in range(TIMES):
                    begun = time.perf_counter()
                    work(client)
                    took.append(time.perf_counter() - begun)
            metrics = client.must("GET", "/metrics").decode()
        found = re.search(r"lag_longest_seconds ([0-9.e-]+)", metrics)
        assert found is not None
        lag = float(found[1])
        print(
            f"{name:34} {lag * 1000:9.0f} ms {waiting.longest * 1000:9.0f} ms"
            f" {min(took) * 1000:9.0f} ms {waiting.count:8}",
            flush=True,
        )
        if max(lag, waiting.longest) > LONGEST:
            self.blocked.append(name)

    def reload(self, client: Client) -> None:
        """SIGHUP, until it is taken."""
        log = self.folder / "log"
        before = log.read_text().count("reloaded: ")
        self.process.send_signal(signal.SIGHUP)
        while log.read_text().count("reloaded: ") == before:
            time.sleep(0.02)


def pushes(kind: str, body: bytes) -> Callable[[Client], None]:
    """Push it as if it were new."""

    def push(client: Client) -> None:
        fresh = body[:-1] + b" " * int.from_bytes(os.urandom(1)) + b"}"
        client.must("PUT", "/v2/own/app/manifests/heavy", fresh, kind)

    return push


def reads(method: str, target: str) -> Callable[[Client], None]:
    """Ask for it."""
    return lambda client: void(client.must(method, target))


def void(_: object) -> None:
    """Nothing of it is needed."""


def fetches(tag: str) -> Callable[[Client], None]:
    """Through a proxy that has no copy: each time it is another image to it."""
    names = iter(range(10**6))

    def fetch(client: Client) -> None:
        next(names)
        client.must("GET", f"/v2/hub/app/manifests/{tag}")
        client.ask("DELETE", f"/v2/hub/app/manifests/{tag}")

    return fetch


def transfer(client: Client) -> None:
    """64 MiB in and out."""
    content = os.urandom(1024 * 1024) * 64
    digest = hashlib.sha256(content).hexdigest()
    client.must("POST", f"/v2/own/app/blobs/uploads/?digest=sha256:{digest}", content)
    client.must("GET", f"/v2/own/app/blobs/sha256:{digest}")


def tags(client: Client) -> None:
    """As many tags as a query may have, moved at once."""
    body = manifest([OWN], annotations={"x": os.urandom(8).hex()})
    named = hashlib.sha256(body).hexdigest()
    query = "&".join(f"tag=t{one}" for one in range(100))
    client.must("PUT", f"/v2/own/app/manifests/sha256:{named}?{query}", body, OCI)


def scopes(client: Client) -> None:
    """A token for as much as fits into a target."""
    query = "&".join(f"scope=repository:own/app{one}:pull,push" for one in range(99))
    client.must("GET", f"/v2/token?service=pullthrough&{query}")


def cases(bench: Bench, wanted: str) -> None:
    """Those whose names have these words."""

    def case(name: str, work: Callable[[Client], None]) -> None:
        if wanted in name:
            bench.case(name, work)

    for name, (kind, body) in HEAVY.items():
        case(f"push: {name}", pushes(kind, body))
    for name in HEAVY:
        tag = name.replace(" ", "-")
        case(f"pull: {name}", reads("GET", f"/v2/again/app/manifests/{tag}"))
    for name in ("layers", "an index", "annotations"):
        tag = name.replace(" ", "-")
        case(f"HEAD: {name}", reads("HEAD", f"/v2/again/app/manifests/{tag}"))
    for name in ("layers", "an index", "annotations"):
        case(f"through a proxy: {name}", fetches(name.replace(" ", "-")))
    case("catalogue, 1000", reads("GET", "/v2/_catalog?n=1000"))
    case("referrers, 1000", reads("GET", f"/v2/own/app/referrers/{SUBJECT}"))
    case("tags list", reads("GET", "/v2/own/app/tags/list"))
    case("100 tags", tags)
    case("token, 99 scopes", scopes)
    case("64 MiB in and out", transfer)
    bench.configure(MANY)
    case(f"metrics, {MANY} repositories", reads("GET", "/metrics"))
    case(f"reload, {MANY} repositories", bench.reload)


SUBJECT = descriptor(0)["digest"]


def main(wanted: str = "") -> None:
    """Measure, print, and fail when a promise is broken."""
    with tempfile.TemporaryDirectory() as name:
        bench = Bench(Path(name))
        bench.configure()
        with Daemon(bench.folder):
            seed(Client(bench.main()))
        print(
            f"{'':34} {'probe':>12} {'a client':>12} {'each took':>12} {'asked':>8}",
            flush=True,
        )
        cases(bench, wanted)
        if bench.blocked:
            raise SystemExit(f"held up for too long: {', '.join(bench.blocked)}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
