"""The story that this project began with, by real Docker: a registry of one's own that
holds images, and fetches those of Docker Hub and gcr.io through V2Ray."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback import parts
from tests.loopback.clients import Engine, docker_engine
from tests.loopback.images import rootfs
from tests.loopback.parts import PASSWORD, SCHEMA2, USER
from tests.loopback.public import (
    CREDENTIALS,
    GOOGLE_URL,
    HUB_URL,
    Public,
    public_registries,
)
from tests.loopback.trees import in_tree
from tests.loopback.world import ADDRESS, Running, World, htpasswd
from tests.support.pki import Authority

pytestmark = pytest.mark.real

#: The connectors: the group's is on port 80, so that its name is the host alone.
HOST = ADDRESS
PRIVATE = f"{ADDRESS}:8090"
HUB = f"{ADDRESS}:8091"
GOOGLE = f"{ADDRESS}:8092"

#: The blob store of each repository, and its folder.
STORES = {
    "docker-private": "private/disk",
    "docker-hub": "hub/disk",
    "proxy-google-containers": "google/disk",
}

_CONFIG = """
[pullthrough]
data = {folder}/data

[http]
proxy = {egress}
trust = {trust}
timeout = 10s
retries = 0

[auth]
htpasswd = {users}

[blobstore:blob-docker-private]
path = {folder}/private/disk
[blobstore:blob-docker-hub]
path = {folder}/hub/disk
[blobstore:blob-google-containers]
path = {folder}/google/disk

[repository:docker-private]
type = hosted
http_port = tcp:8090
force_basic_auth = yes
v1_enabled = yes
write_policy = allow
owns = team/*
blob_store_name = blob-docker-private

[repository:docker-hub]
type = proxy
http_port = tcp:8091
remote_url = {hub}
{credentials}
blob_store_name = blob-docker-hub

[repository:proxy-google-containers]
type = proxy
http_port = tcp:8092
remote_url = {google}
{credentials}
auto_block = no
blob_store_name = blob-google-containers

[repository:registry]
type = group
http_port = tcp:80
force_basic_auth = yes
member_names = docker-private, docker-hub, proxy-google-containers
writable_member = docker-private
"""


@dataclass
class Seed:
    """All that runs."""

    world: World
    folder: Path
    docker: Engine
    daemon: Running
    v2ray: Running
    hub: Public
    google: Public

    def says(self, image: str) -> str:
        """What a pulled image says when it runs."""
        return self.docker("run", "--rm", "--network", "none", image).strip()

    def pull(self, image: str) -> str:
        """Pull an image anew; what it says."""
        self.docker("pull", image)
        words = self.says(image)
        self.docker("rmi", "-f", image)
        return words

    def make(self, image: str, words: str) -> None:
        """Make an image that says *words*."""
        tar = self.folder / "rootfs.tar"
        tar.write_bytes(rootfs(words))
        self.docker("import", "-c", 'CMD ["/hello"]', str(tar), image)

    def ask(self, at: str, path: str, *options: str) -> str:
        """What a connector answers."""
        url = f"http://{at}/v2/{path}"
        return self.world.curl("-u", f"{USER}:{PASSWORD}", *options, url)

    def names(self, at: str) -> list[str]:
        """The images in the catalogue of a connector."""
        names: list[str] = json.loads(self.ask(at, "_catalog"))["repositories"]
        return names

    def content(self, at: str, image: str, tag: str) -> set[str]:
        """The digests, in hexadecimal, of an image's config and layers."""
        path = f"{image}/manifests/{tag}"
        manifest = json.loads(self.ask(at, path, "-f", "-H", f"Accept: {SCHEMA2}"))
        blobs = [manifest["config"], *manifest["layers"]]
        return {blob["digest"].partition(":")[2] for blob in blobs}

    def stored(self, repository: str) -> set[str]:
        """The names of what lies in a repository's folder."""
        folder = self.folder / STORES[repository] / "content"
        return {path.name for path in folder.glob("sha256/*/*")}

    def lies_only_in(self, repository: str, content: set[str]) -> None:
        """Content is in the folder of one blob store, and of no other."""
        assert content
        assert content <= self.stored(repository)
        for other in STORES.keys() - {repository}:
            assert not content & self.stored(other)


@pytest.fixture(params=["debian"])
def seed(
    request: pytest.FixtureRequest,
    world: World,
    authority: Authority,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Seed]:
    """Both registries with images, V2Ray, our daemon, and Docker: Debian's own, or a
    newer one with one of its image stores."""
    folder = tmp_path_factory.mktemp("seed")
    store: str = request.param
    inside = () if store == "debian" else in_tree(folder)
    settings: dict[str, object] = {"insecure-registries": [HOST, PRIVATE]}
    if inside:
        settings["features"] = {"containerd-snapshotter": store == "containerd"}
    v2ray, egress = parts.open_way(world, "v2ray-socks")
    users = htpasswd(folder / "users", **{USER: PASSWORD})
    config = _CONFIG.format(
        folder=folder,
        egress=egress,
        trust=authority.certificate,
        users=users,
        hub=HUB_URL,
        google=GOOGLE_URL,
        credentials=CREDENTIALS,
    )
    try:
        with public_registries(world, authority, folder) as (hub, google):
            for image in ("library/alpine:latest", "library/centos:8"):
                hub.add(image)
            hub.add("library/centos:7.5.1804", "a stranger")
            hub.add("team/secret:1", "a stranger")
            google.add("google-containers/pause:3.9")
            google.add("google-containers/etcd:3")
            daemon = world.daemon(f"{folder.name}-daemon", config, 80)
            try:
                with docker_engine(world, folder, settings, inside) as docker:
                    yield Seed(world, folder, docker, daemon, v2ray, hub, google)
                assert daemon.stop() == 0
                assert "Traceback" not in daemon.said()
            finally:
                daemon.stop()
    finally:
        v2ray.stop()


def log_in(docker: Engine, where: str) -> None:
    """Log in, not with a wrong password."""
    login = ("login", "-u", USER, "--password-stdin", where)
    docker.fails(*login, text="wrong")
    docker(*login, text=PASSWORD)


@pytest.mark.parametrize("seed", ["debian", "classic", "containerd"], indirect=True)
def test_the_seeds_story(seed: Seed) -> None:
    """Log in, pull one's own images, those of Docker Hub and of gcr.io, all by one
    name; push to the group; everything is where it belongs, and the upstreams are only
    ever asked through V2Ray."""
    docker, before = seed.docker, len(seed.v2ray.said())
    assert "no basic auth credentials" in docker.fails("pull", f"{HOST}/alpine")
    for where in (HOST, PRIVATE):
        log_in(docker, where)
    # Our own image wins over the one of the same name at Docker Hub.
    seed.make(f"{PRIVATE}/centos:7.5.1804", "our centos")
    docker("push", f"{PRIVATE}/centos:7.5.1804")
    docker("rmi", "-f", f"{PRIVATE}/centos:7.5.1804")
    assert seed.pull(f"{HOST}/centos:7.5.1804") == "our centos"
    assert seed.pull(f"{HOST}/centos:8") == "registry-1.docker.io library/centos:8"
    pause = "google-containers/pause:3.9"
    assert seed.pull(f"{HOST}/{pause}") == f"gcr.io {pause}"
    alpine = "registry-1.docker.io library/alpine:latest"
    assert seed.pull(f"{HOST}/alpine") == alpine
    for host in ("registry-1.docker.io:443", "gcr.io:443"):
        assert f"tcp:{host}" in seed.v2ray.said()[before:]
    # What is pushed to the group is ours, and nobody else's.
    seed.make(f"{HOST}/house/app:1", "our app")
    docker("push", f"{HOST}/house/app:1")
    docker("rmi", "-f", f"{HOST}/house/app:1")
    assert seed.pull(f"{PRIVATE}/house/app:1") == "our app"
    assert not seed.hub.has("house/app", "1")
    assert not seed.google.has("house/app", "1")
    seed.lies_only_in("docker-private", seed.content(PRIVATE, "house/app", "1"))
    # The storage tree.
    assert seed.names(PRIVATE) == ["centos", "house/app"]
    assert seed.names(HUB) == ["library/alpine", "library/centos"]
    assert seed.names(GOOGLE) == ["google-containers/pause"]
    seed.lies_only_in("docker-hub", seed.content(HUB, "library/alpine", "latest"))
    seed.lies_only_in(
        "proxy-google-containers",
        seed.content(GOOGLE, "google-containers/pause", "3.9"),
    )


def test_nobody_is_asked_for_names_that_are_ours(seed: Seed) -> None:
    """A name that the hosted repository owns is not found while nobody has pushed it,
    though Docker Hub has it; and Docker Hub never learns that it was asked for."""
    assert seed.hub.has("team/secret", "1")
    seed.hub.begin()
    seed.google.begin()
    log_in(seed.docker, HOST)
    told = seed.docker.fails("pull", f"{HOST}/team/secret:1")
    assert "manifest unknown" in told or "not found" in told
    seed.docker("pull", f"{HOST}/alpine")
    assert "library/alpine" in seed.hub.said()
    seed.make(f"{HOST}/team/secret:1", "our secret")
    seed.docker("push", f"{HOST}/team/secret:1")
    seed.docker("rmi", "-f", f"{HOST}/team/secret:1")
    assert seed.pull(f"{HOST}/team/secret:1") == "our secret"
    for public in (seed.hub, seed.google):
        assert "team/" not in public.said()


def test_without_the_upstreams(seed: Seed) -> None:
    """What was pulled once is pulled again when Docker Hub is down; and nothing new
    comes when V2Ray is gone, for there is no other way out."""
    log_in(seed.docker, HOST)
    alpine, centos = (seed.pull(f"{HOST}/{one}") for one in ("alpine", "centos:8"))
    seed.hub.running.stop()
    assert seed.pull(f"{HOST}/alpine") == alpine
    assert seed.pull(f"{HOST}/library/centos:8") == centos
    # gcr.io is still there, and asked for what Docker Hub cannot tell.
    pause = "google-containers/pause:3.9"
    assert seed.pull(f"{HOST}/{pause}") == f"gcr.io {pause}"
    seed.v2ray.stop()
    seed.google.begin()
    told = seed.docker.fails("pull", f"{HOST}/google-containers/etcd:3")
    assert "unexpected HTTP status: 50" in told
    told = seed.ask(GOOGLE, "google-containers/etcd/manifests/3")
    assert "egress proxy proxy.test:1090 cannot be reached" in told
    assert seed.google.said() == ""
    assert seed.pull(f"{HOST}/{pause}") == f"gcr.io {pause}"
