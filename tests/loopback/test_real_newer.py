"""A newer Docker Engine with mirrors, with both of its image stores."""

import json

import pytest

from tests.loopback.clients import docker_engine
from tests.loopback.mirrors import (
    BY_PATH,
    LIMITED,
    LIMITED_MIRROR,
    MIRROR,
    STRAY,
    Mirrors,
)
from tests.loopback.trees import in_tree
from tests.loopback.world import World

pytestmark = pytest.mark.real


@pytest.mark.parametrize("store", ["classic", "containerd"])
@pytest.mark.parametrize(
    ("mirror", "base"),
    [(MIRROR, ""), (BY_PATH, "/repository/mirror")],
    ids=["connector", "path"],
)
def test_docker(
    world: World,
    mirrors: Mirrors,
    tmp_path_factory: pytest.TempPathFactory,
    store: str,
    mirror: str,
    base: str,
) -> None:
    """Docker pulls `hello` and `team/app` through a mirror, at a connector of its own
    or a path of the main one, past two that are limited, and `hello` again with the
    upstream gone. Its login at Docker Hub harms nothing and is logged nowhere."""
    folder = tmp_path_factory.mktemp("d")
    inside = in_tree(folder)
    (folder / "config").mkdir()
    auths = {"auths": {"https://index.docker.io/v1/": {"auth": STRAY}}}
    (folder / "config" / "config.json").write_text(json.dumps(auths))
    mirrors_of = (LIMITED, LIMITED_MIRROR, mirror)
    settings: dict[str, object] = {
        "registry-mirrors": [f"http://{one}" for one in mirrors_of],
        "features": {"containerd-snapshotter": store == "containerd"},
    }

    with docker_engine(world, folder, settings, inside) as docker:
        status = docker("info", "--format", "{{.DriverStatus}}")
        assert ("io.containerd" in status) == (store == "containerd")
        docker("pull", "hello")
        docker("pull", "team/app:v1")
        for image in ("library/hello", "team/app"):
            pulled = f' mirror "GET {base}/v2/{image}/blobs/'
            mirrors.daemon.until(lambda said, pulled=pulled: pulled in said)  # type: ignore[misc]
        asked = ' limited-mirror "HEAD /v2/library/hello/man'
        mirrors.daemon.until(lambda said: asked in said)
        assert docker("run", "--rm", "--network", "none", "hello").strip()
        mirrors.hub.stop()
        docker("rmi", "-f", "hello")
        docker("pull", "docker.io/library/hello:latest")
        docker.fails("pull", "hello:1.1")
    said = mirrors.limited.said()
    # The newer store names the registry that it means, the older hands the login on.
    assert ("?ns=docker.io" in said) == (store == "containerd")
    assert f"Basic {STRAY}" in said or store == "containerd"
