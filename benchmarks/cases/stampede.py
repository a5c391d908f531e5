"""e: many clients that ask for the same blob at once, which nobody has yet."""

import json

from benchmarks.bench import Bench
from benchmarks.calls import Target, ask, check
from benchmarks.cases.cold import path_of, pull, pullers
from benchmarks.content import MIB
from benchmarks.goals import GETS, IDEAL
from benchmarks.names import PULLING, UPSTREAM

CLIENTS = (50, 200)
SIZE, PACE = 8 * MIB, 8 * MIB


def run(bench: Bench) -> None:
    """The case."""
    with bench.fleet() as fleet:
        direct, targets = pullers(fleet, fleet.upstream(PACE))
        warm = bench.contents.blob(MIB)
        for one in targets:
            check(one, path_of(warm), warm.digest)
        for clients in CLIENTS:
            for number in range(bench.rounds):
                for one in targets:
                    # It fetches once for each client: once is enough to see that.
                    slow = one.name == PULLING
                    if not slow or (clients == 50 and not number and not bench.quick):
                        _one(bench, direct, one, clients)


def _one(bench: Bench, direct: Target, one: Target, clients: int) -> None:
    blob = bench.contents.blob(SIZE)
    path = path_of(blob)
    ideal = pull(direct, [blob])
    before = _gets(direct, path)
    wall = pull(one, [blob] * clients)
    row = f"{clients} clients, one uncached 8 MiB blob, upstream 8 MiB/s"
    gets = _gets(direct, path) - before
    bench.add("e", row, UPSTREAM, {IDEAL: 1})
    bench.add("e", row, one.name, {GETS: gets, IDEAL: wall / ideal})


def _gets(direct: Target, path: str) -> int:
    return int(json.loads(ask(direct, "GET", f"/count{path}").body))
