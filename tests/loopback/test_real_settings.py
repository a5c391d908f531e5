"""Real clients with what ``--clients`` prints for them."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback.clients import Skopeo, containerd, docker_engine, podman_engine
from tests.loopback.parts import (
    HUB,
    PASSWORD,
    UPSTREAM_PASSWORD,
    UPSTREAM_USER,
    USER,
    Upstream,
)
from tests.loopback.world import Running, World, htpasswd
from tests.support.pki import Authority

pytestmark = pytest.mark.real

#: By what name clients reach us; no loopback address, which Docker always trusts.
HOST = "registry.test"

#: Headings of the connectors.
OWN = f"http://{HOST}:5061"
MIRROR = f"http://{HOST}:5062"
GROUP = f"http://{HOST}:5063"

_CONFIG = """
[pullthrough]
data = {data}

[http]
trust = {trust}
retries = 0

[auth]
htpasswd = {users}
anonymous_access = yes

[repository:own]
type = hosted
http_port = tcp:5061

[repository:mirror]
type = proxy
role = mirror
http_port = tcp:5062
remote_url = https://{hub}
username = {user}
password = {password}
library = yes
namespaces = docker.io

[repository:all]
type = group
role = mirror
http_port = tcp:5063
member_names = own, mirror
"""


@dataclass
class Told:
    """Our daemon, and what it prints for clients."""

    daemon: Running
    text: str

    def file(self, title: str, end: str) -> str:
        """The file of a connector whose path ends so."""
        part = self.text.partition(f"# ==== {title}")[2].split("# ==== ")[0]
        found = dict(one.split("\n", 1) for one in part.split("# ---- ")[1:])
        return next(text for path, text in found.items() if path.endswith(end))

    def docker(self, title: str) -> dict[str, list[str]]:
        """A ``daemon.json``."""
        lines = self.file(title, "daemon.json").splitlines()
        settings: dict[str, list[str]] = json.loads(
            "".join(line for line in lines if not line.startswith("#"))
        )
        return settings

    def served(self, repository: str, image: str) -> str:
        """Wait until the log has an image that this repository's connector gave out."""
        given = f' {repository} "GET /v2/{image}/blobs/sha256:'
        return self.daemon.until(lambda said: given in said)


@pytest.fixture
def told(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path
) -> Iterator[Told]:
    """The upstream, and our daemon with an image of its own."""
    config = _CONFIG.format(
        data=tmp_path / "data",
        trust=authority.certificate,
        users=htpasswd(tmp_path / "users", **{USER: PASSWORD}),
        hub=HUB,
        user=UPSTREAM_USER,
        password=UPSTREAM_PASSWORD,
    )
    running: list[Running] = []
    try:
        running.append(upstream.start())
        name = f"{tmp_path.name}-daemon"
        running.append(world.daemon(name, config, 5063))
        push = ("--only", "plain", "--push", OWN, "--user", f"{USER}:{PASSWORD}")
        world.python("testbed/make_images.py", "--seed", "own", *push)
        twistd = str(Path(sys.executable).with_name("twistd"))
        file = str(world.folder / f"{name}.ini")
        printed = world.run(
            *(twistd, "pullthrough", "--config", file, "--clients", "--host", HOST)
        )
        assert PASSWORD not in printed.stdout
        yield Told(running[1], printed.stdout)
    finally:
        for one in reversed(running):
            one.stop()


def test_docker(
    world: World, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Docker pulls from a hosted repository over plain HTTP, and names of Docker Hub
    through a mirror."""
    mirrors = told.docker(MIRROR)["registry-mirrors"]
    settings = {**told.docker(OWN), "registry-mirrors": mirrors}
    folder = tmp_path_factory.mktemp("d")
    with docker_engine(world, folder, settings) as docker:
        docker("pull", f"{HOST}:5061/library/hello")
        assert told.served("own", "library/hello")
        docker("pull", "team/app:v1")
        assert told.served("mirror", "team/app")
        # What it was not told of stays refused: the setting is what lets it in.
        docker.fails("pull", f"{HOST}:5063/library/hello")


def test_podman_and_skopeo(
    world: World, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """podman and skopeo pull from the hosted repository, and names of Docker Hub
    through the mirror, without an option that allows plain HTTP."""
    folder = tmp_path_factory.mktemp("p")
    registries = told.file(OWN, "own.conf") + told.file(MIRROR, "mirror.conf")
    podman = podman_engine(world, folder, registries)
    podman("pull", f"{HOST}:5061/library/hello")
    assert told.served("own", "library/hello")
    podman("pull", "docker.io/team/app:v1")
    assert told.served("mirror", "team/app")
    Skopeo(world, folder)  # skips where there is none
    world.run(
        *("skopeo", "--registries-conf", str(folder / "registries.conf")),
        *("--insecure-policy", "copy", "-q", "docker://docker.io/library/hello:1.0"),
        f"dir:{folder / 'copied'}",
    )
    assert told.served("mirror", "library/hello")


def test_containerd(
    world: World, told: Told, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """containerd pulls from the hosted repository, from an upstream through its proxy,
    and from any upstream through the group."""
    folder = tmp_path_factory.mktemp("c")
    for title, name in ((OWN, f"{HOST}:5061"), (MIRROR, "docker.io")):
        place = folder / "hosts" / name
        place.mkdir(parents=True)
        (place / "hosts.toml").write_text(told.file(title, f"{name}/hosts.toml"))
    default = folder / "group" / "_default"
    default.mkdir(parents=True)
    text = told.file(GROUP, "_default/hosts.toml")
    (default / "hosts.toml").write_text(text)
    with containerd(world, folder / "engine") as ctr:
        pull = ("images", "pull", "--hosts-dir")
        hosts = str(folder / "hosts")
        ctr(*pull, hosts, f"{HOST}:5061/library/hello:1.0")
        assert told.served("own", "library/hello")
        ctr(*pull, hosts, "docker.io/team/app:v1")
        assert told.served("mirror", "team/app")
        ctr(*pull, str(default.parent), "docker.io/library/busybox:latest")
        assert told.served("all", "library/busybox")
