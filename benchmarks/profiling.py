"""``python -m benchmarks.profiling``: where our own time goes, stage by stage.

Each load runs three times: as it is, for the CPU; under the sampler, for the shares;
and under strace, for the system calls.
"""

import argparse
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.calls import Target, basic, check, push_blob, push_manifest
from benchmarks.cases.cold import pull
from benchmarks.content import MIB, Contents
from benchmarks.crowd import together
from benchmarks.fleet import Fleet, target
from benchmarks.measures import cpu, cpu_of
from benchmarks.pushers import Pusher
from benchmarks.readers import Reader
from benchmarks.sampler import INTERVAL
from benchmarks.stages import functions, stages
from benchmarks.strace import calls
from benchmarks.wrk import load

IMAGE, TAG = "bench/profile", "v1"
SECONDS = 4.0

#: Functions and system calls that are shown.
MOST = 8

#: Does some work; how many units that were.
Work = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Load:
    """A load.

    :ivar unit: what one unit of it is.
    """

    case: str
    name: str
    unit: str
    work: Work


def loads(fleet: Fleet, ours: dict[str, Target]) -> list[Load]:
    """All loads, on content that is there by then."""
    contents = fleet.contents
    hosted, proxy = ours["hosted"], ours["proxy"]
    small, large = contents.blob(4096), contents.blob(256 * MIB)
    manifest = contents.manifest(IMAGE, TAG, small)
    for blob in (small, large):
        push_blob(hosted, IMAGE, blob, contents)
    push_manifest(hosted, manifest)
    base = f"/v2/{IMAGE}"
    by_digest, by_tag = (
        f"{base}/manifests/{manifest.digest}",
        f"{base}/manifests/{TAG}",
    )
    blob_path = f"{base}/blobs/{large.digest}"
    check(hosted, by_digest, manifest.digest)
    check(hosted, blob_path, large.digest)

    def ask(path: str, other: bool) -> float:
        return load(hosted, [path], 16, SECONDS, other).requests

    def read() -> float:
        for _ in range(2):
            together([Reader(hosted, blob_path, large.size) for _ in range(8)])
        return 16 * large.size / 1e9

    def cold() -> float:
        blobs = [contents.blob(32 * MIB) for _ in range(16)]
        pull(proxy, blobs)
        return 16 * 32 * MIB / 1e9

    def push() -> float:
        blobs = [contents.blob(256 * MIB) for _ in range(2)]
        together([Pusher(hosted, IMAGE, blobs, contents)])
        return 2 * 256 * MIB / 1e9

    def layers() -> float:
        clients = [
            Pusher(hosted, IMAGE, [contents.blob(65536) for _ in range(60)], contents)
            for _ in range(8)
        ]
        together(clients)
        return 480

    named, another = "manifest by digest", "each head another"
    return [
        Load("a", f"{named}, {another}", "request", partial(ask, by_digest, True)),
        Load("a", f"{named}, one head", "request", partial(ask, by_digest, False)),
        Load("a", f"manifest by tag, {another}", "request", partial(ask, by_tag, True)),
        Load("c", "256 MiB blob, eight readers", "GB", read),
        Load("d", "cold pull, 16 x 32 MiB, upstream unlimited", "GB", cold),
        Load("f", "push of 256 MiB, one PUT", "GB", push),
        Load("f", "push of 64 KiB layers, 8 clients", "layer", layers),
    ]


def measure(pid: int, file: Path, one: Load) -> None:
    """Run a load, and print what was seen."""
    one.work()
    main, whole = _main_thread(pid), cpu(pid)
    units = one.work()
    main, whole = _main_thread(pid) - main, cpu(pid) - whole
    print(
        f"\n{one.case}  {one.name}: {_spent(whole / units)} CPU for each {one.unit},"
        f" of it {_spent(max(whole - main, 0) / units)} in threads"
    )
    found = _sampled(pid, file, one.work)
    for stage, share in stages(found):
        print(f"   {stage:<18}{share:>7.1%}{_spent(share * main / units):>12}")
    for name, share in functions(found)[:MOST]:
        print(f"   {share:>25.1%}   {name}")
    counts = calls(pid, one.work)
    if counts is not None:
        told = ", ".join(
            f"{name} {count:.2f}" for name, count in list(counts.items())[:MOST]
        )
        print(
            f"   system calls for each {one.unit}: {sum(counts.values()):.1f} ({told})"
        )


def _sampled(pid: int, file: Path, work: Work) -> list[tuple[list[str], float]]:
    file.unlink(missing_ok=True)
    _signal(pid)
    work()
    _signal(pid)
    until = time.monotonic() + 10
    while not file.exists() and time.monotonic() < until:
        time.sleep(INTERVAL)
    found: list[tuple[list[str], float]] = json.loads(file.read_text())
    return found


def _signal(pid: int) -> None:
    os.kill(pid, signal.SIGUSR2)


def _main_thread(pid: int) -> float:
    return cpu_of(Path(f"/proc/{pid}/task/{pid}/stat").read_text())


def _spent(seconds: float) -> str:
    if seconds >= 0.1:
        return f"{seconds:.2f} s"
    return f"{seconds * 1000:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def main() -> None:
    """Run all loads, or those of some cases."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling")
    parser.add_argument("--only", default="a,c,d,f", metavar="a,c,…")
    only = parser.parse_args().only.split(",")
    with tempfile.TemporaryDirectory() as name, suppress(KeyboardInterrupt):
        folder = Path(name)
        bench = Bench(folder, Contents(folder / "contents"))
        with bench.fleet() as fleet:
            samples = folder / "samples"
            server = fleet.ours(fleet.upstream(), samples)
            ours = {
                kind: target(server, kind).with_headers(
                    f"ours {kind}", Authorization=basic()
                )
                for kind in ("hosted", "proxy")
            }
            for one in loads(fleet, ours):
                if one.case in only:
                    measure(server.pid, samples, one)


if __name__ == "__main__":
    main()
