"""Docker, podman, skopeo and containerd on the main connector, by every way in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback.clients import (
    Engine,
    Skopeo,
    containerd,
    docker_engine,
    podman_engine,
)
from tests.loopback.parts import (
    HUB,
    PASSWORD,
    UPSTREAM_PASSWORD,
    UPSTREAM_USER,
    USER,
    Upstream,
)
from tests.loopback.test_real_conformance import assert_named_skips, run_suite
from tests.loopback.world import ADDRESS, Running, World, htpasswd
from tests.support.pki import Authority

pytestmark = pytest.mark.real

MAIN = f"{ADDRESS}:8081"

#: A name of the same address; its first label is the subdomain of `own`.
OWN = "registry.test:8081"

_CONFIG = """
[pullthrough]
data = {data}
[admin]
http_port = tcp:8081
[http]
trust = {trust}
timeout = 10s
[auth]
htpasswd = {users}
anonymous_access = yes
[repository:own]
type = hosted
subdomain = registry
v1_enabled = yes
[repository:hub]
type = proxy
remote_url = https://{hub}
username = {upstream_user}
password = {upstream_password}
library = yes
namespaces = docker.io
role = mirror
[repository:strict]
type = hosted
force_basic_auth = yes
[repository:all]
type = group
member_names = own, hub
writable_member = own
"""

_REGISTRIES = """
unqualified-search-registries = ["docker.io"]
[[registry]]
location = "{main}"
insecure = true
[[registry]]
prefix = "docker.io"
location = "{main}/hub"
insecure = true
"""

_HOSTS = """
server = "https://registry-1.docker.io"
[host."http://{main}{path}"]
  capabilities = ["pull", "resolve"]
  override_path = true
"""


@dataclass
class Ways:
    """What runs."""

    daemon: Running
    hub: Running

    def served(self, repository: str, words: str) -> None:
        """The log has a request that this repository has served."""
        self.daemon.until(
            lambda said: any(
                f" {repository} " in line and words in line
                for line in said.splitlines()
            )
        )


@pytest.fixture
def ways(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path
) -> Iterator[Ways]:
    """Our daemon with one connector, and its upstream."""
    config = _CONFIG.format(
        data=tmp_path / "data",
        trust=authority.certificate,
        users=htpasswd(tmp_path / "users", **{USER: PASSWORD}),
        hub=HUB,
        upstream_user=UPSTREAM_USER,
        upstream_password=UPSTREAM_PASSWORD,
    )
    hub = upstream.start()
    try:
        daemon = world.daemon(f"{tmp_path.name}-daemon", config, 8081)
        try:
            yield Ways(daemon, hub)
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.said()
        finally:
            daemon.stop()
    finally:
        hub.stop()


def log_in(engine: Engine, where: str) -> None:
    """One login serves every repository behind a host and port."""
    login = ("login", "-u", USER, "--password-stdin", where)
    engine.fails(*login, text="wrong")
    engine(*login, text=PASSWORD)


def test_conformance(world: World, ways: Ways, tmp_path: Path) -> None:
    """The official suite by path, with one of its two images by the longer one: no
    failure, and no skip that is not named."""
    status, said = run_suite(
        world,
        tmp_path,
        MAIN,
        VERSION="dev",
        REPO1="own/conformance/repo1",
        REPO2="repository/own/conformance/repo2",
    )
    assert status == 0, said[-6000:]
    assert_named_skips((tmp_path / "results" / "junit.xml").read_text())


def test_docker(
    world: World, ways: Ways, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Docker pulls and pushes by path, by Nexus's path in a name, and by subdomain."""
    settings: dict[str, object] = {"insecure-registries": [MAIN, OWN]}
    folder = tmp_path_factory.mktemp("d")
    with docker_engine(world, folder, settings) as docker:
        docker("pull", f"{MAIN}/hub/library/hello")
        docker.fails("pull", f"{MAIN}/strict/hello")
        log_in(docker, MAIN)
        docker("tag", f"{MAIN}/hub/library/hello", f"{MAIN}/own/app:1")
        docker("push", f"{MAIN}/own/app:1")
        for other in ("repository/own/again:1", "all/team/third:1", "strict/app:1"):
            docker("tag", f"{MAIN}/own/app:1", f"{MAIN}/{other}")
            docker("push", f"{MAIN}/{other}")
        # A layer of this repository is mounted, whatever it was called before.
        ways.served("own", "/v2/repository/own/again/blobs/uploads/")
        for image in ("own/again:1", "own/team/third:1", "repository/own/app:1"):
            docker("pull", f"{MAIN}/{image}")
        docker.fails("pull", f"{MAIN}/nosuch/app:1")
        docker.fails("pull", f"{MAIN}/own")
        log_in(docker, OWN)
        docker("pull", f"{OWN}/team/third:1")
        docker("tag", f"{OWN}/team/third:1", f"{OWN}/fourth:1")
        docker("push", f"{OWN}/fourth:1")
        assert "team/third" in docker("search", f"{OWN}/third")
        docker("pull", f"{MAIN}/all/fourth:1")
        ran = docker("run", "--rm", "--network", "none", f"{MAIN}/all/fourth:1")
        assert ran.strip()


def test_podman(
    world: World, ways: Ways, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """podman, with Docker Hub moved to a path, and a push."""
    folder = tmp_path_factory.mktemp("p")
    podman = podman_engine(world, folder, _REGISTRIES.format(main=MAIN))
    podman("pull", "docker.io/library/hello")
    ways.served("hub", "/v2/hub/library/hello/blobs/")
    log_in(podman, MAIN)
    podman("tag", "docker.io/library/hello", f"{MAIN}/own/podman:1")
    podman("push", f"{MAIN}/own/podman:1")
    podman("pull", f"{MAIN}/repository/own/podman:1")


def test_containerd(
    world: World, ways: Ways, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """containerd, which is told of a path in ``hosts.toml`` and names Docker Hub with
    ``ns``: at the group only the proxy answers, and both kinds of path will do."""
    for path, repository in (("/repository/all/v2", "all"), ("/v2/hub", "hub")):
        folder = tmp_path_factory.mktemp("c")
        place = folder / "hosts" / "docker.io"
        place.mkdir(parents=True)
        (place / "hosts.toml").write_text(_HOSTS.format(main=MAIN, path=path))
        options = ("images", "pull", "--hosts-dir", str(folder / "hosts"))
        with containerd(world, folder / "engine") as ctr:
            ctr(*options, "docker.io/library/hello:latest")
            ctr.fails(*options, "docker.io/library/absent:latest")
        ways.served(repository, "/library/hello/manifests/latest")


def test_skopeo(
    world: World, ways: Ways, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """skopeo copies between repositories, lists what it has pushed, and is told no more
    of the catalogue than it may see."""
    skopeo = Skopeo(world, tmp_path_factory.mktemp("s"))
    manifest = skopeo.pull(f"{MAIN}/hub/team/app:v1", "app")
    assert skopeo.login(MAIN, USER, "wrong") != 0
    assert skopeo.login(MAIN, USER, PASSWORD) == 0
    skopeo.push("app", f"{MAIN}/own/team/app:v1")
    skopeo.push("app", f"{MAIN}/repository/own/team/copy:v1")
    for image in ("own/team/copy:v1", "repository/all/team/app:v1"):
        assert skopeo.pull(f"{MAIN}/{image}", image.replace("/", "-")) == manifest
    user = ("-u", f"{USER}:{PASSWORD}")
    tags = json.loads(world.curl(*user, f"http://{MAIN}/v2/own/team/app/tags/list"))
    assert tags == {"name": "own/team/app", "tags": ["v1"]}
    catalogue = f"http://{MAIN}/v2/_catalog"
    names = json.loads(world.curl(*user, catalogue))["repositories"]
    assert names == [
        *("all/team/app", "all/team/copy"),
        *("hub/team/app", "own/team/app", "own/team/copy"),
    ]
    explain = ("-I", "-H", "X-Pullthrough-Explain: 1")
    url = f"http://{MAIN}/v2/all/team/app/manifests/v1"
    assert "X-Pullthrough-Member: own" in world.curl(*user, *explain, url)
    assert "X-Pullthrough-Member" not in world.curl(*explain, url)
    assert "401" in world.curl("-I", f"http://{MAIN}/status")
