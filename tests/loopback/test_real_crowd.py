"""4,000 idle, 500 creeping and 200 slow clients beside 50 honest ones."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from resource import RLIMIT_NOFILE, getrlimit

import pytest

from pullthrough.spec.mediatypes import OCI_MANIFEST
from tests.loopback.world import ADDRESS, CHECKOUT, World, htpasswd
from tests.support.images import make_image

pytestmark = pytest.mark.real

WHERE = f"{ADDRESS}:5091"

_CONFIG = """
[pullthrough]
data = {data}
connections = 10000
connections_per_address = 10000
transfers_per_client = 10000
transfers_per_user = 10000
[auth]
htpasswd = {users}
[repository:own]
type = hosted
http_port = tcp:5091
"""

#: What each side needs.
DESCRIPTORS = 16_000

#: Bytes of the blob that slow clients read: more than any buffer on the way.
BLOB = 32 * 1024 * 1024


def send(world: World, folder: Path, method: str, target: str, body: bytes) -> None:
    """A part of an image; it must be taken."""
    (folder / "body").write_bytes(body)
    code = world.curl(
        *("-u", "alice:s3cret", "-X", method, "-H", f"Content-Type: {OCI_MANIFEST}"),
        *("--data-binary", f"@{folder / 'body'}", "-o", "/dev/null"),
        *("-w", "%{http_code}", f"http://{WHERE}/v2/team/app/{target}"),
    )
    assert code == "201", code


def test_a_crowd(world: World, tmp_path: Path) -> None:
    """Nobody honest fails; who creeps is ended; memory stays within 150 MiB and 256 KiB
    for each connection; afterwards every descriptor is given back. How long the honest
    wait is printed."""
    _, most = getrlimit(RLIMIT_NOFILE)
    if most < DESCRIPTORS:
        pytest.skip(f"needs {DESCRIPTORS} file descriptors; {most} are allowed")
    config = tmp_path / "crowd.ini"
    users = htpasswd(tmp_path / "users", alice="s3cret")
    config.write_text(_CONFIG.format(data=tmp_path / "data", users=users))
    twistd = str(Path(sys.executable).with_name("twistd"))
    many = ("prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}")
    daemon = world.start(
        "crowd", *many, twistd, "pullthrough", "--config", str(config), port=5091
    )
    try:
        image = make_image(os.urandom(BLOB))
        for digest, content in image.blobs.items():
            send(world, tmp_path, "POST", f"blobs/uploads/?digest={digest}", content)
        send(world, tmp_path, "PUT", "manifests/v1", image.manifest)
        layer = list(image.blobs)[-1]
        script = str(CHECKOUT / "tests" / "loopback" / "crowd.py")
        before = len(os.listdir(f"/proc/{daemon.pid}/fd"))
        client = subprocess.Popen(
            world._argv(
                (
                    *many,
                    *(sys.executable, script, WHERE),
                    *("/v2/team/app/manifests/v1", f"/v2/team/app/blobs/{layer}"),
                    f"Basic {base64.b64encode(b'alice:s3cret').decode()}",
                )
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert client.stdout is not None
        assert client.stdin is not None
        crowd = json.loads(client.stdout.readline())["crowd"]
        client.stdin.write("go on\n")
        client.stdin.flush()
        seen = json.loads(client.stdout.readline())
        client.wait(30)
        ratio = seen["p99_crowded"] / seen["p99_alone"]
        allowed = 150 + crowd // 4
        print(seen, f"p99 x {ratio:.2f}, peak {daemon.peak()} of {allowed} MiB")
        assert (seen["failed"], seen["creeping_left"]) == (0, 0)
        assert daemon.peak() <= allowed
        script = f"for i in $(seq 300); do [ $(ls /proc/{daemon.pid}/fd | wc -l) -le"
        script += f" {before + 2} ] && exit 0; sleep 0.1; done; exit 1"
        world.run("bash", "-c", script)
        assert len(os.listdir(f"/proc/{daemon.pid}/fd")) >= before - 2
        assert world.curl(f"http://{WHERE}/v2/")
        assert "Traceback" not in daemon.said()
    finally:
        daemon.stop()
