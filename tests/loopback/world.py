"""A network namespace with real registries, proxies and clients in it.

Nothing in it reaches anything outside: it has a loopback device with one more address,
names in a hosts file of its own, and no resolver.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import bcrypt

ADDRESS = "10.99.0.1"
NAMES = ("registry.test", "hub.test", "proxy.test")

#: Further addresses, with the names of public registries that tests play.
PLAYED = {"10.99.0.2": "registry-1.docker.io", "10.99.0.3": "gcr.io"}

CHECKOUT = Path(__file__).parents[2]

#: Seconds for one command, and for a port to open.
PATIENCE = 120
OPENING = 30

_INSIDE = """
mount --bind "$0/hosts" /etc/hosts
mount --bind "$0/resolv.conf" /etc/resolv.conf
exec "$@"
"""

_WAIT = """
for i in $(seq %d); do
    (exec 3<>/dev/tcp/%s/%d) 2>/dev/null && exit 0
    grep -q '^State:.[^ZX]' /proc/%d/status 2>/dev/null || exit 1
    sleep 0.05
done
exit 1
"""

#: Settings of this machine that the daemons and clients must not depend on.
_LEFT_OUT = ("_proxy", "SSL_CERT", "CURL_CA", "REQUESTS_CA", "_PROXY", "AWS_")


@dataclass
class Running:
    """A process that was started, and its log."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def pid(self) -> int:
        """Of the program itself; those before it have become it by exec."""
        return self.process.pid

    def said(self) -> str:
        """What it has logged so far."""
        return self.log.read_text("utf-8", "replace")

    def until(self, fits: Callable[[str], bool]) -> str:
        """What it has logged, once that fits: our daemon's access log comes in batches,
        a moment behind the answers."""
        end = time.monotonic() + 20
        while not fits(self.said()):
            assert time.monotonic() < end, self.said()[-5000:]
            time.sleep(0.01)
        return self.said()

    def peak(self) -> int:
        """The most memory that it has had resident, in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) // 1024

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it, by force if it must be; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait(15)


class World:
    """The namespace and what runs in it; *close* ends all of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._namespace = f"pt{os.getpid()}"
        self._running: list[Running] = []
        hosts = f"127.0.0.1 localhost\n{ADDRESS} {' '.join(NAMES)}\n"
        hosts += "".join(f"{address} {name}\n" for address, name in PLAYED.items())
        (folder / "hosts").write_text(hosts)
        (folder / "resolv.conf").write_text("")
        self._ip("netns", "add", self._namespace)
        self._ip("-n", self._namespace, "link", "set", "lo", "up")
        for address in (ADDRESS, *PLAYED):
            new = ("addr", "add", f"{address}/32", "dev", "lo")
            self._ip("-n", self._namespace, *new)

    @staticmethod
    def _ip(*arguments: str) -> None:
        subprocess.run(["ip", *arguments], check=True, capture_output=True)

    def close(self) -> None:
        """End everything, last first."""
        while self._running:
            self._running.pop().stop()
        self._ip("netns", "del", self._namespace)

    def _argv(self, command: tuple[str, ...]) -> list[str]:
        inside = ["unshare", "-m", "--propagation", "private", "sh", "-c", _INSIDE]
        net = f"--net=/run/netns/{self._namespace}"
        return ["nsenter", net, *inside, str(self.folder), *command]

    @staticmethod
    def _environment(more: Mapping[str, str]) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not any(part in name for part in _LEFT_OUT)
        }
        return {**kept, "PYTHONPATH": str(CHECKOUT), **more}

    def run(
        self,
        *command: str,
        check: bool = True,
        text: str = "",
        env: Mapping[str, str] | None = None,
    ) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; its output is in what is raised, too."""
        done = subprocess.run(
            self._argv(command),
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=self._environment(env or {}),
        )
        if check and done.returncode:
            raise AssertionError(
                f"{' '.join(command)}: {done.returncode}\n{done.stdout}{done.stderr}"
            )
        return done

    def start(
        self,
        name: str,
        *command: str,
        port: int | None = None,
        address: str = ADDRESS,
    ) -> Running:
        """Start a program, and wait until its port is open."""
        log = self.folder / f"{name}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                self._argv(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._environment({}),
            )
        running = Running(name, process, log)
        self._running.append(running)
        if port is not None:
            self.wait(running, port, address)
        return running

    def wait(self, running: Running, port: int, address: str = ADDRESS) -> None:
        """Wait until a port of a program is open."""
        script = _WAIT % (OPENING * 20, address, port, running.pid)
        done = self.run("bash", "-c", script, check=False)
        assert done.returncode == 0, f"{running.name}: {running.said()[-3000:]}"

    def curl(self, *arguments: str) -> str:
        """What an HTTP server answers."""
        return self.run("curl", "-s", "--max-time", "60", *arguments).stdout

    # -- programs --

    def daemon(self, name: str, config: str, port: int) -> Running:
        """Our daemon, with a configuration that is written below the folder."""
        path = self.folder / f"{name}.ini"
        path.write_text(config)
        twistd = str(Path(sys.executable).with_name("twistd"))
        return self.start(name, twistd, "pullthrough", "--config", str(path), port=port)

    def python(self, script: str, *arguments: str) -> str:
        """One of the scripts beside this file, in the namespace."""
        path = str(CHECKOUT / "tests" / script)
        return self.run(sys.executable, path, *arguments).stdout


def htpasswd(path: Path, **users: str) -> Path:
    """An htpasswd file that nobody else may read. One with these passwords stays as it
    is: another hash would end the logins that it has proven."""
    if path.exists() and _proves(path, users):
        return path
    lines = [
        f"{name}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(5)).decode()}\n"
        for name, password in users.items()
    ]
    path.write_text("".join(lines))
    path.chmod(0o600)
    return path


def _proves(path: Path, users: Mapping[str, str]) -> bool:
    """Whether an htpasswd file has these users with these passwords, and no others."""
    entries = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return entries.keys() == users.keys() and all(
        bcrypt.checkpw(users[name].encode(), entries[name].encode()) for name in users
    )


def missing(*programs: str) -> str:
    """Why the real components cannot be used here; empty when they can."""
    if os.geteuid() != 0:
        return "needs root, for a network namespace"
    absent = [name for name in programs if shutil.which(name) is None]
    return f"needs {', '.join(absent)}" if absent else ""
