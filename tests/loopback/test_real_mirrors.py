"""Engines that pull names of Docker Hub through a mirror connector."""

import json

import pytest

from tests.loopback.clients import containerd, docker_engine, podman_engine
from tests.loopback.mirrors import (
    LIMITED,
    LIMITED_MIRROR,
    LIMITED_REGISTRY,
    MIRROR,
    REGISTRY,
    STRAY,
    STRAY_PASSWORD,
    STRAY_USER,
    Mirrors,
)
from tests.loopback.world import World

pytestmark = pytest.mark.real

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
    asked = "GET /v2/library/hello/manifests/sha256:"
    mirrors.daemon.until(lambda said: asked in said)


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
