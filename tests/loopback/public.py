"""Docker Hub and gcr.io, played by two real registries, and images in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback.images import image
from tests.loopback.parts import UPSTREAM_PASSWORD, UPSTREAM_USER, Upstream
from tests.loopback.world import PLAYED, Running, World, missing
from tests.support.pki import Authority

#: The proxies of both, as they are written in a configuration.
CREDENTIALS = f"username = {UPSTREAM_USER}\npassword = {UPSTREAM_PASSWORD}"
HUB_URL, GOOGLE_URL = (f"https://{name}" for name in PLAYED.values())


@dataclass
class Public:
    """One of them, while it runs."""

    upstream: Upstream
    running: Running
    folder: Path
    begun: int = 0

    def add(self, name: str, words: str | None = None) -> str:
        """Put an image there that says *words*, or where it is; its digest."""
        folder = self.folder / name.replace("/", "-").replace(":", "-")
        digest = image(folder, words or f"{self.upstream.host} {name}")
        self.upstream.put(folder, name)
        return digest

    def has(self, image: str, tag: str) -> bool:
        """Whether it has an image; asking shows in what it logs."""
        return self.upstream.has(f"/v2/{image}/manifests/{tag}")

    def begin(self) -> None:
        """Let what it has logged so far count no more."""
        self.begun = len(self.running.said())

    def said(self) -> str:
        """What it has logged since then."""
        return self.running.said()[self.begun :]


@contextmanager
def public_registries(
    world: World, authority: Authority, folder: Path
) -> Iterator[tuple[Public, Public]]:
    """Both, empty and under their own names; they end with the context."""
    if reason := missing("skopeo"):
        pytest.skip(reason)
    made: list[Public] = []
    try:
        for address, host in PLAYED.items():
            name = f"{folder.name}-{host}"
            upstream = Upstream(world, authority, name, host, address, 443)
            made.append(Public(upstream, upstream.start(), folder / host))
        hub, google = made
        yield hub, google
    finally:
        for public in made:
            public.running.stop()
