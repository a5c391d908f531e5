"""Fixtures of the tests with real programs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loopback.mirrors import Mirrors, running_mirrors
from tests.loopback.parts import Upstream
from tests.loopback.world import World, missing
from tests.support.pki import Authority


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The namespace; the test says so and is skipped where there can be none."""
    reason = missing("ip", "nsenter", "unshare", "curl", "docker-registry")
    if reason:
        pytest.skip(reason)
    made = World(Path(tmp_path_factory.mktemp("world")))
    yield made
    made.close()


@pytest.fixture(scope="session")
def authority(world: World) -> Authority:
    """Who vouches for the upstream."""
    return Authority(world.folder / "pki")


@pytest.fixture(scope="session")
def upstream(world: World, authority: Authority) -> Upstream:
    """The upstream with images in it; each test starts and stops it."""
    made = Upstream(world, authority)
    running = made.start()
    made.fill("--large-mib", "8")
    running.stop()
    return made


@pytest.fixture
def mirrors(
    world: World, authority: Authority, upstream: Upstream, tmp_path: Path
) -> Iterator[Mirrors]:
    """Our daemon with mirror connectors, and its upstreams."""
    with running_mirrors(world, authority, upstream, tmp_path) as made:
        yield made
