"""One connector for several registries: containerd names the registry with ``ns``, and
podman has a path for each."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.loopback.clients import Engine, Skopeo, containerd, podman_engine
from tests.loopback.images import image
from tests.loopback.parts import (
    HUB,
    PASSWORD,
    UPSTREAM_PASSWORD,
    UPSTREAM_USER,
    USER,
    Upstream,
)
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

#: The connectors: the group's, and the one of all repositories.
GROUP = f"{ADDRESS}:5000"
MAIN = f"{ADDRESS}:8081"

#: The image of this name is another one in each repository.
SAME = "team/same:1"

_CONFIG = """
[pullthrough]
data = {folder}/data

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

[repository:hub]
type = proxy
remote_url = {hub}
{credentials}

[repository:second]
type = proxy
remote_url = {google}
{credentials}

[repository:all]
type = group
role = mirror
http_port = tcp:5000
member_names = own, hub, second
writable_member = own
"""

# What no mirror has, containerd asks of the registry itself.
_HOSTS = """
ca = "{ca}"
[host."http://{group}"]
  capabilities = ["pull", "resolve"]
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
[[registry]]
prefix = "gcr.io"
location = "{main}/second"
insecure = true
"""


@dataclass
class Registries:
    """What runs, and the digests of the images called alike."""

    daemon: Running
    hub: Public
    google: Public
    hubs: str
    googles: str
    own: str

    def begin(self) -> None:
        """Let the upstreams' logs begin anew."""
        self.hub.begin()
        self.google.begin()


@pytest.fixture
def registries(
    world: World, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Registries]:
    """Docker Hub, gcr.io, and our daemon in front of both."""
    folder = tmp_path_factory.mktemp("n")
    config = _CONFIG.format(
        folder=folder,
        trust=authority.certificate,
        users=htpasswd(folder / "users", **{USER: PASSWORD}),
        hub=HUB_URL,
        google=GOOGLE_URL,
        credentials=CREDENTIALS,
    )
    with public_registries(world, authority, folder) as (hub, google):
        hub.add("library/alpine:latest")
        google.add("google-containers/pause:3.9")
        hubs, googles = hub.add(SAME), google.add(SAME)
        daemon = world.daemon(f"{folder.name}-daemon", config, 8081)
        try:
            skopeo = Skopeo(world, folder)
            own = image(folder / "own", "our own")
            assert skopeo.login(MAIN, USER, PASSWORD) == 0
            skopeo.push("own", f"{MAIN}/own/{SAME}")
            yield Registries(daemon, hub, google, hubs, googles, own)
            assert daemon.stop() == 0
            assert "Traceback" not in daemon.said()
        finally:
            daemon.stop()


def digest_of(ctr: Engine, name: str) -> str:
    """The digest of an image that containerd has."""
    lines = [line.split() for line in ctr("images", "list").splitlines()]
    return next(line[2] for line in lines if line[0] == name)


@pytest.mark.parametrize("newer", [False, True], ids=["debian", "newer"])
def test_containerd(
    world: World,
    authority: Authority,
    upstream: Upstream,
    registries: Registries,
    tmp_path_factory: pytest.TempPathFactory,
    newer: bool,
) -> None:
    """With one ``_default/hosts.toml``, each image comes from the proxy of its registry
    and from no other, however many have one of that name; a registry that no proxy
    stands for is unknown to us, and containerd asks it itself."""
    folder = tmp_path_factory.mktemp("c")
    inside = in_tree(folder) if newer else ()
    place = folder / "hosts" / "_default"
    place.mkdir(parents=True)
    authority_here = place / "ca.crt"
    authority_here.write_bytes(authority.certificate.read_bytes())
    (place / "hosts.toml").write_text(_HOSTS.format(ca=authority_here, group=GROUP))
    pull = ("images", "pull", "--hosts-dir", str(folder / "hosts"))
    with containerd(world, folder / "engine", inside) as ctr:
        registries.begin()
        ctr(*pull, "docker.io/library/alpine:latest")
        ctr(*pull, f"docker.io/{SAME}")
        assert digest_of(ctr, f"docker.io/{SAME}") == registries.hubs
        assert registries.google.said() == ""
        registries.begin()
        ctr(*pull, "gcr.io/google-containers/pause:3.9")
        ctr(*pull, f"gcr.io/{SAME}")
        assert digest_of(ctr, f"gcr.io/{SAME}") == registries.googles
        assert registries.hub.said() == ""
        # The other registry's image does not stand in, nor does our own.
        registries.begin()
        ctr.fails(*pull, "docker.io/google-containers/pause:3.9")
        ctr.fails(*pull, "gcr.io/library/alpine:latest")
        before = len(registries.daemon.said())
        ctr.fails(*pull, f"nobody.test/{SAME}")
        asked = f'"HEAD /v2/{SAME.replace(":", "/manifests/")}'
        said = registries.daemon.until(lambda said: asked in said[before:])
        assert '" 404 ' in said[before:]
        running = upstream.start()
        try:
            user = ("-u", f"{UPSTREAM_USER}:{UPSTREAM_PASSWORD}")
            ctr(*pull, *user, f"{HUB}/team/app:v1")
        finally:
            running.stop()


def test_the_namespace_is_told(world: World, registries: Registries) -> None:
    """The answer names the namespace that was asked for; without one the group asks its
    members in order, and one that nobody stands for has nothing."""
    path = f"/v2/{SAME.replace(':', '/manifests/')}"

    def ask(query: str) -> str:
        return world.curl("-I", f"http://{GROUP}{path}{query}").lower()

    for namespace, digest in (
        ("docker.io", registries.hubs),
        ("registry-1.docker.io", registries.hubs),
        ("gcr.io", registries.googles),
    ):
        told = ask(f"?ns={namespace}")
        assert f"oci-namespace: {namespace}\n" in told
        assert f"docker-content-digest: {digest}\n" in told
    told = ask("")
    assert f"docker-content-digest: {registries.own}\n" in told
    assert "oci-namespace" not in told
    told = ask("?ns=nobody.test")
    assert told.startswith("http/1.1 404 ")
    assert "digest" not in told


def test_podman(
    world: World, registries: Registries, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """podman, with Docker Hub and gcr.io moved to two paths of one connector, gets each
    image from the right one, and pushes to a third path."""
    folder = tmp_path_factory.mktemp("p")
    podman = podman_engine(world, folder, _REGISTRIES.format(main=MAIN))

    def words(name: str) -> str:
        podman("pull", name)
        return podman("run", "--rm", "--network", "none", name).strip()

    registries.begin()
    assert words("docker.io/library/alpine").endswith("library/alpine:latest")
    assert words(f"docker.io/{SAME}") == f"registry-1.docker.io {SAME}"
    assert registries.google.said() == ""
    registries.begin()
    assert words("gcr.io/google-containers/pause:3.9").startswith("gcr.io ")
    assert words(f"gcr.io/{SAME}") == f"gcr.io {SAME}"
    assert registries.hub.said() == ""
    podman.fails("pull", "docker.io/google-containers/pause:3.9")
    assert words(f"{MAIN}/own/{SAME}") == "our own"
    podman("login", "-u", USER, "--password-stdin", MAIN, text=PASSWORD)
    podman("tag", f"gcr.io/{SAME}", f"{MAIN}/own/kept/same:2")
    podman("push", f"{MAIN}/own/kept/same:2")
    podman("rmi", "-f", f"{MAIN}/own/kept/same:2")
    assert words(f"{MAIN}/own/kept/same:2") == f"gcr.io {SAME}"
    for public in (registries.hub, registries.google):
        assert not public.has("kept/same", "2")
