"""A chain of daemons in front of a registry that stops, changes and rots."""

import hashlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback.chain import FRONT, MIDDLE, Chain, check_pulled, flip
from tests.loopback.clients import Skopeo, docker_engine
from tests.loopback.parts import PASSWORD, SCHEMA2, UPSTREAM_PASSWORD, USER, Upstream
from tests.loopback.world import World
from tests.support.pki import Authority

pytestmark = pytest.mark.real

HELLO = f"{FRONT}/hello"
ACCEPT = ("-H", f"Accept: {SCHEMA2}")
MANIFESTS = "/v2/library/hello/manifests"


@pytest.fixture(scope="module")
def rotting(world: World, authority: Authority) -> Upstream:
    """A registry of this module's own: its tags move, and its files are spoilt."""
    made = Upstream(world, authority, "rotting")
    running = made.start()
    made.fill("--only", "plain,multi,large", "--large-mib", "1")
    running.stop()
    return made


@pytest.fixture
def chain(
    world: World, authority: Authority, rotting: Upstream, tmp_path: Path
) -> Iterator[Chain]:
    """The whole chain, running; both daemons are empty."""
    made = Chain(world, authority, rotting, tmp_path)
    try:
        made.open()
        yield made
    finally:
        made.close()


@pytest.fixture
def skopeo(world: World, chain: Chain, tmp_path: Path) -> Skopeo:
    """skopeo, logged in at both daemons."""
    made = Skopeo(world, tmp_path)
    for registry in (FRONT, MIDDLE):
        assert made.login(registry, USER, PASSWORD) == 0
    return made


def digest_of(body: str | bytes) -> str:
    """The digest of a manifest."""
    data = body.encode() if isinstance(body, str) else body
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_the_upstream_stops_and_comes_back(
    world: World,
    chain: Chain,
    skopeo: Skopeo,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Docker and skopeo pull through two daemons and V2Ray. With the registry stopped,
    and both daemons started anew, tags past their age and digests still come, with a
    warning; with the registry back they are fresh, and a tag that it moves moves."""
    settings: dict[str, object] = {"insecure-registries": [FRONT]}
    with docker_engine(world, tmp_path_factory.mktemp("d"), settings) as docker:
        docker("login", "-u", USER, "--password-stdin", FRONT, text=PASSWORD)
        docker("pull", HELLO)
        hello = skopeo.pull(f"{HELLO}:latest", "hello")
        app = skopeo.pull(f"{FRONT}/team/app:v1", "app")
        assert "hub.test" in chain.running["v2ray"].said()

        chain.stop("upstream", "front", "middle")
        chain.open_middle()
        chain.open_front()
        docker("rmi", "-f", HELLO)
        docker("pull", HELLO)
        docker("rmi", "-f", HELLO)
        docker("pull", f"{HELLO}@{digest_of(hello)}")
        for registry in (FRONT, MIDDLE):
            again = skopeo.pull(f"{registry}/hello:latest", f"{registry}-tag")
            assert again == hello
            by_digest = f"{registry}/team/app@{digest_of(app)}"
            assert skopeo.pull(by_digest, f"{registry}-digest") == app
        stale = chain.get(MIDDLE, f"{MANIFESTS}/latest", *ACCEPT)
        assert (stale.status, stale.body) == (200, hello)
        assert (
            "middle serves its copy of library/hello:latest" in stale.headers["warning"]
        )
        sure = chain.get(MIDDLE, f"{MANIFESTS}/{digest_of(hello)}", *ACCEPT)
        assert "warning" not in sure.headers
        missing = chain.get(FRONT, f"{MANIFESTS}/1.1", *ACCEPT)
        assert missing.status in (502, 503, 504)
        chain.stop("middle")
        stale = chain.get(FRONT, f"{MANIFESTS}/latest", *ACCEPT)
        assert (stale.status, stale.body) == (200, hello)
        assert "front serves its copy" in stale.headers["warning"]
        chain.open_middle()

        chain.open_upstream()
        for registry in (FRONT, MIDDLE):
            fresh = chain.get(registry, f"{MANIFESTS}/latest", *ACCEPT)
            assert (fresh.status, fresh.body) == (200, hello)
            assert "warning" not in fresh.headers
        moved = chain.upstream.move("library/hello", "1.1", "latest")
        try:
            assert digest_of(moved) != digest_of(hello)
            assert skopeo.pull(f"{HELLO}:latest", "moved") == moved.encode()
            docker("pull", HELLO)
            found = json.loads(docker("inspect", HELLO))[0]["RepoDigests"]
            assert f"{HELLO}@{digest_of(moved)}" in found
            # What the tag stood for before is still there.
            assert skopeo.pull(f"{HELLO}@{digest_of(hello)}", "before") == hello
        finally:
            chain.upstream.move("library/hello", "1.0", "latest")


def test_the_upstream_changes_its_password(chain: Chain, skopeo: Skopeo) -> None:
    """With the old password copies still come and nothing else does; the reason is
    told and logged, the password is not. With the password back all comes again."""
    hello = skopeo.pull(f"{HELLO}:latest", "hello")
    chain.stop("upstream")
    chain.open_upstream("another-secret")
    assert skopeo.pull(f"{HELLO}:latest", "again") == hello
    assert skopeo.pull(f"{HELLO}@{digest_of(hello)}", "by-digest") == hello
    stale = chain.get(MIDDLE, f"{MANIFESTS}/latest", *ACCEPT)
    reason = "upstream hub.test:5643 wants other credentials (401)"
    assert reason in stale.headers["warning"]
    for registry in (FRONT, MIDDLE):
        skopeo.fails(f"{registry}/team/app:v1", f"{registry}-app")
        told = chain.get(registry, "/v2/team/app/manifests/v1")
        assert told.status == 404
        error = json.loads(told.body or b"")["errors"][0]
        assert error["code"] == "MANIFEST_UNKNOWN"
        assert UPSTREAM_PASSWORD not in str(error)
    assert reason in error["detail"]
    said = chain.running["middle"].said()
    assert reason in said
    assert UPSTREAM_PASSWORD not in said + chain.running["front"].said()
    chain.stop("upstream")
    chain.open_upstream()
    skopeo.pull(f"{FRONT}/team/app:v1", "app")
    assert UPSTREAM_PASSWORD not in chain.running["middle"].said()


def test_the_upstream_falls_silent(chain: Chain, skopeo: Skopeo) -> None:
    """A registry that no longer says a word does not keep a daemon from ending well,
    though a connection to it over TLS is open."""
    skopeo.pull(f"{HELLO}:latest", "hello")
    silent = chain.running["upstream"].process
    silent.send_signal(signal.SIGSTOP)
    try:
        chain.stop("front", "middle")
    finally:
        silent.send_signal(signal.SIGCONT)


def layer_of(manifest: str | bytes) -> str:
    """The digest of the last layer of an image."""
    digest: str = json.loads(manifest)["layers"][-1]["digest"]
    return digest


@pytest.mark.parametrize(
    ("image", "tag", "at"),
    [("library/hello", "1.0", 100), ("team/large", "1", 100), ("team/large", "1", -1)],
    ids=["small", "large-beginning", "large-end"],
)
def test_the_upstream_rots(
    chain: Chain, skopeo: Skopeo, tmp_path: Path, image: str, tag: str, at: int
) -> None:
    """A blob that is wrong on the registry's disk never comes whole and is never kept,
    by either daemon, and the log says so; put right, it comes, at the latest when asked
    again."""
    digest = layer_of(chain.upstream.manifest(image, tag))
    flip(chain.upstream.blob(digest), at)
    try:
        skopeo.fails(f"{FRONT}/{image}:{tag}", "wrong")
        for registry in (FRONT, MIDDLE):
            assert chain.blob(registry, image, digest) is None
    finally:
        flip(chain.upstream.blob(digest), at)
    said = chain.running["middle"].said()
    assert f"the upstream sent something else than {digest}" in said
    check_pulled(tmp_path / "wrong")
    for name in ("front", "middle"):
        chain.check_kept(name)
        assert not chain.kept(name, digest).exists()
    assert chain.blob(FRONT, image, digest) or chain.blob(FRONT, image, digest)
    skopeo.pull(f"{FRONT}/{image}:{tag}", "right")
    assert check_pulled(tmp_path / "right") >= 2
    for name in ("front", "middle"):
        chain.check_kept(name)
        assert chain.kept(name, digest).exists()


@pytest.mark.parametrize(
    ("image", "tag", "at"),
    [("library/hello", "1.0", 100), ("team/large", "1", 100), ("team/large", "1", -1)],
    ids=["small", "large-beginning", "large-end"],
)
def test_our_own_disk_rots(
    chain: Chain, skopeo: Skopeo, tmp_path: Path, image: str, tag: str, at: int
) -> None:
    """A blob that is wrong on a disk of ours is noticed when it is first read after a
    start, put aside and fetched anew; its client has the right bytes at the latest when
    it asks again, and never wrong ones."""
    manifest = skopeo.pull(f"{MIDDLE}/{image}:{tag}", "before")
    digest = layer_of(manifest)
    chain.stop("front", "middle")
    flip(chain.kept("middle", digest), at)
    chain.open_middle()
    chain.open_front()
    assert chain.blob(FRONT, image, digest) or chain.blob(FRONT, image, digest)
    assert skopeo.pull(f"{FRONT}/{image}:{tag}", "after") == manifest
    check_pulled(tmp_path / "after")
    assert chain.quarantined("middle") == [digest.replace(":", "-")]
    assert f"{digest} has rotted" in chain.running["middle"].said()
    for name in ("front", "middle"):
        chain.check_kept(name)
        assert chain.kept(name, digest).exists()


def test_our_copy_of_a_manifest_rots(chain: Chain, skopeo: Skopeo) -> None:
    """A manifest that is wrong on a disk of ours is fetched anew before anybody gets
    it; while the registry is away it is an outage, and no wrong manifest."""
    hello = skopeo.pull(f"{MIDDLE}/hello:latest", "before")
    kept = chain.kept("middle", digest_of(hello))
    flip(kept, 100)
    chain.stop("upstream")
    for registry, reference in ((FRONT, "latest"), (MIDDLE, digest_of(hello))):
        told = chain.get(registry, f"{MANIFESTS}/{reference}", *ACCEPT)
        assert told.status in (502, 503, 504)
    chain.open_upstream()
    assert skopeo.pull(f"{FRONT}/hello:latest", "after") == hello
    assert chain.quarantined("middle") == [digest_of(hello).replace(":", "-")]
    assert kept.read_bytes() == hello
