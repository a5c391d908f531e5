"""g: peak memory: idle, with slow readers, with a cold pull and a push of 1 GiB."""

from collections.abc import Sequence

from benchmarks.bench import Bench
from benchmarks.calls import Target, ask, basic, check, push_blob
from benchmarks.cases.cold import path_of, pullers
from benchmarks.content import MIB, Blob
from benchmarks.crowd import Client, Crowd
from benchmarks.fleet import Fleet, target
from benchmarks.goals import MEMORY
from benchmarks.measures import Peak, memory
from benchmarks.pushers import Pusher
from benchmarks.readers import Reader, Slow

IMAGE = "bench/memory"
READERS, SLOW_SIZE, SECONDS = 64, 256 * MIB, 4.0
LARGE = 1024 * MIB

#: Each of them starts all servers anew.
ROUNDS = 2


def run(bench: Bench) -> None:
    """The case."""
    slow = bench.contents.blob(SLOW_SIZE)
    large = bench.contents.blob(128 * MIB if bench.quick else LARGE)
    for _ in range(1 if bench.quick else min(bench.rounds, ROUNDS)):
        with bench.fleet() as fleet:
            _idle(bench, _hosts(fleet))
        with bench.fleet() as fleet:
            _slow(bench, fleet, slow)
        with bench.fleet() as fleet:
            _, targets = pullers(fleet, fleet.upstream())
            for one in targets:
                clients = [Reader(one, path_of(large), large.size)]
                _watch(bench, f"cold pull of {_told(large)}", one, clients)
        with bench.fleet() as fleet:
            for one in _hosts(fleet):
                pusher = Pusher(one, IMAGE, [large], bench.contents)
                _watch(bench, f"push of {_told(large)}", one, [pusher])
                check(one, f"/v2/{IMAGE}/blobs/{large.digest}", large.digest)


def _told(blob: Blob) -> str:
    return f"{blob.size // MIB} MiB"


def _hosts(fleet: Fleet) -> list[Target]:
    """Those into which one can push."""
    ours = target(fleet.ours(), "hosted")
    theirs = fleet.distribution()
    return [
        ours.with_headers("ours hosted Basic", Authorization=basic()),
        *([target(theirs)] if theirs else []),
    ]


def _idle(bench: Bench, targets: list[Target]) -> None:
    for one in targets:
        ask(one, "GET", "/v2/")
        now = memory(one.pid)
        bench.add("g", "idle", one.name, {MEMORY: now.pss, "RSS MiB": now.rss})


def _slow(bench: Bench, fleet: Fleet, blob: Blob) -> None:
    path = f"/v2/{IMAGE}/blobs/{blob.digest}"
    targets = _hosts(fleet)
    for one in targets:
        push_blob(one, IMAGE, blob, bench.contents)
    static = fleet.static()
    if static:
        fleet.publish(static, path, blob)
        targets.append(target(static))
    for one in targets:
        clients = [Slow(one, path, blob.size, SECONDS) for _ in range(READERS)]
        _watch(bench, f"{READERS} slow readers of {_told(blob)}", one, clients)


def _watch(bench: Bench, what: str, one: Target, clients: Sequence[Client]) -> None:
    crowd = Crowd(clients)
    peak = Peak(one.pid)
    with peak.watch():
        crowd.go()
        crowd.results()
    most = peak.most
    bench.add("g", what, one.name, {MEMORY: most.pss, "RSS MiB": most.rss})
