"""Many clients for one blob, and large blobs in little memory."""

import pytest

from tests.loopback import parts
from tests.loopback.parts import (
    HOSTED,
    PASSWORD,
    PROXY,
    UPSTREAM_PASSWORD,
    UPSTREAM_USER,
    USER,
    Upstream,
)
from tests.loopback.world import World
from tests.support.pki import Authority

pytestmark = pytest.mark.real

SCRIPT = "loopback/readers.py"
ME = f"{USER}:{PASSWORD}"
THEM = f"{UPSTREAM_USER}:{UPSTREAM_PASSWORD}"

#: Most memory that the daemon may have had resident, in MiB.
MEMORY = 150


def put_upstream(world: World, image: str, mib: int) -> str:
    """Put a blob into the upstream, past us; its hex digest."""
    where = f"https:{parts.HUB}"
    return world.python(SCRIPT, "push", where, image, THEM, str(mib)).strip()


def test_two_hundred_clients_one_download(
    world: World, authority: Authority, upstream: Upstream
) -> None:
    """200 ask for one uncached 16 MiB blob: one upstream GET, and all get it right,
    though one reads 1 KiB a second and every third dies on the way."""
    hub = upstream.start()
    daemon = parts.daemon(world, authority, "daemon-stampede")
    try:
        digest = put_upstream(world, "load/stampede", 16)
        path = f"/v2/load/stampede/blobs/sha256:{digest}"
        told = world.python(SCRIPT, "stampede", PROXY, path, ME, digest, "200")
        assert told.strip() == "all right"
        asked = [line for line in hub.said().splitlines() if f'"GET {path} ' in line]
        served = [line for line in asked if " 200 " in line]
        assert len(served) == 1, asked
        daemon.until(lambda said: said.count(f'"GET {path}"') >= 200)
    finally:
        daemon.stop()
        hub.stop()
    assert daemon.said().count(f'"GET {path}"') == 200
    assert "Traceback" not in daemon.said()


def test_a_gibibyte_in_little_memory(
    world: World, authority: Authority, upstream: Upstream
) -> None:
    """A 1 GiB push and a 1 GiB cold pull keep the peak under 150 MiB."""
    hub = upstream.start()
    daemon = parts.daemon(world, authority, "daemon-memory")
    try:
        digest = world.python(SCRIPT, "push", HOSTED, "load/push", ME, "1024").strip()
        pushed = daemon.peak()
        assert pushed < MEMORY, f"{pushed} MiB"
        path = f"/v2/load/push/blobs/sha256:{digest}"
        told = world.python(SCRIPT, "pull", HOSTED, path, ME, digest)
        assert told.strip() == "all right"
        assert put_upstream(world, "load/pull", 1024) == digest
        path = f"/v2/load/pull/blobs/sha256:{digest}"
        told = world.python(SCRIPT, "pull", PROXY, path, ME, digest)
        assert told.strip() == "all right"
        peak = daemon.peak()
        assert peak < MEMORY, f"{peak} MiB"
    finally:
        daemon.stop()
        hub.stop()
    assert "Traceback" not in daemon.said()
