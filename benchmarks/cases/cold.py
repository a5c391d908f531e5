"""d: what nobody has asked for before, through a proxy, beside the upstream itself."""

import statistics
from collections.abc import Sequence

from benchmarks.bench import Bench, Figures
from benchmarks.calls import Target, basic, check
from benchmarks.content import MIB, Blob
from benchmarks.crowd import together
from benchmarks.fleet import Fleet, target
from benchmarks.goals import CPU_GB, FIRST, SPEED, WALL
from benchmarks.measures import cpu
from benchmarks.names import OURS, UPSTREAM
from benchmarks.readers import Reader
from benchmarks.servers import Server

IMAGE = "bench/cold"
LAYERS, LAYER = 8, 32 * MIB
PACE = 128 * MIB

#: Blobs whose first byte is waited for, one after the other, in a turn.
FIRSTS, FIRST_SIZE = 3, 64 * MIB


def run(bench: Bench) -> None:
    """The case."""
    for what, pace in (("128 MiB/s", PACE), ("unlimited", 0)):
        with bench.fleet() as fleet:
            upstream = fleet.upstream(pace)
            direct, targets = pullers(fleet, upstream)
            warm = bench.contents.blob(LAYER)
            for one in (direct, *targets):
                check(one, path_of(warm), warm.digest)
            for _ in range(bench.rounds):
                _layers(bench, what, direct, targets)
            if pace:
                for _ in range(bench.rounds):
                    _firsts(bench, what, [direct, *targets])


def pullers(fleet: Fleet, upstream: Server) -> tuple[Target, list[Target]]:
    """The upstream itself, and those in front of it: we as a proxy, and the peers."""
    ours = target(fleet.ours(upstream), "proxy", OURS)
    started = (fleet.distribution(upstream, "pulled"), fleet.cache(upstream))
    return target(upstream, name=UPSTREAM), [
        ours.with_headers(f"{OURS} proxy Basic", Authorization=basic()),
        *(target(server) for server in started if server),
    ]


def path_of(blob: Blob) -> str:
    """Where a blob is asked for."""
    return f"/v2/{IMAGE}/blobs/{blob.digest}"


def pull(one: Target, blobs: Sequence[Blob]) -> float:
    """Seconds to read these, all at once."""
    began, found = together([Reader(one, path_of(blob), blob.size) for blob in blobs])
    return max(client["last"] for client in found) - began


def _layers(bench: Bench, what: str, direct: Target, targets: list[Target]) -> None:
    """One round of an image's layers. They are new ones, and new to each server."""
    blobs = [bench.contents.blob(LAYER) for _ in range(LAYERS)]
    size = sum(blob.size for blob in blobs)
    row = f"cold pull, 8 x 32 MiB, upstream {what}"
    plain = pull(direct, blobs)
    bench.add("d", row, UPSTREAM, {SPEED: size / plain / 1e6})
    for one in targets:
        before = cpu(one.pid)
        wall = pull(one, blobs)
        bench.add(
            "d",
            row,
            one.name,
            {
                WALL: wall / plain,
                CPU_GB: (cpu(one.pid) - before) / (size / 1e9),
                SPEED: size / wall / 1e6,
            },
        )


def _firsts(bench: Bench, what: str, targets: list[Target]) -> None:
    """One round of waiting for first bytes."""
    blobs = [bench.contents.blob(FIRST_SIZE) for _ in range(FIRSTS)]
    for one in targets:
        row = f"cold 64 MiB blob, upstream {what}"
        bench.add("d", row, one.name, _first(one, blobs))


def _first(one: Target, blobs: list[Blob]) -> Figures:
    waits = []
    for blob in blobs:
        began, found = together([Reader(one, path_of(blob), blob.size)])
        waits.append(found[0]["first"] - began)
    return {FIRST: statistics.median(waits) * 1000}
