"""Docker Engine and podman, as people use them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback import parts
from tests.loopback.parts import GROUP, HOSTED, PASSWORD, USER, Upstream
from tests.loopback.world import Running, World, missing
from tests.support.pki import Authority

pytestmark = pytest.mark.real

_PODMAN = """
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

_REGISTRIES = """
unqualified-search-registries = []
[[registry]]
location = "10.99.0.1:5000"
insecure = true
[[registry]]
location = "10.99.0.1:5001"
insecure = true
"""


@dataclass
class Engine:
    """A command line that speaks like ``docker``."""

    world: World
    command: tuple[str, ...]
    env: dict[str, str]

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Run a command that must succeed."""
        done = self.world.run(*self.command, *arguments, env=self.env, text=text)
        return done.stdout

    def fails(self, *arguments: str, text: str = "") -> str:
        """Run a command that must fail; what it says."""
        done = self.world.run(
            *self.command, *arguments, env=self.env, text=text, check=False
        )
        assert done.returncode != 0, done.stdout
        return done.stderr


@pytest.fixture
def docker(world: World, tmp_path: Path) -> Iterator[Engine]:
    """Docker Engine with our connectors among its insecure registries."""
    if reason := missing("dockerd", "docker", "iptables"):
        pytest.skip(reason)
    folder = tmp_path
    settings = folder / "daemon.json"
    settings.write_text(json.dumps({"insecure-registries": [GROUP, HOSTED]}))
    socket = folder / "docker.sock"
    running = world.start(
        "dockerd",
        *("dockerd", "--config-file", str(settings), "-H", f"unix://{socket}"),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
        *("--pidfile", str(folder / "pid")),
    )
    env = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(folder / "config")}
    waiting = "for i in $(seq 300); do docker version && exit; sleep 0.1; done; exit 1"
    world.run("sh", "-c", waiting, env=env)
    yield Engine(world, ("docker",), env)
    running.stop()


@pytest.fixture
def podman(world: World, tmp_path: Path) -> Engine:
    """podman with all its state in a folder."""
    if reason := missing("podman", "runc"):
        pytest.skip(reason)
    (tmp_path / "containers.conf").write_text(_PODMAN)
    (tmp_path / "registries.conf").write_text(_REGISTRIES)
    (tmp_path / "xdg").mkdir()
    env = {
        "CONTAINERS_CONF": str(tmp_path / "containers.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(tmp_path / "registries.conf"),
        "REGISTRY_AUTH_FILE": str(tmp_path / "auth.json"),
        "XDG_RUNTIME_DIR": str(tmp_path / "xdg"),
    }
    places = ("--root", "root", "--runroot", "run", "--tmpdir", "tmp")
    options = tuple(
        word if word.startswith("--") else str(tmp_path / word) for word in places
    )
    return Engine(world, ("podman", *options), env)


def story(engine: Engine, upstream: Upstream, hub: Running, own: str) -> None:
    """Log in, pull, run, push; then the same with the upstream gone."""
    login = ("login", "-u", USER, "--password-stdin", GROUP)
    engine.fails(*login, text="wrong")
    engine(*login, text=PASSWORD)
    engine("pull", f"{GROUP}/hello")
    engine("pull", f"{GROUP}/team/app:v1")
    ran = engine("run", "--rm", "--network", "none", f"{GROUP}/hello")
    assert ran.strip()
    assert "library/hello" in engine("search", f"{GROUP}/hello")
    engine("tag", f"{GROUP}/hello", f"{GROUP}/{own}:1")
    engine("push", f"{GROUP}/{own}:1")
    assert not upstream.has(f"/v2/{own}/manifests/1")
    hub.stop()
    for image in (f"{GROUP}/hello", f"{GROUP}/{own}:1"):
        engine("rmi", "-f", image)
    engine("rmi", "-f", f"{GROUP}/team/app:v1")
    engine("pull", f"{GROUP}/hello:latest")
    engine("pull", f"{GROUP}/team/app:v1")
    engine("login", "-u", USER, "--password-stdin", HOSTED, text=PASSWORD)
    engine("pull", f"{HOSTED}/{own}:1")
    engine("logout", GROUP)
    engine.fails("pull", f"{GROUP}/team/zstd:1")


@pytest.mark.parametrize(
    ("force", "way"), [("no", "tinyproxy"), ("yes", "v2ray-socks")]
)
def test_docker(
    world: World,
    authority: Authority,
    upstream: Upstream,
    docker: Engine,
    force: str,
    way: str,
) -> None:
    """Docker, with the Bearer and with the Basic challenge, behind an egress proxy."""
    hub, (proxy, egress) = upstream.start(), parts.open_way(world, way)
    daemon = parts.daemon(world, authority, f"daemon-docker-{force}", egress, force)
    before = len(proxy.said())
    try:
        story(docker, upstream, hub, f"own/docker-{force}")
        # A TLS handshake on the plain connector is answered at once.
        hello = "printf '\\026\\003\\001' >&3; timeout 5 head -c 12 <&3"
        host, _, port = GROUP.partition(":")
        told = world.run("bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}; {hello}")
        assert told.stdout == "HTTP/1.1 400"
        assert "hub.test" in proxy.said()[before:]
    finally:
        for running in (daemon, proxy, hub):
            running.stop()
    assert "Traceback" not in daemon.said()


def test_podman(
    world: World, authority: Authority, upstream: Upstream, podman: Engine
) -> None:
    """podman, behind another egress proxy."""
    hub, (proxy, egress) = upstream.start(), parts.open_way(world, "microsocks")
    daemon = parts.daemon(world, authority, "daemon-podman", egress)
    before = len(proxy.said())
    try:
        story(podman, upstream, hub, "own/podman")
        assert "hub.test" in proxy.said()[before:]
    finally:
        for running in (daemon, proxy, hub):
            running.stop()
    assert "Traceback" not in daemon.said()
