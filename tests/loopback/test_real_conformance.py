"""The official conformance suite of the distribution specification.

Made by ``go install`` from its Go module (see the Makefile); where there is no Go, the
tests say so and are skipped. What is skipped inside is named in docs/conformance.md.
"""

import hashlib
import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.loopback import parts
from tests.loopback.parts import GROUP, HOSTED, PASSWORD, PROXY, USER, Upstream
from tests.loopback.world import World
from tests.support.pki import Authority

pytestmark = pytest.mark.real

#: What may be skipped, by its name and the suite's own words.
SKIPS = {
    "range requests/range 500-0": "range request unsupported, full blob returned",
}

SUITE = Path(sys.executable).with_name("conformance")


def run_suite(
    world: World, folder: Path, registry: str, **settings: str
) -> tuple[int, str]:
    """Run the suite; its exit status, and what it said."""
    if not SUITE.exists():
        pytest.skip("needs the conformance suite, which needs Go 1.24")
    env = {
        "OCI_REGISTRY": registry,
        "OCI_TLS": "disabled",
        "OCI_USERNAME": USER,
        "OCI_PASSWORD": PASSWORD,
        "OCI_RESULTS_DIR": str(folder / "results"),
        "HOME": str(folder),
        **{f"OCI_{name}": value for name, value in settings.items()},
    }
    done = world.run(str(SUITE), env=env, check=False)
    return done.returncode, done.stdout + done.stderr


def assert_named_skips(results: str) -> None:
    """Whatever was skipped, but not switched off, is named above."""
    for case in ElementTree.fromstring(results).iter("testcase"):
        if case.get("status") != "skipped":
            continue
        name = case.get("name", "")
        reason = " ".join("".join(case.itertext()).split())
        if "disabled in the configuration" in reason:
            continue
        known = [words for end, words in SKIPS.items() if name.endswith(end)]
        assert known, (name, reason[:300])
        assert known[0] in reason, (name, reason[:300])


@pytest.mark.parametrize("version", ["1.1", "dev"])
def test_hosted(
    world: World, authority: Authority, tmp_path: Path, version: str
) -> None:
    """A hosted connector: no failure, and no skip that is not named."""
    daemon = parts.daemon(world, authority, f"daemon-conformance-{version}")
    try:
        status, said = run_suite(world, tmp_path, HOSTED, VERSION=version)
    finally:
        daemon.stop()
    assert status == 0, said[-6000:]
    assert_named_skips((tmp_path / "results" / "junit.xml").read_text())
    assert "Traceback" not in daemon.said()


@pytest.mark.parametrize("where", [PROXY, GROUP])
def test_read_only(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path, where: str
) -> None:
    """A proxy and a group, with images of the upstream, in read-only mode."""
    hub = upstream.start()
    daemon = parts.daemon(world, authority, f"daemon-read-only-{where[-4:]}")
    try:
        accept = "Accept: application/vnd.docker.distribution.manifest.v2+json"
        url = f"http://{where}/v2/library/hello/manifests/latest"
        manifest = world.curl("-u", f"{USER}:{PASSWORD}", "-H", accept, url)
        document = json.loads(manifest)
        blobs = [document["config"], *document["layers"]]
        _, said = run_suite(
            world,
            tmp_path,
            where,
            VERSION="1.1",
            REPO1="library/hello",
            API_PUSH="false",
            API_BLOBS_DELETE="false",
            API_MANIFESTS_DELETE="false",
            API_TAGS_DELETE="false",
            RO_DATA_TAGS="latest 1.0",
            RO_DATA_MANIFESTS=f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}",
            RO_DATA_BLOBS=" ".join(blob["digest"] for blob in blobs),
        )
    finally:
        daemon.stop()
        hub.stop()
    # In this mode the suite breaks down while it writes its report, after the results
    # (ReportResultsYAML), and so ends with another status than 0.
    results = said.partition("Data conformance:")[2].partition("panic:")[0]
    assert "Read Only Inputs..............:       Pass" in results, said[-6000:]
    assert "FAIL\n" not in said, said[-6000:]
    assert "Traceback" not in daemon.said()
