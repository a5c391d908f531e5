"""The real clients of the end-to-end tests: Docker, podman, containerd, skopeo."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.loopback.world import Running, World, missing

_PODMAN = """
[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""

_CONTAINERD = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{socket}"
[ttrpc]
  address = "{socket}.ttrpc"
"""


@dataclass
class Engine:
    """A command line that speaks like ``docker``."""

    world: World
    command: tuple[str, ...]
    env: dict[str, str]

    def __call__(self, *arguments: str, text: str = "") -> str:
        """Run a command that must succeed."""
        done = self.world.run(*self.command, *arguments, env=self.env, text=text)
        return done.stdout

    def fails(self, *arguments: str, text: str = "") -> str:
        """Run a command that must fail; what it says."""
        done = self.world.run(
            *self.command, *arguments, env=self.env, text=text, check=False
        )
        assert done.returncode != 0, done.stdout
        return done.stderr


@contextmanager
def docker_engine(
    world: World,
    folder: Path,
    settings: dict[str, object],
    inside: tuple[str, ...] = (),
) -> Iterator[Engine]:
    """Docker Engine with a ``daemon.json``; it ends with the context.

    :param inside: what to put before both commands, to run newer ones in their tree.
    """
    if reason := missing("dockerd", "docker", "iptables"):
        pytest.skip(reason)
    (folder / "daemon.json").write_text(json.dumps(settings))
    socket = folder / "docker.sock"
    running = world.start(
        "dockerd",
        *(*inside, "dockerd", "--config-file", str(folder / "daemon.json")),
        *("-H", f"unix://{socket}", "--pidfile", str(folder / "pid")),
        *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
    )
    env = {"DOCKER_HOST": f"unix://{socket}", "DOCKER_CONFIG": str(folder / "config")}
    try:
        docker = Engine(world, (*inside, "docker"), env)
        _answers(docker, running)
        yield docker
    finally:
        running.stop()


@contextmanager
def containerd(
    world: World, folder: Path, inside: tuple[str, ...] = ()
) -> Iterator[Engine]:
    """containerd of its own, driven by ``ctr``; it ends with the context.

    :param inside: what to put before both commands, to run newer ones in their tree.
    """
    if reason := missing("containerd", "ctr"):
        pytest.skip(reason)
    folder.mkdir()
    socket = folder / "containerd.sock"
    config = folder / "config.toml"
    config.write_text(_CONTAINERD.format(folder=folder, socket=socket))
    command = (*inside, "containerd", "--config", str(config))
    running = world.start("containerd", *command)
    try:
        ctr = Engine(world, (*inside, "ctr", "--address", str(socket)), {})
        _answers(ctr, running)
        yield ctr
    finally:
        running.stop()


def _answers(engine: Engine, running: Running) -> None:
    """Wait until a command succeeds, as long as its engine lives."""
    command = shlex.join((*engine.command, "version"))
    lives = f"grep -q '^State:.[^ZX]' /proc/{running.pid}/status"
    again = f"{command} && exit 0; {lives} || exit 1; sleep 0.1"
    tries = f"for i in $(seq 300); do {again}; done >/dev/null 2>&1; exit 1"
    done = engine.world.run("sh", "-c", tries, env=engine.env, check=False)
    assert done.returncode == 0, f"{running.name}: {running.said()[-3000:]}"


def podman_engine(world: World, folder: Path, registries: str) -> Engine:
    """podman with all its state in a folder, and a ``registries.conf``."""
    if reason := missing("podman", "runc"):
        pytest.skip(reason)
    (folder / "containers.conf").write_text(_PODMAN)
    (folder / "registries.conf").write_text(registries)
    (folder / "auth.json").write_text("{}")
    (folder / "xdg").mkdir()
    env = {
        "CONTAINERS_CONF": str(folder / "containers.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf"),
        "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        "XDG_RUNTIME_DIR": str(folder / "xdg"),
    }
    places = ("--root", "root", "--runroot", "run", "--tmpdir", "tmp")
    options = tuple(
        word if word.startswith("--") else str(folder / word) for word in places
    )
    return Engine(world, ("podman", *options), env)


class Skopeo:
    """skopeo, with an empty login of its own."""

    def __init__(self, world: World, folder: Path) -> None:
        if reason := missing("skopeo"):
            pytest.skip(reason)
        self._folder = folder
        env = {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        self._skopeo = Engine(world, ("skopeo",), env)
        self._world = world

    def login(self, registry: str, user: str, password: str) -> int:
        """Log in; the exit status."""
        return self._world.run(
            *("skopeo", "login", "--tls-verify=false", "-u", user, "--password-stdin"),
            registry,
            text=password,
            env=self._skopeo.env,
            check=False,
        ).returncode

    def pull(self, image: str, name: str) -> bytes:
        """Pull all of an image into a folder; its manifest."""
        self._skopeo(*self._copy(image, name))
        return (self._folder / name / "manifest.json").read_bytes()

    def fails(self, image: str, name: str) -> str:
        """Pull an image that does not come whole; what it says."""
        return self._skopeo.fails(*self._copy(image, name))

    def push(self, name: str, image: str) -> None:
        """Push a folder that was pulled before."""
        self._skopeo(
            *("--insecure-policy", "copy", "-q", "--all", "--dest-tls-verify=false"),
            f"dir:{self._folder / name}",
            f"docker://{image}",
        )

    def _copy(self, image: str, name: str) -> tuple[str, ...]:
        return (
            *("--insecure-policy", "copy", "-q", "--all", "--src-tls-verify=false"),
            f"docker://{image}",
            f"dir:{self._folder / name}",
        )
