"""A chain of real programs: client, our proxy, another pullthrough, V2Ray, registry."""

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.loopback import parts
from tests.loopback.parts import (
    HUB,
    PASSWORD,
    UPSTREAM_PASSWORD,
    UPSTREAM_USER,
    USER,
    Upstream,
)
from tests.loopback.world import ADDRESS, Running, World, htpasswd
from tests.support.pki import Authority

#: The connectors of the two daemons: clients ask the front, the front the middle.
FRONT = f"{ADDRESS}:5020"
MIDDLE = f"{ADDRESS}:5021"

# Every tag is past its age at once. Nothing is left alone after failures and no miss is
# remembered, so that what comes back is seen at once.
_CONFIG = """
[pullthrough]
data = {data}

[http]
proxy = {egress}
trust = {trust}
timeout = 10s
retries = 0

[auth]
htpasswd = {users}

[repository:{name}]
type = proxy
http_port = tcp:{port}
remote_url = {remote}
username = {user}
password = {password}
library = yes
metadata_max_age = always
auto_block = no
negative_cache_enabled = no
"""

_WHOLE_NAME = re.compile("[0-9a-f]{64}")


class Answer(NamedTuple):
    """What a connector has answered to one request.

    :ivar body: None when it did not come whole.
    """

    status: int
    headers: dict[str, str]
    body: bytes | None


@dataclass
class Chain:
    """Starts and stops its links; *close* ends them all."""

    world: World
    authority: Authority
    upstream: Upstream
    folder: Path
    running: dict[str, Running] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Written once: with another salt it would be another password for us.
        self._users = htpasswd(self.folder / "users", **{USER: PASSWORD})

    def open(self) -> None:
        """Start all of it."""
        self.open_upstream()
        self.running["v2ray"], self._egress = parts.open_way(self.world, "v2ray-socks")
        self.open_middle()
        self.open_front()

    def open_upstream(self, password: str = UPSTREAM_PASSWORD) -> None:
        """Start the registry, perhaps with another password."""
        self.running["upstream"] = self.upstream.start(password)

    def open_middle(self) -> None:
        """Start the daemon that asks the registry."""
        self._daemon(
            "middle",
            MIDDLE,
            remote=f"https://{HUB}",
            user=UPSTREAM_USER,
            password=UPSTREAM_PASSWORD,
            egress=self._egress,
        )

    def open_front(self, name: str = "front") -> None:
        """Start the daemon that clients ask; each name has copies of its own."""
        self._daemon(
            name,
            FRONT,
            remote=f"http://{MIDDLE}",
            user=USER,
            password=PASSWORD,
            egress="direct",
        )

    def _daemon(self, name: str, at: str, **more: str) -> None:
        config = _CONFIG.format(
            name=name,
            port=at.rpartition(":")[2],
            data=self.folder / name,
            trust=self.authority.certificate,
            users=self._users,
            **more,
        )
        label = f"{self.folder.name}-{name}"
        port = int(at.rpartition(":")[2])
        self.running[name] = self.world.daemon(label, config, port)

    def stop(self, *names: str) -> None:
        """End some of it; a daemon of ours must end well."""
        for name in names:
            running = self.running.pop(name)
            status = running.stop()
            if name not in ("upstream", "v2ray"):
                assert "Traceback" not in running.said()
                assert status == 0, running.said()[-2000:]

    def close(self) -> None:
        """End what still runs, the front first."""
        links = list(reversed(self.running))
        try:
            self.stop(*links)
        finally:
            for running in self.running.values():
                running.stop()

    # -- what clients see --

    def get(self, at: str, path: str, *options: str) -> Answer:
        """GET with our user's password."""
        body, head = self.folder / "body", self.folder / "head"
        body.write_bytes(b"")
        done = self.world.run(
            *("curl", "-s", "--max-time", "60", "-u", f"{USER}:{PASSWORD}"),
            *("-o", str(body), "-D", str(head), *options, f"http://{at}{path}"),
            check=False,
        )
        first, *lines = head.read_text().splitlines()
        fields = (line.partition(": ") for line in lines if line)
        headers = {name.lower(): value for name, _, value in fields}
        whole = body.read_bytes() if done.returncode == 0 else None
        return Answer(int(first.split()[1]), headers, whole)

    def blob(self, at: str, image: str, digest: str) -> bytes | None:
        """A blob; None when it does not come whole. It is never a wrong one."""
        answer = self.get(at, f"/v2/{image}/blobs/{digest}")
        if answer.status != 200 or answer.body is None:
            return None
        assert "sha256:" + hashlib.sha256(answer.body).hexdigest() == digest
        return answer.body

    # -- what they keep --

    def kept(self, name: str, digest: str) -> Path:
        """The file in which a daemon keeps content."""
        algorithm, _, hexadecimal = digest.partition(":")
        content = self.folder / name / "blobs" / name / "content"
        return content / algorithm / hexadecimal[:2] / hexadecimal

    def quarantined(self, name: str) -> list[str]:
        """The names of what a daemon has put aside."""
        return sorted(
            path.name
            for path in (self.folder / name / "blobs" / name).glob("quarantine/*")
        )

    def check_kept(self, name: str) -> None:
        """All that a daemon keeps is what its name says."""
        for path in (self.folder / name / "blobs").glob("*/content/**/*"):
            if path.is_file():
                assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def check_pulled(folder: Path) -> int:
    """All that skopeo has put into a folder is what its name says; how much it is."""
    found = [path for path in folder.glob("*") if _WHOLE_NAME.fullmatch(path.name)]
    for path in found:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    return len(found)


def flip(path: Path, at: int) -> None:
    """Turn one bit of a file around, without changing its size; twice is not at all."""
    body = bytearray(path.read_bytes())
    body[at] ^= 1
    path.write_bytes(bytes(body))
