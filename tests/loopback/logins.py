"""Logins of real clients at one daemon: its users, and how each client logs in."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from pullthrough.access.htpasswd import entry
from tests.loopback.clients import Engine, containerd, docker_engine, podman_engine
from tests.loopback.images import image
from tests.loopback.trees import in_tree
from tests.loopback.world import ADDRESS, CHECKOUT, Running, World

#: Connectors of two private repositories with the same images: one challenges with
#: Bearer, the other with Basic.
BEARER = f"{ADDRESS}:5071"
BASIC = f"{ADDRESS}:5072"
BOTH = (BEARER, BASIC)

#: Each is a user of its own, too.
CLIENTS = ("docker", "newer-docker", "podman", "skopeo", "ctr")

#: Who pushes the images. Each has content of its own: what a client has pulled of one
#: is no part of another.
OWNER = "owner"
IMAGES = ("first", "second", "third", "fourth")

_CONFIG = """
[pullthrough]
data = {data}

[auth]
htpasswd = {users}

[repository:bearer]
type = hosted
http_port = tcp:5071

[repository:basic]
type = hosted
http_port = tcp:5072
force_basic_auth = yes
"""

_REGISTRIES = "unqualified-search-registries = []\n" + "".join(
    f'[[registry]]\nlocation = "{where}"\ninsecure = true\n' for where in BOTH
)

#: Seconds for one command; a client that hangs is killed, and says nothing then.
_PATIENCE = "60"

Done = subprocess.CompletedProcess[str]


@dataclass
class House:
    """The daemon, its users and its images.

    :ivar passwords: by user, as they are now.
    """

    world: World
    folder: Path
    passwords: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._entries: dict[str, str] = {}
        self._starts = 0
        self._users = self.folder / "users"
        self._config = self.folder / "registry.ini"
        self._data = self.folder / "data"
        self._config.write_text(_CONFIG.format(data=self._data, users=self._users))
        for name in (*CLIENTS, *map(clumsy, CLIENTS), OWNER):
            self.set_password(name, f"first-{name}")

    def set_password(self, name: str, password: str) -> None:
        """Give a user a password; an empty one ends the user. It counts from the next
        start or reload on, and the others' entries stay as they are."""
        self.passwords[name] = password
        self._entries[name] = entry(name, password, 5) if password else ""
        self._users.write_text("".join(self._entries.values()))
        self._users.chmod(0o600)

    def start(self, script: str = "") -> None:
        """Start the daemon, as it is or by a script beside this file."""
        twistd = str(Path(sys.executable).with_name("twistd"))
        path = str(CHECKOUT / "tests" / "loopback" / script)
        command = (sys.executable, path) if script else (twistd,)
        self._starts += 1
        self.running: Running = self.world.start(
            f"daemon-logins-{self._starts}",
            *(*command, "pullthrough", "--config", str(self._config)),
            port=5072,
        )

    def reload(self) -> None:
        """Have it read its users again, and wait until it says so."""
        seen = len(self.running.said().splitlines())
        self.running.process.send_signal(signal.SIGHUP)
        told = f"tail -n +{seen + 1} {self.running.log} | grep -q ' reloaded: '"
        again = f"until {told}; do sleep 0.05; done"
        self.world.run("timeout", _PATIENCE, "sh", "-c", again)

    def push(self) -> None:
        """Push the images into both repositories."""
        for name in IMAGES:
            image(self.folder / name, f"hello from {name}")
            for where in BOTH:
                self.world.run(
                    *("skopeo", "--insecure-policy", "copy", "-q"),
                    *("--dest-tls-verify=false", "--dest-creds"),
                    f"{OWNER}:{self.passwords[OWNER]}",
                    f"dir:{self.folder / name}",
                    f"docker://{where}/team/{name}:1",
                )

    def age_logins(self, days: float) -> None:
        """Let all refresh tokens be unused for longer; while the daemon is down."""
        database = apsw.Connection(str(self._data / "metadata.sqlite"))
        database.execute(
            "UPDATE refresh_token SET used_at = used_at - ?", (days * 86400,)
        )
        database.close()


def clumsy(client: str) -> str:
    """The user whom a client is given a wrong password of: failures are rationed, and
    containerd fails five times for each time."""
    return f"clumsy-{client}"


@dataclass
class Client:
    """One client: how it logs in, and how it pulls.

    :ivar folder: where it keeps its logins.
    """

    name: str
    engine: Engine
    folder: Path

    def login(self, where: str, user: str, password: str) -> Done:
        """Log in; ctr keeps no login, and gives it with each pull."""
        if self.name == "ctr":
            return self.pull(where, "first", user, password)
        plain = ("--tls-verify=false",) if self.name == "skopeo" else ()
        return self._run(
            *("login", *plain, "-u", user, "--password-stdin", where), text=password
        )

    def pull(self, where: str, name: str, user: str, password: str) -> Done:
        """Pull an image by the login that it keeps.

        :param user: of the login that ctr gives, with its password.
        """
        found = f"{where}/team/{name}:1"
        if self.name == "ctr":
            login = ("--user", f"{user}:{password}")
            return self._run("images", "pull", "--plain-http", *login, found)
        if self.name == "skopeo":
            there = f"dir:{self.folder / name}-{where.rpartition(':')[2]}"
            copy = ("--insecure-policy", "copy", "-q", "--src-tls-verify=false")
            return self._run(*copy, f"docker://{found}", there)
        return self._run("pull", found)

    def _run(self, *arguments: str, text: str = "") -> Done:
        return self.engine.world.run(
            *("timeout", _PATIENCE, *self.engine.command, *arguments),
            env=self.engine.env,
            text=text,
            check=False,
        )


@contextmanager
def running_client(world: World, name: str, folder: Path) -> Iterator[Client]:
    """A client; what it needs ends with the context."""
    insecure: dict[str, object] = {"insecure-registries": list(BOTH)}
    if name in ("docker", "newer-docker"):
        inside = in_tree(folder) if name == "newer-docker" else ()
        with docker_engine(world, folder, insecure, inside) as engine:
            yield Client(name, engine, folder)
    elif name == "ctr":
        with containerd(world, folder / "engine") as engine:
            yield Client(name, engine, folder)
    elif name == "podman":
        yield Client(name, podman_engine(world, folder, _REGISTRIES), folder)
    else:
        env = {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        yield Client(name, Engine(world, ("skopeo",), env), folder)
