"""The whole story with real programs: clients, daemon, egress proxies, upstream."""

import json
from pathlib import Path

import pytest

from tests.loopback import parts
from tests.loopback.clients import Skopeo
from tests.loopback.parts import GROUP, HOSTED, HUB, PASSWORD, PROXY, USER, Upstream
from tests.loopback.world import World
from tests.support.pki import Authority

pytestmark = pytest.mark.real


@pytest.mark.parametrize("way", parts.WAYS)
def test_through_the_egress(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path, way: str
) -> None:
    """Pull through a group behind an egress proxy, push into the house, and go on
    with the upstream down."""
    skopeo = Skopeo(world, tmp_path)
    hub, (proxy, egress) = upstream.start(), parts.open_way(world, way)
    daemon = parts.daemon(world, authority, f"daemon-{way}", egress)
    try:
        before = proxy.said()
        assert skopeo.login(GROUP, USER, "wrong") != 0
        assert skopeo.login(GROUP, USER, PASSWORD) == 0
        assert skopeo.login(HOSTED, USER, PASSWORD) == 0
        # `library/` both ways, and an index with all that it lists.
        first = skopeo.pull(f"{GROUP}/hello:latest", "hello")
        assert skopeo.pull(f"{GROUP}/library/hello:latest", "hello2") == first
        index = skopeo.pull(f"{GROUP}/team/app:v1", "app")
        assert "hub.test" in proxy.said()[len(before) :]
        skopeo.push("app", f"{GROUP}/own/app:1")
        assert skopeo.pull(f"{HOSTED}/own/app:1", "back") == index
        assert not upstream.has("/v2/own/app/manifests/1")
        hub.stop()
        assert skopeo.pull(f"{GROUP}/team/app:v1", "again") == index
        digest = "sha256:" + parts_digest(index)
        assert skopeo.pull(f"{GROUP}/team/app@{digest}", "by-digest") == index
        # What nobody has while the upstream is away is an outage, told as one.
        told = world.curl("-u", f"{USER}:{PASSWORD}", f"http://{GROUP}/v2/x/tags/list")
        assert json.loads(told)["errors"][0]["code"] == "UNKNOWN", told
        assert "manifest unknown" not in told
        proxy.stop()
        told = world.curl(
            "-u", f"{USER}:{PASSWORD}", f"http://{PROXY}/v2/x/y/manifests/1"
        )
        name = egress.rpartition("@")[2].rpartition("/")[2]
        assert f"egress proxy {name} cannot be reached" in told
        assert "pxpass" not in daemon.said()
    finally:
        for running in (daemon, proxy, hub):
            running.stop()
    assert "Traceback" not in daemon.said()
    assert daemon.process.returncode == 0


def parts_digest(body: bytes) -> str:
    """The hex digest of a manifest."""
    import hashlib

    return hashlib.sha256(body).hexdigest()


def test_every_kind_of_image(
    world: World, authority: Authority, upstream: Upstream
) -> None:
    """Each set of images comes back bit for bit: pushed into the group, and pulled
    through the proxy."""
    hub = upstream.start()
    daemon = parts.daemon(world, authority, "daemon-images")
    user = ("--user", f"{USER}:{PASSWORD}")
    script = "testbed/make_images.py"
    large = ("--large-mib", "8")
    more = ("--only", "bulk,exotic")
    try:
        for sets in (large, more):
            pushed = world.python(script, "--push", f"http://{GROUP}", *user, *sets)
            assert " 0 bad" in pushed, pushed
            checked = world.python(script, "--check", f"http://{HOSTED}", *user, *sets)
            assert " 0 bad" in checked, checked
        checked = world.python(script, "--check", f"http://{PROXY}", *user, *large)
        assert " 0 bad" in checked, checked
        hub.stop()
        checked = world.python(script, "--check", f"http://{PROXY}", *user, *large)
        assert " 0 bad" in checked, checked
    finally:
        daemon.stop()
        hub.stop()
    assert "Traceback" not in daemon.said()
    assert HUB not in daemon.said().replace(f"upstream {HUB}", "")
