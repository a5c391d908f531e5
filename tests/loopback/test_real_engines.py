"""Docker Engine and podman, as people use them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback import parts
from tests.loopback.clients import Engine, docker_engine, podman_engine
from tests.loopback.parts import GROUP, HOSTED, PASSWORD, USER, Upstream
from tests.loopback.world import Running, World
from tests.support.pki import Authority

pytestmark = pytest.mark.real

_REGISTRIES = """
unqualified-search-registries = []
[[registry]]
location = "10.99.0.1:5000"
insecure = true
[[registry]]
location = "10.99.0.1:5001"
insecure = true
"""


@pytest.fixture
def docker(world: World, tmp_path: Path) -> Iterator[Engine]:
    """Docker Engine with our connectors among its insecure registries."""
    settings: dict[str, object] = {"insecure-registries": [GROUP, HOSTED]}
    with docker_engine(world, tmp_path, settings) as engine:
        yield engine


@pytest.fixture
def podman(world: World, tmp_path: Path) -> Engine:
    """podman with all its state in a folder."""
    return podman_engine(world, tmp_path, _REGISTRIES)


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
