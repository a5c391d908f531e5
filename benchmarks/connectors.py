"""What repositories cost that have a port each: time to start, memory, descriptors.

Starts the daemon without and with so many repositories, hosted and proxies by turns,
over HTTP and over HTTPS, and prints a table. Linux only; needs openssl for HTTPS.
"""

import http.client
import os
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path

MANY = 200
ROUNDS = 3

#: Seconds that a start may take before it counts as failed.
PATIENCE = 60

#: What is promised: seconds to start, KiB for each repository.
LONGEST_START, MOST_KIB = 3.0, 40.0

_HEAD = """
[pullthrough]
data = data
tls_certificate = server.crt
tls_key = server.key
[repository:first]
type = hosted
http_port = tcp:0:interface=127.0.0.1
"""

_KINDS = ("type = hosted", "type = proxy\nremote_url = https://r{number}.test")


@dataclass(frozen=True, slots=True)
class Cost:
    """One run. Seconds to the first start and to the next one; KiB of memory that is
    resident, and that counts as the process's own, after the start and after a request
    to each connector; threads; descriptors."""

    first: float
    again: float
    rss: float
    pss: float
    used: float
    threads: float
    descriptors: float


def configure(folder: Path, many: int, option: str) -> None:
    """Write a configuration with so many repositories beside the first."""
    parts = [_HEAD]
    for number in range(many):
        kind = _KINDS[number % 2].format(number=number)
        port = f"{option} = tcp:0:interface=127.0.0.1"
        parts.append(f"[repository:r{number}]\n{kind}\n{port}\n")
    (folder / "registry.ini").write_text("".join(parts))


def certify(folder: Path) -> None:
    """Make a certificate."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"),
            *("-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.crt"),
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )


class Daemon:
    """The daemon in a folder, from its start to its end.

    :ivar seconds: that it took until it was ready.
    """

    def __init__(self, folder: Path) -> None:
        where = folder / "notify"
        where.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(str(where))
            notify.settimeout(PATIENCE)
            self._log = (folder / "log").open("w+")
            twistd = str(Path(sys.executable).with_name("twistd"))
            begun = time.perf_counter()
            self._process = subprocess.Popen(
                [twistd, "pullthrough", "--config", "registry.ini"],
                cwd=folder,
                env={**os.environ, "NOTIFY_SOCKET": str(where)},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
            )
            notify.recv(100)
            self.seconds = time.perf_counter() - begun

    def __enter__(self) -> "Daemon":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)
        self._log.close()

    def memory(self, kind: str) -> int:
        """Its memory of one kind, in KiB."""
        text = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text()
        line = next(line for line in text.splitlines() if line.startswith(f"{kind}:"))
        return int(line.split()[1])

    def count(self, what: str) -> int:
        """How many threads (``task``) or descriptors (``fd``) it has."""
        return len(os.listdir(f"/proc/{self._process.pid}/{what}"))

    def ask_each(self) -> None:
        """One request to each connector; each must ask for a password."""
        self._log.flush()
        said = Path(self._log.name).read_text()
        trust = ssl.create_default_context()
        trust.check_hostname = False
        trust.verify_mode = ssl.CERT_NONE
        words = [word for word in said.split() if "://127.0.0.1:" in word]
        for url in words:
            scheme, _, where = url.partition("://")
            connection = (
                http.client.HTTPSConnection(where, timeout=30, context=trust)
                if scheme == "https"
                else http.client.HTTPConnection(where, timeout=30)
            )
            connection.request("GET", "/v2/")
            status = connection.getresponse().status
            connection.close()
            if status != 401:
                raise RuntimeError(f"{url} answers {status}")


def measure(many: int, option: str) -> Cost:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certify(folder)
        configure(folder, many, option)
        with Daemon(folder) as daemon:
            first = daemon.seconds
        with Daemon(folder) as daemon:
            rss, pss = daemon.memory("Rss"), daemon.memory("Pss")
            threads, descriptors = daemon.count("task"), daemon.count("fd")
            daemon.ask_each()
            used = daemon.memory("Pss")
        return Cost(first, daemon.seconds, rss, pss, used, threads, descriptors)


def medians(many: int, option: str) -> Cost:
    """The medians of some runs."""
    found = [measure(many, option) for _ in range(ROUNDS)]
    names = [field.name for field in fields(Cost)]
    return Cost(
        *(statistics.median(getattr(one, name) for one in found) for name in names)
    )


def main() -> None:
    """Measure, print, and fail when a promise is broken."""
    print(
        f"{'repositories':>18} {'first start':>12} {'next start':>11} {'RSS':>10}"
        f" {'PSS':>10} {'after requests':>15} {'threads':>8} {'fds':>5}"
    )

    def show(name: str, cost: Cost) -> None:
        print(
            f"{name:>18} {cost.first:>10.2f} s {cost.again:>9.2f} s"
            f" {cost.rss:>6.0f} KiB {cost.pss:>6.0f} KiB {cost.used:>11.0f} KiB"
            f" {cost.threads:>8.0f} {cost.descriptors:>5.0f}"
        )

    broken = []
    none = medians(0, "http_port")
    show("1", none)
    for option in ("http_port", "https_port"):
        cost = medians(MANY, option)
        scheme = option.removesuffix("_port")
        show(f"1 + {MANY} ({scheme})", cost)
        each = [
            (getattr(cost, field.name) - getattr(none, field.name)) / MANY
            for field in fields(Cost)
        ]
        print(
            f"{'each of them':>18} {each[0] * 1000:>9.1f} ms {each[1] * 1000:>8.1f} ms"
            f" {each[2]:>6.1f} KiB {each[3]:>6.1f} KiB {each[4]:>11.1f} KiB"
            f" {each[5]:>8.2f} {each[6]:>5.2f}"
        )
        if max(cost.first, cost.again) > LONGEST_START or each[3] > MOST_KIB:
            broken.append(scheme)
    if broken:
        raise SystemExit(f"dearer than promised: {', '.join(broken)}")


if __name__ == "__main__":
    main()
