"""The servers of a case: us, the peers and upstreams, each in a folder of its own."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import bcrypt

from benchmarks import peers
from benchmarks.calls import PASSWORD, USER, Target
from benchmarks.content import Blob, Contents
from benchmarks.names import CACHE, DISTRIBUTION, OURS, PULLING, STATIC, UPSTREAM
from benchmarks.servers import Server, find, free_port, python, start, twistd
from benchmarks.tls import certify


class Fleet:
    """The servers of one case; all end with it.

    :param folder: one that is not there yet.
    :param missing: takes the programs that are not installed.
    """

    def __init__(self, folder: Path, contents: Contents, missing: set[str]) -> None:
        self.folder = folder
        self.contents = contents
        self._missing = missing
        self._servers: list[Server] = []
        folder.mkdir()
        users = folder / "users"
        hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(5)).decode()
        users.write_text(f"{USER}:{hashed}\n")
        users.chmod(0o600)
        certify(folder)

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *_: object) -> None:
        for server in reversed(self._servers):
            server.stop()

    def upstream(self, rate: float = 0) -> Server:
        """An upstream.

        :param rate: bytes a second; 0: no limit.
        """
        port = free_port()
        where = str(self.contents.folder)
        command = python("-m", "benchmarks.upstream", where, str(port), str(rate))
        return self._start(UPSTREAM, command, {"http": port})

    def ours(
        self, upstream: Server | None = None, samples: Path | None = None
    ) -> Server:
        """Us: a hosted repository, and where there is an upstream a proxy and a group.
        The access log goes into a file.

        :param samples: where a sampler writes; None: there is none.
        """
        ports = {name: free_port() for name in ("main", "hosted", "secure")}
        text = peers.OURS.format(**ports)
        if upstream is not None:
            ports |= {name: free_port() for name in ("proxy", "group")}
            text += peers.OURS_PROXIED.format(**ports, upstream=upstream.ports["http"])
        command = twistd("--config", "config")
        if samples is not None:
            command = python("-m", "benchmarks.sampler", str(samples), *command[1:])
        return self._start(OURS, command, ports, text)

    def distribution(
        self,
        upstream: Server | None = None,
        storage: str = "theirs",
        tls: bool = False,
    ) -> Server | None:
        """docker-registry, perhaps as a proxy; None where it is not installed.

        :param storage: a folder that may be shared.
        """
        program = self._find("docker-registry")
        if program is None:
            return None
        port = free_port()
        text = peers.distribution(
            port,
            self.folder / storage,
            upstream.ports["http"] if upstream else None,
            self.folder if tls else None,
        )
        name = PULLING if upstream else DISTRIBUTION
        ports = {"secure" if tls else "http": port}
        return self._start(name, [program, "serve", "config"], ports, text)

    def cache(self, upstream: Server) -> Server | None:
        """nginx in front of an upstream; None where it is not installed."""
        port = free_port()
        return self._nginx(
            CACHE, {"http": port}, peers.cache(port, upstream.ports["http"])
        )

    def static(self) -> Server | None:
        """nginx in front of the folder ``files`` in its own; None where it is not
        installed."""
        ports = {"http": free_port(), "secure": free_port()}
        text = peers.static(ports["http"], ports["secure"], self.folder)
        return self._nginx(STATIC, ports, text)

    def publish(self, static: Server, path: str, blob: Blob) -> None:
        """Put a blob where nginx serves it as a file."""
        self._publish(static, path, self.contents.pieces(blob))

    def publish_bytes(self, static: Server, path: str, content: bytes) -> None:
        """Put something where nginx serves it as a file."""
        self._publish(static, path, [content])

    @staticmethod
    def _publish(
        static: Server, path: str, pieces: Iterable[bytes | memoryview]
    ) -> None:
        file = static.log.parent / "files" / path.removeprefix("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("wb") as output:
            output.writelines(pieces)

    def stop(self, server: Server) -> None:
        """End one before the others."""
        self._servers.remove(server)
        server.stop()

    def again(self, server: Server) -> Server:
        """Start one that has been stopped, as it was."""
        folder = server.log.parent
        started = start(server.name, server.command, server.ports, folder)
        self._servers.append(started)
        return started

    def _nginx(self, name: str, ports: dict[str, int], text: str) -> Server | None:
        program = self._find("nginx")
        if program is None:
            return None
        folder = self.folder / f"{len(self._servers)}-{name.replace(' ', '-')}"
        command = [program, "-p", str(folder), "-c", "config", "-e", "stderr"]
        return self._start(name, command, ports, text)

    def _find(self, program: str) -> str | None:
        found = find(program)
        if found is None:
            self._missing.add(program)
        return found

    def _start(
        self, name: str, command: Sequence[str], ports: dict[str, int], text: str = ""
    ) -> Server:
        folder = self.folder / f"{len(self._servers)}-{name.replace(' ', '-')}"
        folder.mkdir()
        (folder / "config").write_text(text)
        server = start(name, command, ports, folder)
        self._servers.append(server)
        return server


def target(server: Server, port: str = "http", name: str = "") -> Target:
    """A way in to a server.

    :param port: which of its ports.
    :param name: what it is called; the server's name when empty.
    """
    return Target(name or server.name, server.ports[port], server.pid, port == "secure")
