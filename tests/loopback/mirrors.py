"""Mirror connectors of Docker Hub: one serves, the upstream of another limits us."""

import base64
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.loopback.parts import (
    HUB,
    PASSWORD,
    UPSTREAM_PASSWORD,
    UPSTREAM_USER,
    USER,
    Upstream,
)
from tests.loopback.world import ADDRESS, CHECKOUT, Running, World, htpasswd
from tests.support.pki import Authority

#: Connectors: a mirror, the same as a registry, both in front of a limited upstream,
#: and that upstream itself.
MIRROR = f"{ADDRESS}:5030"
REGISTRY = f"{ADDRESS}:5031"
LIMITED_MIRROR = f"{ADDRESS}:5032"
LIMITED_REGISTRY = f"{ADDRESS}:5033"
LIMITED = f"{ADDRESS}:5034"

#: The mirror again, by a path of the main connector.
BY_PATH = f"{ADDRESS}:8081/repository/mirror"

#: A login at Docker Hub that means nothing to anybody else.
STRAY_USER = "stray-user"
STRAY_PASSWORD = "stray-secret"
STRAY = base64.b64encode(f"{STRAY_USER}:{STRAY_PASSWORD}".encode()).decode()

_CONFIG = """
[pullthrough]
data = {data}

[admin]
http_port = tcp:8081

[http]
trust = {trust}
timeout = 10s
retries = 0

[auth]
htpasswd = {users}
anonymous_access = yes

[repository:mirror]
type = proxy
role = mirror
http_port = tcp:5030
library = yes
{upstream}

[repository:registry]
type = proxy
http_port = tcp:5031
library = yes
{upstream}

[repository:limited-mirror]
type = proxy
role = mirror
http_port = tcp:5032
{limited}

[repository:limited-registry]
type = proxy
http_port = tcp:5033
{limited}
"""

_REMOTE = """remote_url = {url}
username = {user}
password = {password}
"""


@dataclass
class Mirrors:
    """What runs: our daemon, its upstream, and one that limits everybody."""

    daemon: Running
    hub: Running
    limited: Running
    data: Path

    def said(self) -> str:
        """What our daemon has logged so far; no stray login is ever in it."""
        said = self.daemon.said()
        for secret in (STRAY, STRAY_USER, STRAY_PASSWORD):
            assert secret not in said
        return said

    def pulled(self, image: str = "library/hello") -> None:
        """An image has come from our mirror, and the one before it told to go on."""
        pulled = f' mirror "GET /v2/{image}/blobs/sha256:'
        self.daemon.until(lambda said: pulled in said)
        said = self.said()
        answers = [line for line in said.splitlines() if " limited-mirror " in line]
        assert any('/manifests/latest" 503 ' in line for line in answers), said
        assert not any('" 429 ' in line for line in answers)


@contextmanager
def running_mirrors(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path
) -> Iterator[Mirrors]:
    """All of it; it ends with the context."""
    users = htpasswd(tmp_path / "users", **{USER: PASSWORD})
    hub = _REMOTE.format(
        url=f"https://{HUB}", user=UPSTREAM_USER, password=UPSTREAM_PASSWORD
    )
    config = _CONFIG.format(
        data=tmp_path / "data",
        trust=authority.certificate,
        users=users,
        upstream=hub,
        limited=_REMOTE.format(url=f"http://{LIMITED}", user="any", password="any"),
    )
    running: list[Running] = []
    try:
        running.append(upstream.start())
        script = str(CHECKOUT / "tests/loopback/limited.py")
        host, _, port = LIMITED.partition(":")
        command = (sys.executable, script, host, port)
        label = f"{tmp_path.name}-limited"
        running.append(world.start(label, *command, port=int(port)))
        running.append(world.daemon(f"{tmp_path.name}-daemon", config, 5030))
        made = Mirrors(running[2], running[0], running[1], tmp_path / "data")
        yield made
        assert made.daemon.stop() == 0
        assert "Traceback" not in made.said()
    finally:
        for one in reversed(running):
            one.stop()
