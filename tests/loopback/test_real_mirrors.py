"""Engines that pull names of Docker Hub through a mirror connector."""

import base64
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback.clients import containerd, docker_engine, podman_engine
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

pytestmark = pytest.mark.real

#: Connectors: a mirror, the same as a registry, both in front of a limited upstream,
#: and that upstream itself.
MIRROR = f"{ADDRESS}:5030"
REGISTRY = f"{ADDRESS}:5031"
LIMITED_MIRROR = f"{ADDRESS}:5032"
LIMITED_REGISTRY = f"{ADDRESS}:5033"
LIMITED = f"{ADDRESS}:5034"

#: A login at Docker Hub that means nothing to anybody else.
STRAY_USER = "stray-user"
STRAY_PASSWORD = "stray-secret"
STRAY = base64.b64encode(f"{STRAY_USER}:{STRAY_PASSWORD}".encode()).decode()

_CONFIG = """
[pullthrough]
data = {data}

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

_HOSTS = """
server = "https://registry-1.docker.io"
[host."http://{first}"]
  capabilities = ["pull", "resolve"]
[host."http://{second}"]
  capabilities = ["pull", "resolve"]
"""

_REGISTRIES = """
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "docker.io"
location = "registry-1.docker.io"
[[registry.mirror]]
location = "{first}"
insecure = true
[[registry.mirror]]
location = "{second}"
insecure = true
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
        said = self.said()
        assert f' mirror "GET /v2/{image}/blobs/sha256:' in said
        answers = [line for line in said.splitlines() if " limited-mirror " in line]
        assert any('/manifests/latest" 503 ' in line for line in answers), said
        assert not any('" 429 ' in line for line in answers)


@pytest.fixture
def mirrors(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path
) -> Iterator[Mirrors]:
    """All of it, running."""
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


@pytest.mark.parametrize("login", [False, True], ids=["anonymous", "stray-login"])
def test_docker(
    world: World,
    mirrors: Mirrors,
    tmp_path_factory: pytest.TempPathFactory,
    login: bool,
) -> None:
    """Docker with ``registry-mirrors``, logged in at Docker Hub or not, pulls `hello`
    and `team/app` through the mirror, past one whose upstream limits us, and `hello`
    again with the upstream gone."""
    folder = tmp_path_factory.mktemp("d")
    urls = [f"http://{one}" for one in (LIMITED_MIRROR, MIRROR)]
    if login:
        # Docker hands its login to whatever is configured as a mirror.
        urls.insert(0, f"http://{LIMITED}")
        (folder / "config").mkdir()
        auths = {"auths": {"https://index.docker.io/v1/": {"auth": STRAY}}}
        (folder / "config" / "config.json").write_text(json.dumps(auths))
    with docker_engine(world, folder, {"registry-mirrors": urls}) as docker:
        docker("pull", "hello")
        docker("pull", "team/app")
        mirrors.pulled()
        mirrors.pulled("team/app")
        assert docker("run", "--rm", "--network", "none", "hello").strip()
        mirrors.hub.stop()
        docker("rmi", "-f", "hello")
        docker("pull", "docker.io/library/hello:latest")
        docker.fails("pull", "hello:1.1")
    assert (f"Basic {STRAY}" in mirrors.limited.said()) == login


@pytest.mark.parametrize("login", [False, True], ids=["anonymous", "stray-login"])
def test_containerd(
    world: World,
    mirrors: Mirrors,
    tmp_path_factory: pytest.TempPathFactory,
    login: bool,
) -> None:
    """containerd with ``hosts.toml`` pulls by tag and by digest through the mirror, and
    goes on from one whose upstream limits us at once."""
    folder = tmp_path_factory.mktemp("c")
    (folder / "hosts" / "docker.io").mkdir(parents=True)
    (folder / "hosts" / "docker.io" / "hosts.toml").write_text(
        _HOSTS.format(first=LIMITED_MIRROR, second=MIRROR)
    )
    user = ("-u", f"{STRAY_USER}:{STRAY_PASSWORD}") if login else ()
    options = ("images", "pull", "--hosts-dir", str(folder / "hosts"), *user)
    with containerd(world, folder / "engine") as ctr:
        ctr(*options, "docker.io/library/hello:latest")
        mirrors.pulled()
        listed = ctr("images", "list").splitlines()
        name, _, digest = next(line for line in listed if "hello" in line).split()[:3]
        assert name == "docker.io/library/hello:latest"
        ctr(*options, f"docker.io/library/hello@{digest}")
        ctr.fails(*options, "docker.io/library/absent:latest")
    # It is told the namespace that it mirrors; that is no part of the path.
    assert "GET /v2/library/hello/manifests/sha256:" in mirrors.said()


@pytest.mark.parametrize("login", [False, True], ids=["anonymous", "stray-login"])
def test_podman(
    world: World,
    mirrors: Mirrors,
    tmp_path_factory: pytest.TempPathFactory,
    login: bool,
) -> None:
    """podman with ``registries.conf`` pulls through the second of two mirrors, when the
    first is limited."""
    registries = _REGISTRIES.format(first=LIMITED_MIRROR, second=MIRROR)
    folder = tmp_path_factory.mktemp("p")
    podman = podman_engine(world, folder, registries)
    if login:
        places = ("docker.io", MIRROR, LIMITED_MIRROR)
        auths = {"auths": {place: {"auth": STRAY} for place in places}}
        (folder / "auth.json").write_text(json.dumps(auths))
    podman("pull", "docker.io/library/hello")
    podman("pull", "team/app")
    mirrors.pulled()
    mirrors.pulled("team/app")
    podman.fails("pull", "docker.io/library/absent")


def test_what_a_mirror_does_otherwise(world: World, mirrors: Mirrors) -> None:
    """An upstream's 429 is 503 at a mirror and 429 at a registry; credentials that
    prove nothing are nobody's at a mirror and refused by a registry."""

    def status(at: str, path: str, *options: str) -> str:
        shown = ("-o", "/dev/null", "-w", "%{http_code} %header{retry-after}")
        return world.curl(*options, *shown, f"http://{at}{path}")

    manifest = "/v2/library/hello/manifests/latest"
    assert status(LIMITED_MIRROR, manifest) == "503 30"
    code, _, wait = status(LIMITED_REGISTRY, manifest).partition(" ")
    assert code == "429"
    assert 0 < int(wait) <= 30
    stray = ("-u", f"{STRAY_USER}:{STRAY_PASSWORD}")
    bearer = ("-H", "Authorization: Bearer of-another-registry")
    for options in ((), stray, bearer):
        assert status(MIRROR, manifest, *options) == "200 "
        allowed = "401 " if options else "200 "
        assert status(REGISTRY, manifest, *options) == allowed
    assert "of-another-registry" not in mirrors.said()
